"""What callers may tell a chat template, and the message that is continued, as vLLM renders them."""

import logging
from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import LlamaConfig, PreTrainedTokenizerFast
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.exceptions import VLLMValidationError
from vllm.renderers import renderer_from_config

from jarvis_adapters.vllm.capabilities import find_capabilities
from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_adapters.vllm.dialect import Dialect
from jarvis_adapters.vllm.render import render
from jarvis_adapters.vllm.settings import ParserNames
from jarvis_adapters.vllm.template import check_arguments, template_arguments
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import Message, RenderParams, Role, TokenIds

TEMPLATE = (
    "{{ bos_token }}{%- set found = namespace(n=0) %}"
    "{% for m in messages %}[{{ m['role'] }}] {{ m['content'].split('</think>')[-1] | trim }} . {% endfor %}"
    "{% if enable_thinking is string %}{{ raise_exception('not: ' + enable_thinking) }}{% endif %}"
    "{% if tools %}[tools]{% endif %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
    "{% if enable_thinking is defined and enable_thinking is false %} nothink{% endif %}"
)
UNKNOWN, START = "?", "<s>"
WORDS = [UNKNOWN, "[", "]", "system", "user", "assistant", "a", "b", "c", ".", "nothink", START]
ASKED = (Message(Role.USER, "a"), Message(Role.ASSISTANT, "b c"))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A renderer of vLLM, and a call that gives the words of what it makes of an input."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, WORDS.index(START))]
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=UNKNOWN, bos_token=START)
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    LlamaConfig(
        vocab_size=len(WORDS), hidden_size=64, num_hidden_layers=1, architectures=["LlamaForCausalLM"]
    ).save_pretrained(folder)
    config = AsyncEngineArgs(model=str(folder), max_model_len=64).create_engine_config()
    renderer = renderer_from_config(config)
    control = ControlTokens(renderer.tokenizer)

    async def words(input_, **params):
        rendered = await render(renderer, control, input_, RenderParams(**params))
        return " ".join(WORDS[token_id] for token_id in rendered["prompt_token_ids"])

    yield SimpleNamespace(
        words=words,
        control=control,
        engine=SimpleNamespace(
            vllm_config=config, renderer=renderer, get_tokenizer=lambda: renderer.tokenizer
        ),
    )
    renderer.shutdown()


def test_the_arguments_of_a_template_are_the_variables_that_nobody_else_sets(house):
    assert template_arguments(house.control) == {"enable_thinking"}
    check_arguments(template_arguments(house.control), {"enable_thinking": "true"})
    with pytest.raises(InvalidArgument, match="it uses enable_thinking") as refused:
        check_arguments(template_arguments(house.control), {"enable_thinking": "1", "bos_token": '"x"'})
    assert [one.field for one in refused.value.violations] == ["chat_template_args[bos_token]"]


async def test_what_the_template_looks_at_is_declared(house):
    names = ParserNames(tools="none", reasoning="none")
    dialect = Dialect(house.engine.vllm_config, names, house.control)
    fields = (await find_capabilities(house.engine, [], dialect, structured_output=True)).fields
    assert {"add_generation_prompt", "chat_template_args", "continue_final_message"} <= fields


async def test_an_argument_is_what_its_json_says(house):
    begun = "<s> [ user ] a . [ assistant ]"
    assert await house.words(ASKED[:1]) == begun
    assert await house.words(ASKED[:1], chat_template_args={"enable_thinking": "true"}) == begun
    args = {"enable_thinking": "false"}
    assert await house.words(ASKED[:1], chat_template_args=args) == f"{begun} nothink"


async def test_what_a_template_says_of_an_argument_is_told_and_not_logged(house, caplog, monkeypatch):
    logger = logging.getLogger("vllm.renderers.hf")
    monkeypatch.setattr(logger, "level", logging.DEBUG)  # the loggers above it may be silent
    logger.manager._clear_cache()
    logger.addHandler(caplog.handler)
    try:
        logger.warning("another warning")
        with pytest.raises(VLLMValidationError, match="not: canary"):
            await house.words(ASKED[:1], chat_template_args={"enable_thinking": '"canary"'})
    finally:
        logger.removeHandler(caplog.handler)
    assert "another warning" in caplog.text
    assert "canary" not in caplog.text


async def test_a_turn_need_not_begin(house):
    assert await house.words(ASKED[:1], add_generation_prompt=False) == "<s> [ user ] a ."


async def test_the_last_message_is_continued_where_it_ends(house):
    assert await house.words(ASKED, continue_final_message=True) == "<s> [ user ] a . [ assistant ] b c"
    forged = (ASKED[0], Message(Role.ASSISTANT, "b <s> c"))
    continued = await house.words(forged, continue_final_message=True)
    assert continued.startswith("<s> [ user ] a . [ assistant ] b ")
    assert continued.endswith(" c")
    assert continued.count("<s>") == 1, "a control token in a text is text"


async def test_a_message_that_the_template_cuts_is_not_continued_and_not_told(house, caplog):
    thought = (ASKED[0], Message(Role.ASSISTANT, "secret </think> c"))
    with pytest.raises(InvalidArgument) as refused:
        await house.words(thought, continue_final_message=True)
    assert refused.value.violations[0].field == "continue_final_message"
    assert "secret" not in str(refused.value) + caplog.text


async def test_a_raw_prompt_may_go_without_the_tokenizers_own_tokens(house):
    assert await house.words("a b") == await house.words("a b", add_special_tokens=True) == "<s> a b"
    assert await house.words("a b", add_special_tokens=False) == "a b"
    assert await house.words(TokenIds((6, 7))) == "a b"


async def test_the_last_tokens_of_a_prompt_are_kept(house):
    assert await house.words("a b c", truncate_prompt_tokens=2) == "b c"
    assert await house.words(TokenIds((6, 7, 8)), truncate_prompt_tokens=9) == "a b c"
    assert await house.words(ASKED[:1], truncate_prompt_tokens=4) == ". [ assistant ]"
