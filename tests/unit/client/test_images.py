"""Images, as callers of the client give them."""

import base64

import grpc
import pytest

from jarvis.client import Image, JarvisClientError, Message, Role, user
from jarvis.client.requests import generate_call, written
from jarvis.v1 import generation_pb2 as pb
from jarvis.wire import generation as wire
from tests.pictures import GREEN, RED

URI = f"data:image/png;base64,{base64.b64encode(RED.data).decode()}"


def sent(prompt):
    return written(wire.generate_request, generate_call(prompt, {})).messages


def test_images_come_before_what_is_said_of_them(tmp_path):
    path = tmp_path / "green.png"
    path.write_bytes(GREEN.data)
    (message,) = sent([user("Which is red?", [RED.data, path, URI, GREEN])])
    assert [part.WhichOneof("part") for part in message.parts] == ["image"] * 4 + ["text"]
    assert [part.image.data for part in message.parts[:4]] == [RED.data, GREEN.data, RED.data, GREEN.data]
    assert [part.image.HasField("mime_type") for part in message.parts[:4]] == [False, False, True, False]
    assert message.parts[2].image.mime_type == "image/png"
    assert (message.parts[4].text, message.content) == ("Which is red?", "")


@pytest.mark.parametrize("one", [RED, RED.data, "a path"])
def test_one_image_may_be_given_as_it_is(tmp_path, one):
    if one == "a path":
        one = tmp_path / "red.png"
        one.write_bytes(RED.data)
    assert user("What?", one) == user("What?", [one])


def test_without_images_a_message_is_a_text_and_without_a_text_it_is_images():
    assert user("Hi") == Message(Role.USER, "Hi")
    assert user("", [RED]) == Message(Role.USER, parts=(RED,))


def test_a_message_in_a_dict_has_parts_in_their_order():
    (message,) = sent([{"role": "user", "parts": ["a", RED.data, "b", GREEN]}])
    image = [pb.ContentPart(image=pb.Image(data=one.data)) for one in (RED, GREEN)]
    assert list(message.parts) == [pb.ContentPart(text="a"), image[0], pb.ContentPart(text="b"), image[1]]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("https://example.org/a.png", "is an address, and nothing is fetched: load it, and give its bytes"),
        ("HTTP://127.0.0.1/", "is an address"),
        ("a.png", "is no data URI in base64; give a file as a Path"),
        ("file:///etc/passwd", "is no data URI in base64"),
        ("data:image/png,abc", "is no data URI in base64"),
        ("data:image/png;base64,%%%", "is no base64"),
        ("", "is no data URI in base64"),
        ({"url": "https://example.org/a.png"}, "is a dict; give bytes, a Path, a data URI or an Image"),
    ],
)
def test_nothing_is_fetched_and_what_is_no_image_is_told(source, told):
    for call, path in (
        (lambda: user("What?", [RED, source]), "images[1]"),
        (lambda: sent([{"role": "user", "parts": [RED, source]}]), "messages[0].parts[1]"),
    ):
        if path.startswith("messages") and isinstance(source, str):
            continue  # there, it is a text
        with pytest.raises(JarvisClientError) as caught:
            call()
        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
        ((field, description),) = [(one.field, one.description) for one in caught.value.violations]
        assert field == path
        assert description.startswith(told)


def test_a_data_uri_may_leave_its_type_out_and_have_parameters():
    data = base64.b64encode(RED.data).decode()
    assert user("", [f"data:;base64,{data}"]).images == (Image(RED.data),)
    assert user("", [f"data:image/PNG;a=b;base64,{data}"]).images == (Image(RED.data, "image/png"),)


def test_parts_that_are_one_text_are_told():
    with pytest.raises(JarvisClientError) as caught:
        sent([{"role": "user", "parts": "hello"}])
    assert [one.field for one in caught.value.violations] == ["messages[0].parts"]
