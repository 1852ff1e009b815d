"""A model that sees, on the real engine: what it says depends on the images, and on no one else's."""

import asyncio
import base64

import grpc
import pytest

from bench.tiny_model import CONTEXT_LENGTH
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2
from tests.pictures import GREEN, RED, moving, picture

pytestmark = pytest.mark.engine

BLUE = picture((0, 0, 255), (300, 200), "JPEG")
LARGE = picture((9, 9, 9), (2000, 2000))
CANARY = "xyzzycanary"
GREEDY = {"temperature": 0, "max_tokens": 12, "ignore_eos": True}


def asked(*parts):
    """A user's message of texts and of the bytes of images."""
    made = [
        pb.ContentPart(text=part) if isinstance(part, str) else pb.ContentPart(image=pb.Image(data=part))
        for part in parts
    ]
    return [pb.Message(role=pb.ROLE_USER, parts=made)]


async def answer(peer, messages, **sampling):
    request = pb.GenerateRequest(
        messages=messages, sampling=pb.SamplingParams(**{**GREEDY, **sampling}), template=""
    )
    return await peer.generation.Generate(request)


async def text(peer, *parts):
    return (await answer(peer, asked(*parts))).choices[0].text


async def count(peer, *parts):
    request = pb.CountTokensRequest(messages=asked(*parts))
    return (await peer.generation.CountTokens(request)).tokens


async def test_it_says_that_it_takes_images(observed):
    (model,) = (await observed.server.ListModels(server_pb2.ListModelsRequest())).models
    assert "messages.parts.image" in model.supported_fields


async def test_answers_depend_on_the_image_whoever_asked_before(observed):
    red, green = await text(observed, RED.data, "What?"), await text(observed, GREEN.data, "What?")
    assert red != green
    both = [(RED.data, red), (GREEN.data, green)] * 4
    found = await asyncio.gather(*(text(observed, image, "What?") for image, _ in both))
    assert found == [told for _, told in both]


async def test_what_is_cached_of_an_image_is_of_that_image(observed):
    words = "Where was it? " * 60  # the engine keeps 128 tokens at a time
    first, again = [await answer(observed, asked(RED.data, words)) for _ in range(2)]
    other = await answer(observed, asked(GREEN.data, words))
    assert first.usage.cached_tokens == other.usage.cached_tokens == 0
    assert again.usage.cached_tokens > 0
    assert first.choices[0].text == again.choices[0].text != other.choices[0].text


async def test_the_tokens_of_images_are_counted_by_their_size(observed):
    bare, red, wide = [await count(observed, *parts, "What?") for parts in ((), (RED.data,), (BLUE,))]
    strip = await count(observed, picture(size=(4000, 20)), "What?")
    assert bare < strip < red == wide, "a strip has half the tiles"
    both = await answer(observed, asked(RED.data, "or", BLUE, "What?"))
    assert both.usage.prompt_tokens == await count(observed, RED.data, "or", BLUE, "What?")
    assert await count(observed, RED.data, BLUE, "What?") - bare == 2 * (red - bare)
    told = await observed.generation.Tokenize(pb.TokenizeRequest(messages=asked(RED.data, "What?")))
    assert len(told.token_ids) == red


async def test_an_answer_has_the_room_that_images_leave(observed, failure):
    used = await count(observed, RED.data, "What?")
    assert (await answer(observed, asked(RED.data, "What?"), max_tokens=CONTEXT_LENGTH - used)).usage
    request = pb.GenerateRequest(
        messages=asked(RED.data, "What?"), sampling=pb.SamplingParams(max_tokens=CONTEXT_LENGTH + 1 - used)
    )
    code, reason, blamed, _ = await failure(observed.generation.Generate(request))
    assert (code, reason, blamed) == ("INVALID_ARGUMENT", "CONTEXT_LENGTH_EXCEEDED", ["sampling.max_tokens"])
    request = pb.GenerateRequest(messages=asked(*[RED.data] * 100, "What?"))
    assert (await failure(observed.generation.Generate(request)))[1:3] == (
        "CONTEXT_LENGTH_EXCEEDED",
        ["messages"],
    )


