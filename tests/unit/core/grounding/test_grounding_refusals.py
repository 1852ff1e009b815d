"""What is refused of a request for an answer from sources, and how one is ended."""

import asyncio
from contextlib import aclosing

import pytest

from jarvis_ports.errors import CollectionNotFound, InvalidArgument, TextTooLong
from jarvis_ports.llm import GenerateRequest, Message, Role
from jarvis_ports.values import (
    PromptParams,
    Retrieval,
)
from tests.unit.core.grounding.support import (
    QUESTION,
    ask,
)


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
