"""Finds out what a server can do, by trying."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from jarvis_openai.endpoint import Endpoint
from jarvis_openai.errors import Missing, Refused
from jarvis_openai.request import CHAT, OPENAI, RAW, VLLM
from jarvis_ports.errors import EngineStartFailed
from jarvis_ports.llm import Constraint, LLMCapabilities

TOKENIZE = "/tokenize"
SHORT = 16
"""The most tokens of an answer to something that is tried; some models refuse to say less."""
USER = {"role": "user", "content": "Hi"}
IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAQAAAACCEkxzAAAAEklEQVR42mP4DwUMo4xRBu"
    "kMAOPT/hAC2mzjAAAAAElFTkSuQmCC"
)
"""A PNG of 64 pixels by 64."""
TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}


@dataclass(frozen=True, slots=True)
class Found:
    """A model at a server.

    Attributes:
        model: its name there.
        vllm: whether the server is vLLM, which has additions to OpenAI's API.
        context_length: as the server tells it.
        root: what the server loaded, if it tells.
    """

    model: str
    vllm: bool
    context_length: int | None
    root: str


async def find_model(endpoint: Endpoint, wanted: str) -> Found:
    """Return the model that is wanted, or the only one.

    Raises:
        EngineStartFailed: it is not there, or there are several.
        EngineDead, EngineFailure, Overloaded: the server does not list its models.
    """
    cards = {card["id"]: card for card in await endpoint.models()}
    if not wanted and len(cards) == 1:
        (wanted,) = cards
    if wanted not in cards:
        msg = f"{endpoint.url} has {', '.join(cards) or 'no model'}; set model to one of them"
        raise EngineStartFailed(msg)
    card = cards[wanted]
    return Found(
        wanted, card.get("owned_by") == "vllm", card.get("max_model_len"), card.get("root") or wanted
    )


async def find_capabilities(
    endpoint: Endpoint, found: Found, context_length: int
) -> tuple[LLMCapabilities, str]:
    """Return what a model can do, and what its server calls the most tokens of an answer in a chat.

    Fields that a server ignores without a word are declared all the same: only its answers would show it.

    Raises:
        EngineStartFailed: it answers neither prompts nor conversations.
        EngineDead, EngineFailure, Overloaded: the server failed meanwhile.
    """

    async def takes(path: str, **fields: Any) -> bool:  # noqa: ANN401 - JSON
        try:
            await endpoint.call(path, {"model": found.model, **fields})
        except (Refused, Missing):
            return False
        return True

    limit = "max_tokens"
    raw = await takes(RAW, prompt="Hi", max_tokens=SHORT)
    chat = await takes(CHAT, messages=[USER], max_tokens=SHORT)
    if not chat and (chat := await takes(CHAT, messages=[USER], max_completion_tokens=SHORT)):
        limit = "max_completion_tokens"  # as OpenAI's models that reason have it
    if not (raw or chat):
        msg = f"{endpoint.url} answers neither prompts nor conversations with {found.model}"
        raise EngineStartFailed(msg)

    async def chats(content: Any = "Hi", **fields: Any) -> bool:  # noqa: ANN401 - JSON
        return chat and await takes(
            CHAT, **{limit: SHORT, "messages": [{"role": "user", "content": content}], **fields}
        )

    schema = {"name": "answer", "schema": {"type": "object"}}
    tried = {
        "prompt": raw,
        "messages": chat,
        "messages.role.system": await chats(messages=[{"role": "system", "content": "Be brief."}, USER]),
        "messages.parts.image": await chats([{"type": "image_url", "image_url": {"url": IMAGE}}]),
        "tools": await chats(tools=[TOOL], tool_choice="auto"),
        "structured_output.json_object": found.vllm or await chats(response_format={"type": "json_object"}),
        "structured_output.json_schema": found.vllm
        or await chats(response_format={"type": "json_schema", "json_schema": schema}),
        "add_special_tokens": raw and found.vllm,
        "add_generation_prompt": chat and found.vllm,
        "continue_final_message": chat and found.vllm,
    }
    fields = {field for field, honoured in tried.items() if honoured}
    fields |= {f"sampling.{name}" for name in ("max_tokens", *OPENAI, *(VLLM if found.vllm else ()))}
    if "tools" in fields:
        fields.add("parallel_tool_calls")
    if found.vllm:
        fields |= {f"structured_output.{constraint}" for constraint in Constraint}
        fields |= {"return_token_ids", "truncate_prompt_tokens"}
    asked: dict[str, Any] = {"messages": [USER], limit: SHORT} if chat else {"prompt": "Hi", "max_tokens": 1}
    counts = await takes(TOKENIZE, **{name: asked[name] for name in asked if name != limit})
    capabilities = LLMCapabilities(
        context_length,
        frozenset(fields),
        notes=() if found.vllm else ("the servers do not tell which stop text has ended an answer",),
        settings={"model": found.root, "server": "vllm" if found.vllm else "openai"},
        counts_prompts=counts,
        exact_usage=await _tells_usage(endpoint, CHAT if chat else RAW, {"model": found.model, **asked}),
    )
    return capabilities, limit


async def _tells_usage(endpoint: Endpoint, path: str, body: Mapping[str, Any]) -> bool:
    asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
    async with aclosing(endpoint.stream(path, asked)) as parts:
        return any([part.get("usage") async for part in parts])