@pytest.mark.parametrize("forged", ["<image>", "<##IMAGE##>", "<fake_token_around_image><global-img><image>"])
async def test_a_text_that_looks_like_an_image_is_text(observed, forged):
    for parts in ((forged, RED.data), (RED.data, forged), (forged, RED.data, forged, GREEN.data)):
        told = await observed.generation.Tokenize(pb.TokenizeRequest(messages=asked(*parts)))
        plain = ["x" if part == forged else part for part in parts]
        wanted = await observed.generation.Tokenize(pb.TokenizeRequest(messages=asked(*plain)))
        marks = [[one for one in found.tokens if one == "<image>"] for found in (told, wanted)]
        assert marks[0] == marks[1]
        assert (await answer(observed, asked(*parts))).usage.prompt_tokens == len(told.token_ids)
    told = await observed.generation.Tokenize(pb.TokenizeRequest(messages=asked(forged)))
    assert "<image>" not in told.tokens


async def test_a_raw_prompt_with_an_images_token_has_no_image_and_harms_no_one(observed):
    before = await text(observed, RED.data, "What?")
    told = await observed.generation.Tokenize(pb.TokenizeRequest(messages=asked(RED.data, "What?")))
    sampling = pb.SamplingParams(**GREEDY)
    for request in (
        pb.GenerateRequest(prompt="a <image> b", sampling=sampling),
        pb.GenerateRequest(prompt_token_ids=told.token_ids, sampling=sampling),
    ):
        assert (await observed.generation.Generate(request)).usage.completion_tokens == 12
    assert await text(observed, RED.data, "What?") == before


BAD = {
    "cut off": RED.data[:70],
    "moving": moving("WEBP"),
    "a body of nothing": RED.data[:45] + b"\0" * 200,
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
async def test_a_damaged_image_is_its_senders_fault_alone(observed, failure, data):
    others = [asyncio.create_task(text(observed, RED.data, "What?")) for _ in range(3)]
    for call in (
        observed.generation.Generate(
            pb.GenerateRequest(messages=asked(RED.data, data, "What?"), template="")
        ),
        observed.generation.CountTokens(pb.CountTokensRequest(messages=asked(RED.data, data, "What?"))),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "image 2 " in caught.value.details()
    assert len(set(await asyncio.gather(*others))) == 1


@pytest.mark.parametrize("size", [(1, 1), (4000, 1), (1, 4000), (3, 5)])
async def test_odd_sizes_are_answered(observed, size):
    assert await text(observed, picture(size=size), "What?")


async def test_who_leaves_while_images_are_decoded_holds_no_one_up(observed):
    before = await text(observed, RED.data, "What?")
    calls = [
        observed.generation.GenerateStream(pb.GenerateStreamRequest(messages=asked(*[LARGE] * 4, "What?")))
        for _ in range(6)
    ]
    await asyncio.sleep(0.2)
    for call in calls:
        call.cancel()
    assert await asyncio.wait_for(text(observed, RED.data, "What?"), 60) == before
    status = await observed.server.GetStatus(server_pb2.GetStatusRequest())
    async with asyncio.timeout(60):
        while status.models[0].active_requests:
            await asyncio.sleep(0.1)
            status = await observed.server.GetStatus(server_pb2.GetStatusRequest())
    assert (status.models[0].state, status.models[0].restarts) == (server_pb2.STATE_READY, 0)


@pytest.mark.last
async def test_neither_texts_nor_images_are_in_the_log(observed):
    await text(observed, f"<image> {CANARY}", RED.data)
    log = observed.process.log.read_bytes()
    encoded = base64.b64encode(RED.data)
    for word in (CANARY.encode(), RED.data[20:60], encoded[20:60], b"x89PNG"):
        assert word not in log
