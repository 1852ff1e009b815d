"""The tests that every adapter for the `DifficultyEstimator` port passes."""

import asyncio
import math
import re
import time
from typing import ClassVar

import pytest

from jarvis_plugins.registry import PortName
from jarvis_plugins.testkit.base import AdapterConformance
from jarvis_ports.difficulty import HARDEST, DifficultyEstimator, Estimate

TEXTS = {
    "empty": "",
    "white space": " \t\n\r\n\u00a0",
    "one word": "yes",
    "a question": "How do I rename a branch in git, here and on the remote?",
    "una pregunta": "¿Cómo cambio el nombre de una rama de git, aquí y en el servidor?",
    "code": "Why does this fail?\n\n```python\ndef add(a: int, b: int) -> int:\n    return a + c\n```",
    "maths": "∀ε > 0 ∃δ > 0: |x - a| < δ ⇒ |f(x) - f(a)| < ε",
    "emoji": "Thanks 🙏🏽 see you soon 👩‍🚀",
    "Chinese": "请证明素数有无穷多个。",
    "right to left": "ما هي عاصمة فرنسا؟ \u202eabc\u202c",
    "accents that combine": "e\u0301\u0323\u05b0" * 5000,
    "control characters": "".join(map(chr, range(32))) + "\x7f\x85\u200b\u2028",
    "lone surrogates": "prove \ud800 that \udfff 2\ud83d + 2 = 4 \ude00",
    "capitals that grow": "İSTANBUL ẞ ŉ " * 2000,
    "one letter": "a" * 10**6,
    "brackets": "(" * 10**5 + "[{" * 10**5,
    "new lines": "\n" * 10**6,
    "digits": "1 + " * 10**5,
    "marks": "?!¿¡" * 10**5,
    "a megabyte": "First prove it, then explain step by step why 2 + 2 = 4, or else. " * 16000,
}
FOUND = 100
"""The most characters of what a signal found in a text: a caller reads it on one line."""
EASY_AND_HARD = {
    "en": (
        "Hello, how are you?",
        "Prove that there are infinitely many primes, then explain step by step why that fails for twins.",
    ),
    "es": (
        "Hola, ¿qué tal?",
        "Demuestra que hay infinitos primos y explica paso a paso por qué eso no vale para los gemelos.",
    ),
}


@pytest.mark.asyncio(loop_scope="class")
class EstimatorConformance(AdapterConformance):
    """Subclass it, name the adapter, and run pytest."""

    port = PortName.ESTIMATOR
    seconds: ClassVar[float] = 10.0
    """The most seconds that one estimate may take."""
    quick: ClassVar[float] = 0.2
    """The most seconds that the estimate of a question may take, on a machine that is idle."""

    @pytest.fixture(scope="class")
    @classmethod
    def estimator(cls, opened: DifficultyEstimator) -> DifficultyEstimator:
        return opened

    async def use(self, adapter: DifficultyEstimator) -> None:
        await adapter.estimate(TEXTS["a question"])

    async def test_is_healthy(self, estimator: DifficultyEstimator) -> None:
        assert (await estimator.health()).ok

    @pytest.mark.parametrize("name", TEXTS)
    async def test_estimates_any_text(self, estimator: DifficultyEstimator, name: str) -> None:
        estimate = await estimator.estimate(TEXTS[name])
        assert type(estimate.difficulty) is int
        assert 0 <= estimate.difficulty <= HARDEST
        assert estimate.language is None or re.fullmatch("[a-z]{2}", estimate.language)
        check_signals(estimate)
        assert (await estimator.health()).ok

    async def test_is_quick(self, estimator: DifficultyEstimator) -> None:
        took = []
        for _ in range(5):
            began = time.monotonic()
            await estimator.estimate(TEXTS["a question"])
            took.append(time.monotonic() - began)
        assert min(took) < self.quick, "every answer waits for it"

    async def test_the_same_text_has_the_same_estimate_whatever_came_before(
        self, estimator: DifficultyEstimator
    ) -> None:
        first = {name: await estimator.estimate(text) for name, text in TEXTS.items()}
        again = {name: await estimator.estimate(TEXTS[name]) for name in reversed(TEXTS)}
        assert again == first

    async def test_texts_at_once_do_not_mix(self, estimator: DifficultyEstimator) -> None:
        alone = [await estimator.estimate(text) for text in TEXTS.values()] * 5
        together = await asyncio.gather(*(estimator.estimate(text) for text in [*TEXTS.values()] * 5))
        assert together == alone

    @pytest.mark.parametrize("language", EASY_AND_HARD)
    async def test_a_greeting_is_not_harder_than_a_proof(
        self, estimator: DifficultyEstimator, language: str
    ) -> None:
        easy, hard = [await estimator.estimate(text) for text in EASY_AND_HARD[language]]
        assert easy.difficulty <= hard.difficulty

    async def test_a_cancelled_caller_leaves_it_working(self, estimator: DifficultyEstimator) -> None:
        text = TEXTS["a question"]
        expected = await estimator.estimate(text)
        for turns in range(5):
            tasks = [asyncio.create_task(estimator.estimate(text)) for _ in range(10)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert await asyncio.wait_for(estimator.estimate(text), self.seconds) == expected

    async def test_is_healthy_after_all_this(self, estimator: DifficultyEstimator) -> None:
        assert (await estimator.health()).ok


def check_signals(estimate: Estimate) -> None:
    """Check what must hold for the signals of every estimate."""
    assert type(estimate.signals) is tuple
    points = [signal.points for signal in estimate.signals]
    assert all(math.isfinite(each) for each in points)
    assert points == sorted(points, key=abs, reverse=True), "the most points come first"
    for signal in estimate.signals:
        assert signal.name
        assert len(signal.found) <= FOUND
        signal.found.encode()  # text that cannot be encoded cannot be sent
