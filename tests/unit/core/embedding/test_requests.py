"""What a request may say, and what it gets."""

import asyncio
import threading

import numpy as np
import pytest

from jarvis.core.embedding import MAX_TEXTS, Embedding
from jarvis.core.lifecycle.component import Component
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.text import MAX_EMBEDDED
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import InvalidArgument, ModelLoading, ModelNotFound, NotConfigured, TextTooLong

DOCUMENT, QUERY = TextRole.DOCUMENT, TextRole.QUERY


async def test_vectors_come_in_the_order_of_the_texts(make, vectors):
    texts = ["one", "one two three", "one two", "a b c d e f g h i j"]
    found = await make().embed(texts, DOCUMENT)
    assert np.array_equal(found.vectors, vectors(*texts))
    assert (found.vectors.dtype, found.vectors.shape) == (np.float32, (4, 4))
    assert (found.tokens, found.truncated, found.cached) == ((1, 3, 2, 10), (False,) * 4, (False,) * 4)


async def test_the_role_reaches_the_model(make, embedder, vectors):
    found = await make().embed(["x"], QUERY)
    assert np.array_equal(found.vectors, vectors("x", role="query"))
    assert embedder.roles == [QUERY]


async def test_a_text_of_white_space_is_embedded(make):
    assert (await make().embed([" \n"], DOCUMENT)).tokens == (0,)


@pytest.mark.parametrize(
    ("texts", "options", "fields"),
    [
        ([], {}, ["texts"]),
        (["x"] * (MAX_TEXTS + 1), {}, ["texts"]),
        (["x", "", "y", ""], {}, ["texts[1]", "texts[3]"]),
        (["x", ""], {"field": "rows[{}].text"}, ["rows[1].text"]),
        (["x", "x" * (MAX_EMBEDDED + 1)], {"truncate": True}, ["texts[1]"]),
        ([], {"field": "rows[{}].text"}, ["rows"]),
        ([""], {"field": "query.text"}, ["query.text"]),
        (["x"], {"dimension": 0}, ["dimension"]),
        (["x"], {"dimension": 5}, ["dimension"]),
        ([""], {"dimension": 5}, ["texts[0]", "dimension"]),
    ],
)
async def test_what_is_wrong_is_refused_by_its_field(make, embedder, texts, options, fields):
    with pytest.raises(InvalidArgument) as refused:
        await make().embed(texts, DOCUMENT, **options)
    assert [violation.field for violation in refused.value.violations] == fields
    assert embedder.batches == []


async def test_as_many_texts_as_are_allowed(make):
    assert (await make().embed(["x"] * MAX_TEXTS, DOCUMENT)).vectors.shape == (MAX_TEXTS, 4)


async def test_a_text_that_is_too_long_is_refused_with_both_numbers(make, embedder):
    with pytest.raises(TextTooLong, match=r"rows\[1\].text: the text has 11 tokens, and the model reads 10"):
        await make().embed(["x", "y " * 11], DOCUMENT, field="rows[{}].text")
    assert embedder.batches == []


async def test_every_text_that_is_too_long_is_named(make):
    with pytest.raises(TextTooLong) as caught:
        await make().embed(["y " * 11, "x", "y " * 12], DOCUMENT)
    assert [one.field for one in caught.value.violations] == ["texts[0]", "texts[2]"]


async def test_a_text_that_is_too_long_is_cut_where_asked_for(make):
    found = await make().embed(["x", "y " * 11], DOCUMENT, truncate=True)
    assert (found.tokens, found.truncated) == ((1, 11), (False, True))


async def test_fewer_components_have_length_1_again(make, vectors):
    found = await make().embed(["x", "y"], DOCUMENT, dimension=2)
    first = vectors("x", "y")[:, :2]
    assert np.allclose(found.vectors, first / np.linalg.norm(first, axis=1, keepdims=True))
    assert found.vectors.dtype == np.float32


async def test_components_that_are_all_zero_have_no_direction(make, embedder, monkeypatch):
    async def embed(texts, role):
        return np.array([[0, 0, 0, 1]], np.float32)

    monkeypatch.setattr(embedder, "embed", embed)
    with pytest.raises(InvalidArgument, match=r"dimension: .* the first 3 components are 0"):
        await make().embed(["x"], DOCUMENT, dimension=3)


async def test_the_model_may_be_named_and_no_other(make):
    embedding = make()
    assert embedding.name == "fake"
    await embedding.embed(["x"], DOCUMENT, model="fake")
    with pytest.raises(ModelNotFound, match="no model 'other'; there is fake"):
        await embedding.embed(["x"], DOCUMENT, model="other")


async def test_without_an_embedder_nothing_is_configured():
    embedding = Embedding(None, [], max_batch_tokens=40, instruments=Instruments())
    with pytest.raises(NotConfigured):
        await embedding.embed(["x"], DOCUMENT)
    with pytest.raises(NotConfigured):
        _ = embedding.name
    with pytest.raises(NotConfigured):
        _ = embedding.info
    with pytest.raises(NotConfigured):
        embedding.count_tokens(["x"], DOCUMENT)


async def test_an_embedder_that_is_not_open_yet_is_loading():
    embedding = Embedding(
        Component("embedder", "e", "e", lambda: None), [], max_batch_tokens=40, instruments=Instruments()
    )
    with pytest.raises(ModelLoading):
        await embedding.embed(["x"], DOCUMENT)


async def test_many_tokens_are_counted_in_a_thread_and_each_text_once(make, embedder, monkeypatch):
    threads = []
    count = embedder.count_tokens

    def counting(texts, role):
        threads.append(threading.current_thread())
        return count(texts, role)

    monkeypatch.setattr(embedder, "count_tokens", counting)
    await make().embed(["x"], DOCUMENT)
    await make().embed(["long " * 1000, "x", "x"], DOCUMENT, truncate=True)
    assert threads[0] is threading.main_thread()
    assert threads[1] is not threading.main_thread()
    assert embedder.counted == {"x": 2, "long " * 1000: 1}


async def test_a_request_that_is_cancelled_while_tokens_are_counted_embeds_nothing(make, embedder, turn):
    task = asyncio.create_task(make().embed(["long " * 1000], DOCUMENT, truncate=True))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await turn()
    assert task.cancelled()
    assert embedder.batches == []
