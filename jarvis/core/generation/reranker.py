"""Scores documents by asking a model whether each answers a query, and how sure it is of that."""

import asyncio
import math
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass

from jarvis.core.lifecycle.component import Component
from jarvis.core.lifecycle.waiting import until_loaded
from jarvis.core.principal import principal
from jarvis.core.routing.model import Model
from jarvis_ports.difficulty import DifficultyEstimator
from jarvis_ports.errors import EngineDead, EngineFailure, EngineStartFailed
from jarvis_ports.health import Health
from jarvis_ports.llm import LLM, Delta
from jarvis_ports.reranker import RerankerInfo
from jarvis_ports.values import (
    Constraint,
    GenerateRequest,
    Message,
    Role,
    SamplingParams,
    StructuredOutput,
)

AT_ONCE = 16
"""How many documents the model is asked about at a time, by all requests together."""
LANGUAGE_SECONDS = 2.0
"""An estimator that takes longer to tell the language of a query is done without."""
NEEDED = frozenset(
    {
        *("messages", "return_token_ids", "structured_output.choice"),
        *(f"sampling.{name}" for name in ("allowed_token_ids", "logprob_token_ids", "max_tokens")),
    }
)
"""What a model has to honour to be asked."""


@dataclass(frozen=True)
class Question:
    """What a model is asked in one language, and the words for its answers.

    The query comes before the document, so that the engine's prefix cache has it for the next one.
    """

    text: str
    yes: tuple[str, ...]
    no: tuple[str, ...]


QUESTIONS = {
    "en": Question(
        "Does the document answer the query? Reply with one word, Yes or No.\n\n"
        "Query: {query}\n\nDocument: {document}\n\nDoes the document answer the query? Yes or No?",
        ("Yes", "yes"),
        ("No", "no"),
    ),
    "es": Question(
        "¿Responde el documento a la consulta? Contesta con una palabra, Sí o No.\n\n"
        "Consulta: {query}\n\nDocumento: {document}\n\n¿Responde el documento a la consulta? ¿Sí o No?",
        ("Sí", "sí"),
        ("No", "no"),
    ),
}
"""The question, by language."""
Answers = tuple[frozenset[int], frozenset[int]]
"""The ids of the tokens with which "yes" and "no" begin."""


@asynccontextmanager
async def open_reranker(
    model: Model, estimator: Component[DifficultyEstimator] | None, language: str
) -> AsyncIterator["RerankByModel"]:
    """Wait until a model is loaded, and have it score documents.

    Raises:
        EngineStartFailed: its adapter cannot do what this needs.
    """
    capabilities = (await until_loaded(model)).capabilities()
    if lacking := sorted(NEEDED - capabilities.fields):
        raise EngineStartFailed(f"{model} cannot rerank: it does not take {', '.join(lacking)}")
    if not capabilities.counts_prompts:
        raise EngineStartFailed(f"{model} cannot rerank: it does not count the tokens of a prompt")
    info = RerankerInfo(capabilities.context_length - 1, notes=(f"asks {model}",))
    yield RerankByModel(model, estimator, language, info)


