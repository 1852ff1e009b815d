"""Requests for the tokens of models, and their answers."""

from dataclasses import dataclass

from jarvis_ports.values.requests import RenderParams, TextInput, Tool


@dataclass(frozen=True, slots=True)
class CountTokensRequest:
    """The input whose tokens to count, the tools beside it, and the model or route that counts them."""

    input: TextInput
    model: str | None = None
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenizeRequest:
    """The input to turn into tokens, and the model or route whose tokens they are."""

    input: TextInput
    model: str | None = None
    render: RenderParams = RenderParams()


@dataclass(frozen=True, slots=True)
class DetokenizeRequest:
    """The tokens to turn into text, by their ids, and the model or route whose tokens they are."""

    token_ids: tuple[int, ...]
    model: str | None = None


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The number of tokens of a prompt, and the most that prompt and answer may have together."""

    model: str
    tokens: int
    context_length: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a prompt: their ids, and the text of each, which may be less than a character."""

    model: str
    token_ids: tuple[int, ...]
    tokens: tuple[str, ...]
    context_length: int


@dataclass(frozen=True, slots=True)
class Detokenized:
    """The text of tokens of a model."""

    model: str
    text: str
