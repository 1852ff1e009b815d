"""The page for those who come from vLLM leaves out no field of the installed one."""

import re
from pathlib import Path

from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

PAGE = Path(__file__).parents[4] / "docs/from_vllm.md"


def test_every_field_of_the_chat_api_is_told():
    table = PAGE.read_text().partition("## The chat API")[2].partition("## `vllm.Inference`")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    told = [name for names, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(told) == sorted(ChatCompletionRequest.model_fields)
    assert all(meaning.strip() for _, meaning in rows)
