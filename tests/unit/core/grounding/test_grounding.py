"""Sources in the prompt, citations in the answer; echo answers with the whole prompt of the user."""

import asyncio
from contextlib import aclosing
from types import SimpleNamespace

import pytest

from jarvis.core.generation import Generation
from jarvis.core.grounding import Grounding, GroundingSettings
from jarvis.core.grounding.prompt import INSTRUCTION, NOTHING_FOUND, block
from jarvis.core.prompting import Prompting
from jarvis.core.retrieval.hits import make_hit
from jarvis.core.routing import Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis.core.telemetry.instruments import Instruments
from jarvis_adapters.echo.adapter import _FIELDS as ECHO_FIELDS
from jarvis_adapters.echo.adapter import EchoSettings, open_echo
from jarvis_ports.errors import CollectionNotFound, InvalidArgument, TextTooLong
from jarvis_ports.filters import Exists
from jarvis_ports.llm import Delta, GenerateRequest, Message, Role, SamplingParams
from jarvis_ports.store import Row, Space
from jarvis_ports.values import (
    Finished,
    PromptParams,
    Retrieval,
    SearchMode,
    SearchQuery,
    SearchResult,
    Started,
)
from tests.unit.core.unmetered import unmetered

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
        self.searching.set()
        if self.hang:
            await asyncio.sleep(60)
        if self.error:
            raise self.error
        return SearchResult(tuple(self.hits), query.mode or SearchMode.HYBRID)

    async def space(self, collection):
        return self.space_


@pytest.fixture
async def house():
    """A generation on echo, and its fake search."""
    async with asyncio.TaskGroup() as tasks:
        settings = EchoSettings(context_length=CONTEXT)
        model = Model("echo", "echo", lambda: open_echo(settings), breaker=CircuitBreaker(5, 30))
        run = tasks.create_task(model.run())
        while not model.loaded:
            await asyncio.sleep(0)
        search = FakeSearch()
        grounding = Grounding(search, GroundingSettings(0.25, BUDGET))
        prompting = Prompting(None, {}, [], automatic=False, language="en")
        generation = Generation(Routes([model], [], "echo"), prompting, grounding, Instruments(), unmetered())
        yield SimpleNamespace(generation=generation, search=search, model=model)
        run.cancel()


async def ask(house, options=None, messages=(QUESTION,), **sampling):
    request = GenerateRequest("r", messages, SamplingParams(**sampling))
    options = options or Retrieval("docs")
    return [event async for event in house.generation.stream("", request, PromptParams(), options)]


def written(events):
    return "".join(event.text for event in events if isinstance(event, Delta) and event.index == 0)


def ids(events):
    return [hit.id for hit in events[0].retrieved.citations]


async def test_the_model_is_given_what_was_found_and_the_caller_is_told(house):
    events = await ask(house)

    assert isinstance(events[0], Started)
    assert (ids(events), events[0].retrieved.left_out) == (["a.md", "b.md"], 0)
    assert "[1] a.md\n> word word word\n\n[2] b.md\n> word word word\n\n" in written(events)
    assert written(events).endswith(QUESTION.content)
    assert events[0].prompt_tokens > sum(cost(hit) for hit in house.search.hits)


async def test_a_model_that_takes_no_system_message_gets_none(house, monkeypatch):
    fields = ECHO_FIELDS - {"messages.role.system"}
    monkeypatch.setattr("jarvis_adapters.echo.adapter._FIELDS", fields)
    assert INSTRUCTION in written(await ask(house)), "the instruction stands in the question"


async def test_without_options_nothing_is_searched(house):
    request = GenerateRequest("r", "See [1].", SamplingParams())
    events = [event async for event in house.generation.stream("", request, PromptParams())]

    assert house.search.queries == []
    assert events[0].retrieved is None
    assert (events[-1].cited, events[-1].cited_unknown) == ((), ())
    assert events[-1].timings.retrieval_seconds is None


async def test_the_question_is_searched_with_and_cut_off_where_it_is_long(house):
    await ask(house, messages=(Message(Role.USER, "Hi"), QUESTION))
    await ask(house, messages=(Message(Role.USER, "x" * 30_000),))

    assert house.search.queries == [
        SearchQuery("docs", text, top_k=5, min_similarity=0.25, truncate=True)
        for text in ("What is it?", "x" * 20_000)
    ]


async def test_a_query_of_its_own_is_searched_with_as_it_is(house):
    options = Retrieval("docs", "it", SearchMode.DENSE, 7, Exists("x"), 0.5)
    await ask(house, options)

    query = SearchQuery("docs", "it", None, SearchMode.DENSE, 7, Exists("x"), 0.5, truncate=False)
    assert house.search.queries == [query]


async def test_the_configured_similarity_holds_only_where_it_means_something(house):
    await ask(house, Retrieval("docs", mode=SearchMode.SPARSE))
    house.search.space_ = Space.L2
    await ask(house)
    await ask(house, Retrieval("docs", min_similarity=-2.0))

    assert [query.min_similarity for query in house.search.queries] == [None, None, -2.0]


async def test_sources_are_numbered_by_where_they_come_from(house):
    house.search.hits.reverse()

    assert ids(await ask(house)) == ["a.md", "b.md"]


