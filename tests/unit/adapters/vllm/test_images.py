"""Images as the model gets them: decoded off the event loop, few at a time, each with a name of its own."""

import asyncio
import threading
from io import BytesIO
from types import SimpleNamespace

import pytest
from PIL import Image as Pictures

from jarvis_adapters.vllm import images as module
from jarvis_adapters.vllm.control_tokens import MARK, ControlTokens
from jarvis_adapters.vllm.images import ImageDecoder, Picture, placeholders
from jarvis_adapters.vllm.render import conversation_message
from jarvis_adapters.vllm.settings import VLLMSettings, engine_args
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import Image, Message, Role
from tests.pictures import GREEN, RED, bomb, moving, picture

NOISE = Pictures.effect_noise((200, 200), 90)


def saved(kind, image=NOISE, **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def two_sizes():
    """A JPEG whose first header has another size than the one that counts for decoders."""
    small, large = picture(size=(1, 1), kind="JPEG"), picture(size=(64, 64), kind="JPEG")
    start = small.index(b"\xff\xc0")
    return b"\xff\xd8" + small[start : start + 19] + large[2:]


def many_scans():
    """A progressive JPEG whose last scan, of some bytes, comes again and again: each goes over all pixels."""
    data = picture((9, 9, 9), (64, 64), "JPEG", progressive=True)
    return data[:-2] + 200 * data[data.rindex(b"\xff\xda") : -2] + data[-2:]


async def decoded(*images, salt=""):
    async with ImageDecoder().decoded([Message(Role.USER, parts=("a", *images))], salt) as found:
        return found


async def test_images_are_decoded_in_their_order():
    async with ImageDecoder().decoded(
        [Message(Role.USER, parts=(RED, "a", GREEN)), Message(Role.USER, parts=(RED,))]
    ) as found:
        assert [one.image.getpixel((0, 0)) for one in found] == [(255, 0, 0), (0, 255, 0), (255, 0, 0)]
    async with ImageDecoder().decoded("a raw prompt") as found:
        assert found == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
async def test_every_format_becomes_rgb(kind, mode):
    (found,) = await decoded(Image(saved(kind, NOISE.convert(mode))))
    assert (found.image.mode, found.image.size) == ("RGB", (200, 200))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
async def test_what_is_transparent_is_white(mode):
    empty = Pictures.new("RGBA", (4, 4), (0, 0, 0, 0))
    (found,) = await decoded(Image(saved("PNG", empty.convert(mode))))
    assert found.image.getpixel((0, 0)) == (255, 255, 255)


async def test_grey_of_16_bits_stays_as_bright_as_it_is():
    grey = Pictures.new("I;16", (4, 4), 32768)
    (found,) = await decoded(Image(saved("PNG", grey)))
    assert found.image.getpixel((0, 0)) == (128, 128, 128)


async def test_a_photograph_is_turned_as_its_camera_was():
    exif = Pictures.Exif()
    exif[0x0112] = 6
    (found,) = await decoded(Image(picture(size=(40, 30), kind="JPEG", exif=exif)))
    assert found.image.size == (30, 40)


async def test_of_a_photograph_with_several_views_the_first_counts():
    views = saved("MPO", NOISE.convert("RGB"), save_all=True, append_images=[NOISE.convert("RGB")])
    (found,) = await decoded(Image(views))
    assert found.image.size == (200, 200)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        *((saved(kind)[:-2000], "cannot be decoded") for kind in ("PNG", "JPEG", "WEBP")),
        (saved("PNG", NOISE.convert("RGBA"))[:-2000], "cannot be decoded"),
        (bomb(), "cannot be decoded: Image size (3600000000 pixels) exceeds limit"),
        (bomb(2000, 2000), "cannot be decoded"),
        (picture()[:45] + b"\0" * 100, "cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "cannot be decoded"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be decoded"),
        (saved("GIF"), "cannot be decoded"),
        (two_sizes(), "has two sizes"),
        (many_scans(), "has more than 100 scans"),
        (moving("WEBP"), "has several frames; send one"),
        (moving("PNG"), "has several frames; send one"),
        (b"", "cannot be decoded"),
    ],
)
async def test_what_cannot_be_decoded_is_the_callers_fault(data, told):
    with pytest.raises(InvalidArgument) as caught:
        await decoded(RED, Image(data))
    ((field, description),) = [(found.field, found.description) for found in caught.value.violations]
    assert field == "messages"
    assert description.startswith(f"image 2 {told}")