class RerankByModel:
    """A `Reranker` that asks a model.

    A score is the probability of "yes" among those of "yes" and "no" as the next token. The requests do not
    wait for the model's slots, as what waits for them may hold one: an answer from sources searches after it
    was let in. They wait for each other, and in the engine.
    """

    def __init__(
        self,
        model: Model,
        estimator: Component[DifficultyEstimator] | None,
        language: str,
        info: RerankerInfo,
    ) -> None:
        self._model = model
        self._estimator = estimator
        self._language = language
        self._info = info
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._answers: tuple[LLM | None, dict[str, Answers]] = (None, {})

    def info(self) -> RerankerInfo:
        """See `jarvis_ports.reranker.Reranker.info`."""
        return self._info

    async def count_tokens(self, query: str, documents: Sequence[str]) -> list[int]:
        """See `jarvis_ports.reranker.Reranker.count_tokens`."""
        question = QUESTIONS[await self._spoken(query)]
        with self._model.use() as llm:
            return [await llm.count_tokens(_asked(question, query, document)) for document in documents]

    async def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """See `jarvis_ports.reranker.Reranker.score`."""
        language = await self._spoken(query)
        scores = [0.0] * len(documents)
        left = iter(enumerate(documents))

        async def ask_on(llm: LLM, answers: Answers) -> None:
            for index, document in left:
                async with self._slots:
                    scores[index] = await self._score(llm, QUESTIONS[language], answers, query, document)

        with self._model.use() as llm:
            try:
                async with asyncio.TaskGroup() as tasks:
                    answers = await self._learned(llm, language)
                    for _ in range(min(AT_ONCE, len(documents))):
                        tasks.create_task(ask_on(llm, answers))
            except ExceptionGroup as failed:
                error = failed.exceptions[0]
                if isinstance(error, EngineDead):
                    self._model.failed(error)
                raise error from None
        return scores

    async def health(self) -> Health:
        """See `jarvis_ports.reranker.Reranker.health`."""
        ok = self._model.serving or self._model.asleep  # who wants it has it load, or is told that it sleeps
        return Health(ok=ok, message="" if ok else f"{self._model} is not ready")

    async def _spoken(self, query: str) -> str:
        """Return the language to ask in: that of the query, or else the configured one, or else English."""
        spoken = None
        if self._estimator:
            with suppress(Exception):
                async with asyncio.timeout(LANGUAGE_SECONDS):
                    spoken = (await self._estimator.port.estimate(query)).language
        return next((one for one in (spoken, self._language) if one in QUESTIONS), "en")

    async def _learned(self, llm: LLM, language: str) -> Answers:
        """Return the tokens of the answers, which are those that the model writes where it is made to."""
        if self._answers[0] is not llm:
            self._answers = (llm, {})
        known = self._answers[1]
        if language not in known:
            question = QUESTIONS[language]
            yes, no = [
                frozenset([await _first_token(llm, question, word) for word in words])
                for words in (question.yes, question.no)
            ]
            if not (yes - no and no - yes):
                raise EngineFailure(f"{self._model} cannot rerank: its yes and no begin with the same token")
            known[language] = (yes - no, no - yes)
        return known[language]

    async def _score(
        self, llm: LLM, question: Question, answers: Answers, query: str, document: str
    ) -> float:
        messages = await self._cut(llm, question, query, document)
        ids = tuple(answers[0] | answers[1])
        sampling = SamplingParams(temperature=0.0, max_tokens=1, logprob_token_ids=ids, allowed_token_ids=ids)
        delta = await _only_token(llm, messages, sampling)
        likely = {top.token_id: top.logprob for token in delta.logprobs for top in token.top}
        yes, no = (_sum([likely[id_] for id_ in ids if id_ in likely]) for ids in answers)
        if yes == no == -math.inf:
            raise EngineFailure(f"{self._model} tells no probability of yes and no")
        return 1 / (1 + math.exp(min(no - yes, 700)))

    async def _cut(self, llm: LLM, question: Question, query: str, document: str) -> list[Message]:
        """Return the messages that ask about a document, of which the longer text is cut until they fit."""
        while True:
            messages = _asked(question, query, document)
            tokens = await llm.count_tokens(messages)
            if (excess := tokens - self._info.max_tokens) <= 0 or not (query or document):
                return messages
            characters = math.ceil(1.1 * excess / tokens * (len(query) + len(document)))
            if len(document) >= len(query):
                document = document[: max(0, len(document) - characters)]
            else:
                query = query[: max(0, len(query) - characters)]


def _asked(question: Question, query: str, document: str) -> list[Message]:
    return [Message(Role.USER, question.text.format(query=query, document=document))]


async def _first_token(llm: LLM, question: Question, word: str) -> int:
    constraint = StructuredOutput(Constraint.CHOICE, (word,))
    sampling = SamplingParams(temperature=0.0, max_tokens=1)
    delta = await _only_token(llm, _asked(question, "?", "."), sampling, constraint)
    return delta.token_ids[0]


async def _only_token(
    llm: LLM,
    messages: Sequence[Message],
    sampling: SamplingParams,
    constraint: StructuredOutput | None = None,
) -> Delta:
    request = GenerateRequest(
        uuid.uuid4().hex,
        messages,
        sampling,
        constraint,
        return_token_ids=True,
        cache_salt=principal.get().cache_salt,
    )
    async with aclosing(llm.generate(request)) as events:
        async for event in events:
            if isinstance(event, Delta) and event.token_ids:
                return event
    msg = "the engine ended the stream without an answer"
    raise EngineFailure(msg)


def _sum(logprobs: Sequence[float]) -> float:
    """Return the logarithm of the sum of probabilities."""
    most = max(logprobs, default=-math.inf)
    return most if most == -math.inf else most + math.log(sum(math.exp(one - most) for one in logprobs))
