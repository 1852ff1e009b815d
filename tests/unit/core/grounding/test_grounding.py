"""Sources in the prompt, citations in the answer; echo answers with the whole prompt of the user."""

import time

import pytest

from jarvis.core.admission import Arrival
from jarvis.core.grounding.prompt import INSTRUCTION, NOTHING_FOUND
from jarvis_adapters.echo.adapter import _FIELDS as ECHO_FIELDS
from jarvis_ports.filters import Exists
from jarvis_ports.llm import Delta, GenerateRequest, Message, Role, SamplingParams
from jarvis_ports.store import Space
from jarvis_ports.values import (
    Finished,
    PromptParams,
    Retrieval,
    SearchMode,
    SearchQuery,
    Started,
)
from tests.unit.core.grounding.support import (
    BUDGET,
    CONTEXT,
    QUESTION,
    ask,
    cost,
    hit,
    ids,
    written,
)


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

    assert house.search.queries == [
        SearchQuery("docs", "What is it?", top_k=5, min_similarity=0.25, truncate=True)
    ]


@pytest.mark.parametrize("wanted", [True, False, None])
async def test_sources_are_reranked_as_the_request_says_and_the_caller_is_told(house, wanted):
    events = await ask(house, Retrieval("docs", rerank=wanted))
    assert house.search.queries[0].rerank is wanted
    assert events[0].retrieved.reranked is bool(wanted)


async def test_the_search_knows_until_when_an_answer_is_of_use(house):
    request = GenerateRequest("r", (QUESTION,), SamplingParams())
    arrival = Arrival(deadline=time.monotonic() + 60)
    stream = house.generation.stream("", request, PromptParams(), Retrieval("docs"), arrival)
    assert [event async for event in stream]
    assert house.search.deadline == arrival.deadline


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
