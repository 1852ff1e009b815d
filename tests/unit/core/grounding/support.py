"""A fake search, and how a question is asked of a generation on echo."""

import asyncio

from jarvis.core.grounding.prompt import block
from jarvis.core.retrieval.hits import make_hit
from jarvis_ports.llm import Delta, GenerateRequest, Message, Role, SamplingParams
from jarvis_ports.store import Row, Space
from jarvis_ports.values import (
    PromptParams,
    Retrieval,
    SearchMode,
    SearchResult,
)

CONTEXT, BUDGET = 300, 100
QUESTION = Message(Role.USER, "What is it?")


def hit(id_, words=3, score=1.0):
    metadata = {"_document": id_, "_source": id_, "_start": 0, "_end": 9}
    return make_hit([Row(id_, " ".join(["word"] * words), metadata)], score)


def cost(hit):
    return len(block(1, hit).split()) + 1


class FakeSearch:
    """Finds what it is given."""

    def __init__(self):
        self.hits = [hit("a.md"), hit("b.md")]
        self.space_ = Space.COSINE
        self.error = None
        self.queries = []
        self.searching = asyncio.Event()
        self.hang = False

    async def run(self, query, deadline=None):
        self.queries.append(query)
        self.deadline = deadline
        self.searching.set()
        if self.hang:
            await asyncio.sleep(60)
        if self.error:
            raise self.error
        return SearchResult(tuple(self.hits), query.mode or SearchMode.HYBRID, bool(query.rerank))

    async def space(self, collection):
        return self.space_


async def ask(house, options=None, messages=(QUESTION,), **sampling):
    request = GenerateRequest("r", messages, SamplingParams(**sampling))
    options = options or Retrieval("docs")
    return [event async for event in house.generation.stream("", request, PromptParams(), options)]


def written(events):
    return "".join(event.text for event in events if isinstance(event, Delta) and event.index == 0)


def ids(events):
    return [hit.id for hit in events[0].retrieved.citations]
