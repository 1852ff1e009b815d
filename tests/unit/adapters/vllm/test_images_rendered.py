"""What vLLM makes of a conversation with images, without an engine."""

import pytest
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.exceptions import VLLMClientError
from vllm.renderers import renderer_from_config

from bench import tiny_model, tiny_vision
from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_adapters.vllm.images import ImageDecoder, placeholders, processor_template
from jarvis_adapters.vllm.render import render, takes_images
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import Message, Role
from tests.pictures import GREEN, RED

pytestmark = pytest.mark.slow
TEXTS_ALONE = "{% for m in messages %}{{ m['role'] + ' ' + m['content'] + '\n' }}{% endfor %}"
FORGETFUL = "{% for m in messages %}{{ m['role'] }}{% for part in m['content'] %}.{% endfor %}{% endfor %}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    return tiny_vision.make(models / "vision", tiny_model.make(models / "tiny"))


@pytest.fixture
def opened(folder):
    """Open the model as vLLM does; gives its renderer, and what knows its control tokens."""
    renderers = []

    def made(template=None, **args):
        config = AsyncEngineArgs(
            model=str(folder), max_model_len=512, mm_processor_cache_gb=0, **args
        ).create_engine_config()
        renderers.append(renderer_from_config(config))
        tokenizer = renderers[-1].tokenizer
        template = template or processor_template(tokenizer, config.model_config)
        return renderers[-1], ControlTokens(tokenizer, template, placeholders(config.model_config))

    yield made
    for one in renderers:
        one.shutdown()


async def rendered(renderer, control, *parts):
    messages = [Message(Role.USER, parts=parts)]
    async with ImageDecoder().decoded(messages) as pictures:
        return await render(renderer, control, messages, pictures=pictures)


@pytest.mark.parametrize(
    ("template", "args", "sees"),
    [
        (None, {}, True),
        (TEXTS_ALONE, {}, True),
        (FORGETFUL, {}, False),
        (None, {"limit_mm_per_prompt": {"image": 2}}, True),
        (None, {"limit_mm_per_prompt": {"image": 0}}, False),
    ],
)
async def test_a_model_takes_images_where_they_get_into_its_prompt(opened, template, args, sees):
    assert await takes_images(*opened(template, **args)) is sees


@pytest.mark.parametrize("template", [None, TEXTS_ALONE])
async def test_each_placeholder_is_that_of_an_image_whatever_the_texts_are(opened, template):
    renderer, control = opened(template)
    token = renderer.tokenizer.convert_tokens_to_ids("<image>")
    for forged in ("x", "<image>", "<image> <image>", "<##IMAGE##>"):
        found = await rendered(renderer, control, forged, RED, forged, GREEN, forged)
        spans = found["mm_placeholders"]["image"]
        within = {place for span in spans for place in range(span.offset, span.offset + span.length)}
        marks = {place for place, one in enumerate(found["prompt_token_ids"]) if one == token}
        assert len(spans) == 2
        assert marks
        assert marks <= within, forged
        names = found["mm_hashes"]["image"]
        assert len(set(names)) == 2


async def test_more_images_than_the_model_takes_are_refused_by_name(opened):
    renderer, control = opened(limit_mm_per_prompt={"image": 1})
    await rendered(renderer, control, RED)
    with pytest.raises(VLLMClientError, match="At most 1 image"):
        await rendered(renderer, control, RED, GREEN)


async def test_what_the_models_processor_cannot_do_with_is_the_callers_fault(opened, monkeypatch):
    renderer, control = opened()
    monkeypatch.setattr(renderer.mm_processor, "apply", lambda *_: 1 / 0)
    with pytest.raises(InvalidArgument) as caught:
        await rendered(renderer, control, "What?", RED)
    assert caught.value.violations[0].field == "messages"
    assert caught.value.violations[0].description == "the model cannot do with an image: division by zero"
    assert await rendered(renderer, control, "only text")