async def test_the_best_that_fit_the_budget_are_taken(house):
    house.search.hits = [hit("c.md", 60), hit("b.md", 60), hit("a.md", 10)]
    events = await ask(house)

    assert ids(events) == ["a.md", "c.md"], "b.md is too long for what c.md leaves, and a.md is not"
    assert events[0].retrieved.left_out == 1


async def test_a_source_over_the_budget_is_left_out_whole(house):
    house.search.hits = [hit("a.md", BUDGET)]
    events = await ask(house)

    assert (ids(events), events[0].retrieved.left_out) == ([], 1)
    assert NOTHING_FOUND in written(events)


async def test_the_budget_of_a_request_goes_before_the_configured_one(house):
    house.search.hits = [hit("a.md", BUDGET), hit("b.md", 1)]

    small = cost(house.search.hits[1])
    for max_tokens, taken in [(200, ["a.md", "b.md"]), (small, ["b.md"]), (small - 1, [])]:
        assert ids(await ask(house, Retrieval("docs", max_tokens=max_tokens))) == taken


async def test_prompt_and_answer_fit_the_context(house):
    house.search.hits = [hit("a.md", 40), hit("b.md", 40)]

    both = await ask(house)
    assert ids(both) == ["a.md", "b.md"]
    events = await ask(house, max_tokens=CONTEXT - both[0].prompt_tokens + 20)
    assert ids(events) == ["a.md"]
    assert events[0].retrieved.left_out == 1


async def test_nothing_found_is_told_to_the_model_and_to_the_caller(house):
    house.search.hits = []
    events = await ask(house)

    assert (ids(events), events[0].retrieved.left_out) == ([], 0)
    assert NOTHING_FOUND in written(events)


async def test_citations_are_read_from_each_choice_whole(house):
    question = Message(Role.USER, "Is it [2], [ 1 ] or\n[9]?")
    events = await ask(house, messages=(question,), n=2)

    finished = [event for event in events if isinstance(event, Finished)]
    assert [one.index for one in finished] == [0, 1]
    mentioned = [(one.cited, one.cited_unknown) for one in finished]
    assert mentioned == [((1, 2), (9,))] * 2, "echo repeats the sources first"


async def test_a_citation_may_come_in_pieces(house):
    house.search.hits = []
    events = await ask(house, messages=(Message(Role.USER, "As in [1, 2]"),))

    assert [event.text for event in events if isinstance(event, Delta)][-2:] == [" [1,", " 2]"]
    assert (events[-1].cited, events[-1].cited_unknown) == ((), (1, 2))


async def test_the_search_is_timed_and_counts_to_the_first_token(house):
    timings = (await ask(house))[-1].timings

    assert 0 <= timings.retrieval_seconds <= timings.time_to_first_token_seconds <= timings.total_seconds


@pytest.mark.parametrize(
    ("options", "input_", "fields"),
    [
        ({}, "A raw prompt.", ["retrieval"]),
        ({}, (QUESTION, Message(Role.ASSISTANT, "It is")), ["messages[1].role"]),
        ({"query": "it"}, (Message(Role.SYSTEM, "Be brief."),), ["messages[0].role"]),
        ({"top_k": 0}, (QUESTION,), ["retrieval.top_k"]),
        ({"top_k": 101}, (QUESTION,), ["retrieval.top_k"]),
        ({"max_tokens": 0}, (QUESTION,), ["retrieval.max_tokens"]),
    ],
)
async def test_a_bad_request_is_refused_before_the_search(house, options, input_, fields):
    with pytest.raises(InvalidArgument) as caught:
        await ask(house, Retrieval("docs", **options), input_)

    assert [violation.field for violation in caught.value.violations] == fields
    assert house.search.queries == []


async def test_what_is_wrong_with_the_rest_is_told_with_it(house):
    with pytest.raises(InvalidArgument) as caught:
        await ask(house, Retrieval("docs", top_k=0), n=65)

    assert [v.field for v in caught.value.violations] == ["sampling.n", "retrieval.top_k"]
    assert house.search.queries == []


@pytest.mark.parametrize(
    ("field", "query", "blamed"),
    [
        ("text", None, "messages[1].content"),
        ("text", "it", "retrieval.query"),
        ("top_k", None, "retrieval.top_k"),
        ("filter.all_of.clauses[1].range", None, "retrieval.filter.all_of.clauses[1].range"),
    ],
)
async def test_the_search_blames_fields_of_this_request(house, field, query, blamed):
    house.search.error = TextTooLong({field: 300}, max_tokens=254)
    with pytest.raises(TextTooLong) as caught:
        await ask(house, Retrieval("docs", query), (Message(Role.USER, "Hi"), QUESTION))

    assert [violation.field for violation in caught.value.violations] == [blamed]
    assert str(caught.value).startswith(f"{blamed}: the text has 300 tokens")


async def test_other_errors_of_the_search_come_as_they_are(house):
    house.search.error = CollectionNotFound("docs")
    with pytest.raises(CollectionNotFound):
        await ask(house)

    assert house.model.active == 0


async def test_a_search_can_be_cancelled(house):
    house.search.hang = True
    asking = asyncio.create_task(ask(house))
    await house.search.searching.wait()

    assert house.model.active == 1
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert house.model.active == 0


async def test_closing_the_stream_during_the_answer_ends_it(house):
    request = GenerateRequest("r", (QUESTION,))
    async with aclosing(house.generation.stream("", request, PromptParams(), Retrieval("docs"))) as events:
        await anext(events)
        assert house.model.active == 1

    assert house.model.active == 0
