"""Which images are taken, before any engine sees them."""

from dataclasses import replace

import pytest

from jarvis.core.generation.images import ImageLimits
from jarvis.core.generation.tokenizing import Tokenizing
from jarvis.core.generation.validation import check_request, check_supported
from jarvis.core.routing import Routes
from jarvis_ports.errors import InvalidArgument, UnsupportedField
from jarvis_ports.llm import ALL_FIELDS, LLMCapabilities
from jarvis_ports.values import (
    CountTokensRequest,
    GenerateRequest,
    Image,
    Message,
    RenderParams,
    Retrieval,
    Role,
    TokenizeRequest,
    Tool,
    ToolCall,
    ToolChoice,
)
from tests.pictures import GREEN, RED, bomb, moving, picture

LIMITS = ImageLimits(max_images=3, max_bytes=2000, max_pixels=10_000)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"


def asked(*parts, role=Role.USER, **fields):
    return (Message(role, parts=parts, **fields),)


def wrong(input_, retrieval=None, **fields):
    try:
        check_request(GenerateRequest("r", input_, **fields), retrieval, LIMITS)
    except InvalidArgument as error:
        return [(found.field, found.description) for found in error.violations]
    return []


@pytest.mark.parametrize(
    "input_",
    [
        asked("What?", RED, "And?", GREEN),
        asked(RED),
        asked("only text"),
        asked(replace(RED, mime_type="image/png")),
        asked(replace(RED, mime_type="IMAGE/PNG; x=1")),
        asked(Image(picture(kind="JPEG"), "image/jpeg"), Image(picture(kind="WEBP"), "image/webp")),
        asked(Image(picture(size=(1, 1)))),
        asked(Image(picture(size=(100, 100)))),
        (*asked(RED), Message(Role.ASSISTANT, "Red."), *asked("And now?", GREEN)),
    ],
)
def test_what_makes_sense_passes(input_):
    assert wrong(input_) == []


@pytest.mark.parametrize(
    ("image", "field", "told"),
    [
        (Image(b""), "data", "is empty"),
        (Image(SVG), "data", "is no image: PNG, JPEG, WebP are read"),
        (Image(moving("GIF")), "data", "is no image: PNG, JPEG, WebP are read"),
        (Image(RED.data[:20]), "data", "is cut off or damaged: no size is to be found in this image/png"),
        (Image(RED.data, "image/jpeg"), "mime_type", "is 'image/jpeg', and the data are image/png"),
        (Image(RED.data, ""), "mime_type", "is '', and the data are image/png"),
        (Image(RED.data + b"\0" * 2000), "data", f"has {len(RED.data) + 2000} bytes, at most 2000"),
        (Image(bomb()), "data", "has 60000 x 60000 pixels; a request has at most 10000 pixels in all"),
        (Image(bomb(0, 5)), "data", "is cut off or damaged"),
    ],
)
def test_an_image_that_is_not_taken_is_told_with_its_place(image, field, told):
    ((path, description),) = wrong(asked("What?", RED, image))
    assert path == f"messages[0].parts[2].image.{field}"
    assert description.startswith(told)


def test_pixels_are_counted_over_all_images_of_a_request():
    half = Image(picture(size=(80, 80)))
    ((path, told),) = wrong((*asked(half), Message(Role.ASSISTANT, "a"), *asked("b", half)))
    assert path == "messages[2].parts[1].image.data"
    assert "80 x 80" in told


def test_too_many_images_are_not_looked_at():
    assert wrong(asked(*[Image(b"")] * 4)) == [("messages", "at most 3 images, got 4")]


@pytest.mark.parametrize(
    ("message", "field", "told"),
    [
        (Message(Role.SYSTEM, parts=("a", RED)), "parts", "only users speak in parts"),
        (Message(Role.ASSISTANT, parts=("a",)), "parts", "only users speak in parts"),
        (Message(Role.TOOL, tool_call_id="1", parts=(RED,)), "parts", "only users speak in parts"),
        (Message(Role.USER, "a", parts=(RED,)), "parts", "set either this or content, not both"),
        (Message(Role.USER, parts=(RED, "")), "parts[1].text", "is empty"),
        (Message(Role.USER), "content", "is empty"),
    ],
)
def test_parts_are_in_place_of_the_content_of_users(message, field, told):
    ((path, description),) = wrong((message,))
    assert path == f"messages[0].{field}"
    assert description.startswith(told)


def test_images_are_not_cut_off():
    render = RenderParams(truncate_prompt_tokens=5)
    ((path, _),) = wrong(asked(RED), render=render)
    assert path == "truncate_prompt_tokens"
    assert wrong(asked("only text"), render=render) == []


def test_what_is_searched_for_is_text():
    retrieval = Retrieval("c")
    assert wrong(asked(RED, "Where is it?"), retrieval) == []
    assert wrong(asked(RED), replace(retrieval, query="a lamp")) == []
    ((path, told),) = wrong(asked(RED), retrieval)
    assert (path, told) == ("retrieval.query", "is required: the last message has no text to search with")


def test_images_go_with_tools():
    called = Message(Role.ASSISTANT, tool_calls=(ToolCall("1", "a", "{}"),))
    messages = (*asked(RED, "What?"), called, Message(Role.TOOL, "b", tool_call_id="1"))
    assert wrong(messages, tools=(Tool("a"),), tool_choice=ToolChoice.REQUIRED) == []


@pytest.mark.parametrize("request_", [CountTokensRequest, TokenizeRequest])
def test_the_limits_hold_where_tokens_are_told(request_):
    tokenizing = Tokenizing(Routes([], [], ""), LIMITS)
    tokenizing.check(request_(asked(*[RED] * 3)))
    with pytest.raises(InvalidArgument):
        tokenizing.check(request_(asked(*[RED] * 4)))


def test_a_model_that_takes_no_images_is_not_asked():
    blind = LLMCapabilities(100, ALL_FIELDS - {"messages.parts.image"})
    check_supported(GenerateRequest("r", asked("only text")), blind)
    with pytest.raises(UnsupportedField) as caught:
        check_supported(GenerateRequest("r", asked("a", RED)), blind)
    assert [found.field for found in caught.value.violations] == ["messages.parts.image"]


def test_an_image_shows_nothing_of_itself_in_a_log():
    assert repr(RED) == f"Image({len(RED.data)} bytes, None)"
