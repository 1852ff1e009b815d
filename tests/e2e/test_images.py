"""Images in messages, over real gRPC. The stand-in takes them, and looks at none."""

import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2, server_pb2
from tests.pictures import GREEN, RED, bomb, picture

LIMITS = ("images.max_images=2", "images.max_bytes=5000", "images.max_pixels=5000")
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
PART = "messages[0].parts[1].image"


@pytest.fixture(scope="module")
async def server(start):
    async with start(*LIMITS, "limits.usage=:memory:") as running:
        yield running


def seen(*images, text="one two", **fields):
    parts = [pb.ContentPart(text=text)] if text else []
    parts += [pb.ContentPart(image=pb.Image(data=data)) for data in images]
    return [pb.Message(role=pb.ROLE_USER, parts=parts, **fields)]


async def tokens(server, messages):
    return (await server.generation.CountTokens(pb.CountTokensRequest(messages=messages))).tokens


async def test_images_cost_tokens_wherever_tokens_are_counted(server):
    for images, count in (((), 3), ((RED.data,), 4), ((RED.data, GREEN.data), 5)):
        messages = seen(*images)
        told = await server.generation.Tokenize(pb.TokenizeRequest(messages=messages))
        answer = await server.generation.Generate(pb.GenerateRequest(messages=messages, template=""))
        assert await tokens(server, messages) == len(told.token_ids) == answer.usage.prompt_tokens == count
        assert answer.choices[0].text == "one two"


async def test_what_an_image_costs_is_metered(server):
    async def used():
        usage = await server.server.GetUsage(server_pb2.GetUsageRequest())
        return sum(one.prompt_tokens for one in usage.usage)

    before = await used()
    answer = await server.generation.Generate(pb.GenerateRequest(messages=seen(RED.data), template=""))
    assert await used() - before == answer.usage.prompt_tokens == 4


async def test_models_say_whether_they_take_images(server):
    (model,) = (await server.server.ListModels(server_pb2.ListModelsRequest())).models
    assert "messages.parts.image" in model.supported_fields


async def test_images_stay_where_a_template_and_sources_come_before_the_question(server):
    messages = seen(RED.data, text="What is a mutex?")
    bare = await tokens(server, messages)
    explained = await server.generation.ExplainPrompt(pb.ExplainPromptRequest(messages=messages))
    system, asked = explained.messages
    assert (system.role, asked) == (pb.ROLE_SYSTEM, messages[0])
    assert explained.prompt_tokens > bare

    await server.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="seen"))
    row = retrieval_pb2.Row(id="a", text="What is a mutex? A lock.")
    await server.retrieval.Upsert(retrieval_pb2.UpsertRequest(collection="seen", rows=[row]))
    search = pb.Retrieval(collection="seen", mode=retrieval_pb2.SEARCH_MODE_SPARSE)
    request = pb.GenerateRequest(messages=messages, retrieval=search)
    answer = await server.generation.Generate(request)
    assert [one.id for one in answer.retrieved.citations] == ["a"], "the question is the text"
    text = answer.choices[0].text
    assert text.startswith("Sources:")
    assert text.endswith("What is a mutex?")


BAD = {
    "nothing in it": (seen(b""), [f"{PART}.data"]),
    "another format": (seen(SVG), [f"{PART}.data"]),
    "cut off": (seen(RED.data[:20]), [f"{PART}.data"]),
    "too many bytes": (seen(RED.data + b"\0" * 5000), [f"{PART}.data"]),
    "a bomb": (seen(bomb()), [f"{PART}.data"]),
    "too many pixels together": (seen(*[picture(size=(60, 60))] * 2), ["messages[0].parts[2].image.data"]),
    "too many": (seen(*[RED.data] * 3), ["messages"]),
    "no part": ([pb.Message(role=pb.ROLE_USER, parts=[pb.ContentPart()])], ["messages[0].parts[0]"]),
    "an empty text": (
        [pb.Message(role=pb.ROLE_USER, parts=[pb.ContentPart(text="")])],
        ["messages[0].parts[0].text"],
    ),
    "parts and a content": (seen(RED.data, content="a"), ["messages[0].parts"]),
    "the system's": (
        [pb.Message(role=pb.ROLE_SYSTEM, parts=seen(RED.data)[0].parts)],
        ["messages[0].parts"],
    ),
    "another type": (
        [
            pb.Message(
                role=pb.ROLE_USER,
                parts=[pb.ContentPart(image=pb.Image(data=RED.data, mime_type="image/webp"))],
            )
        ],
        ["messages[0].parts[0].image.mime_type"],
    ),
}


@pytest.mark.parametrize(("messages", "blamed"), BAD.values(), ids=BAD)
async def test_what_is_wrong_is_named_by_every_call(server, failure, messages, blamed):
    for call in (
        server.generation.Generate(pb.GenerateRequest(messages=messages)),
        server.generation.GenerateStream(pb.GenerateStreamRequest(messages=messages)),
        server.generation.CountTokens(pb.CountTokensRequest(messages=messages)),
        server.generation.Tokenize(pb.TokenizeRequest(messages=messages)),
        server.generation.ExplainPrompt(pb.ExplainPromptRequest(messages=messages)),
    ):
        assert await failure(call) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", blamed, None)


async def test_a_search_needs_words(server, failure):
    request = pb.GenerateRequest(
        messages=seen(RED.data, text=""), retrieval=pb.Retrieval(collection="none of them")
    )
    code, _, blamed, _ = await failure(server.generation.Generate(request))
    assert (code, blamed) == ("INVALID_ARGUMENT", ["retrieval.query"])
