"""What a server is loaded with."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

WORDS = (
    *("amber", "boat", "cedar", "dune", "ember", "fjord", "grove", "harbour", "iris", "juniper", "kelp"),
    *("lake", "meadow", "north", "orchard", "pebble", "quarry", "river", "stone", "tide", "valley", "willow"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Requests for answers, sent one after another by so many callers, or at a rate.

    Attributes:
        concurrency: how many requests run at a time, each caller waiting for its answer.
        rate: in its place, requests a second at random times (a Poisson process), answered or not.
        seconds: how long is measured.
        warm_up: seconds before that, which do not count.
        prompts: what is asked, in a random order; without any, each request has random words of its own, so
            that no cache of prompts knows it.
        prompt_words: how many of them.
        max_tokens: the tokens of each answer.
        ignore_eos: whether an answer has all of them, whatever the model says.
        model: the model or route; None for the server's default.
        seed: decides the prompts, and when they are sent.
    """

    concurrency: int = 8
    rate: float | None = None
    seconds: float = 30.0
    warm_up: float = 3.0
    prompts: tuple[str, ...] = ()
    prompt_words: int = 32
    max_tokens: int = 128
    ignore_eos: bool = True
    model: str | None = None
    seed: int = 0

    def drawn(self, random: Random) -> Iterator[str]:
        """Yield prompts without end."""
        while True:
            yield (
                random.choice(self.prompts)
                if self.prompts
                else " ".join(random.choices(WORDS, k=self.prompt_words))
            )
