"""Which roles a model's chat template takes, found out as vLLM renders it."""

from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, PreTrainedTokenizerFast
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.renderers import renderer_from_config

from jarvis_adapters.vllm.capabilities import find_capabilities
from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_adapters.vllm.dialect import Dialect
from jarvis_adapters.vllm.settings import ParserNames
from jarvis_ports.llm import ALL_FIELDS

UNKNOWN = "?"
TURNS = "{% for m in messages %}{{ m['role'] + ' ' + m['content'] + ' ' }}{% endfor %}"
UNUSED = {
    "add_generation_prompt",
    "chat_template_args",
    "messages.parts.image",
    "parallel_tool_calls",
    "reasoning_effort",
    "tools",
}
"""What none of the templates looks at."""
TEMPLATES = {
    "takes them": TURNS,
    "raises": (
        "{% if messages[0]['role'] == 'system' %}"
        "{{ raise_exception('System role not supported') }}"
        "{% endif %}" + TURNS
    ),
    "leaves them out": TURNS.replace(" in messages", " in messages if m['role'] != 'system'"),
    "none": None,
}


@pytest.fixture
def loaded(request, tmp_path):
    """What is asked of an engine, made by vLLM from a folder with a tokenizer and without weights."""
    words = {word: number for number, word in enumerate([UNKNOWN, "system", "user", "assistant", "a", "b"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=UNKNOWN)
    fast.chat_template = TEMPLATES[request.param]
    fast.save_pretrained(tmp_path)
    LlamaConfig(
        vocab_size=len(words), hidden_size=64, num_hidden_layers=1, architectures=["LlamaForCausalLM"]
    ).save_pretrained(tmp_path)
    config = AsyncEngineArgs(model=str(tmp_path), max_model_len=64).create_engine_config()
    renderer = renderer_from_config(config)
    yield SimpleNamespace(vllm_config=config, renderer=renderer, get_tokenizer=lambda: renderer.tokenizer)
    renderer.shutdown()


@pytest.mark.parametrize(
    ("loaded", "missing"),
    [
        ("takes them", set()),
        ("raises", {"messages.role.system"}),
        ("leaves them out", {"messages.role.system"}),
        ("none", {"messages", "messages.role.system", "continue_final_message"}),
    ],
    indirect=["loaded"],
)
async def test_system_messages_are_declared_where_the_template_takes_them(loaded, missing):
    control = ControlTokens(loaded.renderer.tokenizer)
    dialect = Dialect(loaded.vllm_config, ParserNames(tools="none", reasoning="none"), control)
    capabilities = await find_capabilities(loaded, ["a note"], dialect, structured_output=True)

    assert capabilities.fields == ALL_FIELDS - missing - UNUSED
    assert (capabilities.context_length, capabilities.notes) == (64, ("a note",))
