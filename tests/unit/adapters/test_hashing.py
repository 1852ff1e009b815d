import numpy as np
import pytest
from pydantic import ValidationError

from jarvis_adapters.hashing.adapter import HashingSettings, open_hashing
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineDead


async def embed(texts, **settings):
    async with open_hashing(HashingSettings(**settings)) as hashing:
        return await hashing.embed(texts, TextRole.DOCUMENT)


async def test_texts_that_share_words_are_nearer_the_more_they_share():
    query, all_words, some_words, none = await embed(
        ["the cat sits here", "here sits THE cat", "the cat runs away", "bonds yield 4 %"], dimension=256
    )
    assert query @ all_words == pytest.approx(1)
    assert 1 > query @ some_words > query @ none


async def test_words_that_share_a_stem_are_near():
    swim, swimming, bonds = await embed(["swim", "swimming", "bonds"], dimension=256)
    assert swim @ swimming > swim @ bonds


async def test_texts_without_a_token_have_a_vector():
    assert np.array_equal(await embed([" \n", ""], dimension=3), [[1, 0, 0]] * 2)


@pytest.mark.parametrize("dimension", [1, 2, 3])
async def test_features_that_cancel_each_other_leave_a_vector(dimension):
    vectors = await embed([f"word{number}" for number in range(200)], dimension=dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)


async def test_vectors_are_the_same_in_every_process():
    (vector,) = await embed(["yes"], dimension=4)
    assert vector == pytest.approx([-(0.5**0.5), -(0.5**0.5), 0, 0])


async def test_a_token_is_a_word_or_a_sign():
    async with open_hashing(HashingSettings()) as hashing:
        assert hashing.count_tokens(["", "two words", "a+b = c!"], TextRole.QUERY) == [0, 2, 6]


async def test_settings_that_decide_the_vectors_are_in_its_identity():
    identities = set()
    for settings in ({}, {"dimension": 65}, {"max_tokens": 255}):
        async with open_hashing(HashingSettings(**settings)) as hashing:
            identities.add(hashing.info().identity)
    assert len(identities) == 3


async def test_closed_it_embeds_no_more():
    async with open_hashing(HashingSettings()) as hashing:
        pass
    assert not (await hashing.health()).ok
    with pytest.raises(EngineDead):
        await hashing.embed(["a"], TextRole.QUERY)


@pytest.mark.parametrize("settings", [{"dimension": 0}, {"max_tokens": 0}])
def test_settings_that_make_no_sense(settings):
    with pytest.raises(ValidationError):
        HashingSettings(**settings)
