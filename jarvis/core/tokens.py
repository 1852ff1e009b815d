"""Numbers of tokens: a guess where nothing has been tokenised, and what a model says."""

from jarvis_ports.llm import LLM
from jarvis_ports.values import Delta, GenerateRequest, Input, Raw, TokenIds

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_IMAGE = 1024
"""What an image is guessed at: models make some hundreds to some thousands of tokens of one."""


def tokens_in(characters: int) -> int:
    """Return about how many tokens a text of so many characters has."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def characters_in(input_: Input) -> int:
    """Return about how many characters a prompt or a conversation has; an image has those of its tokens."""
    if isinstance(input_, str):
        return len(input_)
    if isinstance(input_, TokenIds):
        return len(input_.ids) * CHARACTERS_PER_TOKEN
    called = sum(len(call.name) + len(call.arguments) for message in input_ for call in message.tool_calls)
    seen = sum(len(message.images) for message in input_) * TOKENS_PER_IMAGE * CHARACTERS_PER_TOKEN
    return called + seen + sum(len(message.text) for message in input_)


def characters_of(request: GenerateRequest) -> int:
    """Return about how many characters the prompt of a request has, with the tools that the model is told."""
    told = sum(
        len(text) for tool in request.tools for text in (tool.name, tool.description, tool.parameters) if text
    )
    return told + characters_in(request.input)


def characters_written(delta: Delta) -> int:
    """Return how many characters the model has written: of text, of reasoning and of calls."""
    called = sum(len(call.name or "") + len(call.arguments) for call in delta.tool_calls)
    return len(delta.text) + len(delta.reasoning) + called


async def prompt_tokens(llm: LLM, request: GenerateRequest) -> int:
    """Return the number of tokens that a model's prompt has, with the tools that it is told.

    It is estimated where the engine does not count them.
    """
    if not llm.capabilities().counts_prompts:
        return tokens_in(characters_of(request))
    if isinstance(request.input, Raw) or not request.tools:
        return await llm.count_tokens(request.input, request.render)
    return await llm.count_tokens(request.input, request.render, request.tools)