async def test_images_have_the_same_name_where_their_bytes_and_the_salt_are_the_same():
    named = {
        one.name
        for salt in ("", "a", "b")
        for one in await decoded(RED, GREEN, Image(picture(kind="WEBP", lossless=True)), salt=salt)
    }
    assert len(named) == 9
    assert (await decoded(RED, salt="a"))[0].name in named


@pytest.fixture
def slow(monkeypatch):
    """Decoding that waits to be let go on, and counts how much of it there is at a time."""
    go, running = threading.Event(), []

    def wait(images, salt):
        running.append(len(images))
        go.wait(10)
        return []

    monkeypatch.setattr(module, "_decoded", wait)
    yield SimpleNamespace(go=go, running=running)
    go.set()


async def until(true):
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def test_the_event_loop_goes_on_and_others_wait_until_images_are_done_with(slow):
    decoder, inside = ImageDecoder(), []
    done = asyncio.Event()

    async def use(number):
        async with decoder.decoded([Message(Role.USER, parts=(RED,))]):
            inside.append(number)
            await done.wait()

    users = [asyncio.create_task(use(number)) for number in range(5)]
    await until(lambda: slow.running)
    assert inside == []
    slow.go.set()
    await until(lambda: len(inside) == module.REQUESTS_AT_A_TIME)
    await asyncio.sleep(0.05)
    assert len(inside) == len(slow.running) == module.REQUESTS_AT_A_TIME
    done.set()
    await asyncio.gather(*users)
    assert sorted(inside) == list(range(5))


async def test_who_gives_up_while_decoding_leaves_the_others_alone(slow):
    decoder = ImageDecoder()

    async def use():
        async with decoder.decoded([Message(Role.USER, parts=(RED,))]):
            return True

    given_up = [asyncio.create_task(use()) for _ in range(4)]
    await until(lambda: slow.running)
    for one in given_up:
        one.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    after = asyncio.create_task(use())
    await asyncio.sleep(0.05)
    assert slow.running == [1], "what nobody waits for is not begun, and the thread is not shared"
    slow.go.set()
    assert await asyncio.wait_for(after, 10)


def test_a_message_has_its_images_where_they_were():
    message = Message(Role.USER, parts=("a", RED, "b"))
    told = conversation_message(message, iter([Picture("decoded", "name")]))
    assert told["content"] == [
        {"type": "text", "text": "a"},
        {"type": "image_pil", "image_pil": "decoded", "uuid": "name"},
        {"type": "text", "text": "b"},
    ]
    assert conversation_message(message)["content"] == "a\nb", "for what reads nothing but text"
    assert conversation_message(Message(Role.USER, "c"), iter([]))["content"] == "c"


def test_placeholders_of_images_in_texts_are_taken_apart():
    tokenizer = SimpleNamespace(
        all_special_tokens=["<s>"], all_special_ids=[1], decode=str, chat_template=None
    )
    control = ControlTokens(tokenizer, "template", ["<|image_1|>", "<##IMAGE##>"])
    for role in (Role.USER, Role.ASSISTANT):
        message = Message(role, parts=("see <|image_1|>", RED))
        assert control.within([message])
        ((text, image),) = [one.parts for one in control.taken_apart([message])]
        assert (text, image) == (f"see <{MARK}|image_1|>", RED)
    assert not control.within([Message(Role.USER, parts=("see image_1", RED))])


def test_a_model_that_numbers_images_has_a_placeholder_for_each(monkeypatch):
    def placeholder(modality, number):
        return f"<|image_{number}|>"

    monkeypatch.setattr(module, "get_model_cls", lambda _: SimpleNamespace(get_placeholder_str=placeholder))
    found = placeholders(SimpleNamespace(is_multimodal_model=True))
    assert {"<|image_1|>", "<|image_64|>", "<##IMAGE##>"} <= found
    assert placeholders(SimpleNamespace(is_multimodal_model=False)) == frozenset()


def test_of_other_media_than_images_there_is_none_unless_asked_for():
    args = engine_args(VLLMSettings(model="m"), cpu=True)
    assert args["limit_mm_per_prompt"] == {"audio": 0, "video": 0}
    assert args["mm_processor_cache_gb"] == 0, "it would count on what is prepared being sent on"
    settings = VLLMSettings(model="m", engine_args={"limit_mm_per_prompt": {"image": 2}})
    assert engine_args(settings, cpu=True)["limit_mm_per_prompt"] == {"image": 2}
