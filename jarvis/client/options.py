"""The options that go with a prompt, with texts or with a name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from jarvis_ports.values import (
    Message,
    ReasoningEffort,
    Retrieval,
    Space,
    StructuredOutput,
    TextRole,
    TokenIds,
    Tool,
    ToolChoice,
)

TextPrompt = str | Sequence[Message | Mapping[str, Any]]
"""A raw prompt, passed to the model as it is; or a conversation: `Message`s, or dicts with its fields."""
Prompt = TextPrompt | TokenIds
"""A prompt that may also be tokens, by their ids."""


class Sampling(TypedDict, total=False):
    """How tokens are chosen; the model decides what is left out or None. The contract has the ranges."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    min_p: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    repetition_penalty: float | None
    max_tokens: int | None
    min_tokens: int | None
    stop: str | Sequence[str]
    seed: int | None
    n: int | None
    logprobs: int | None
    logit_bias: Mapping[int, float]
    ignore_eos: bool | None
    stop_token_ids: Sequence[int]
    include_stop: bool | None
    allowed_token_ids: Sequence[int]
    bad_words: Sequence[str]
    skip_special_tokens: bool | None
    logprob_token_ids: Sequence[int]
    prompt_logprobs: int | None


class PromptOptions(TypedDict, total=False):
    """What goes before the prompt, and which model answers; the server decides what is left out.

    Attributes:
        model: the name of a model or of a route.
        template: the name of a prompt template, for messages without a system message; "" is none.
        difficulty: how difficult the prompt is, in [0, 100].
        template_variables: the values of the template's variables; they need `template`.
        language: the language of the template, such as "es".
    """

    model: str | None
    template: str | None
    difficulty: int | None
    template_variables: Mapping[str, str] | None
    language: str | None


class RenderOptions(TypedDict, total=False):
    """How a prompt becomes tokens; the model decides what is left out or None. See the contract.

    Attributes:
        truncate_prompt_tokens: how many tokens of the prompt to keep, the last ones.
        add_special_tokens: whether the tokenizer adds its own tokens to a raw prompt.
        continue_final_message: go on with the last message, the assistant's, instead of answering it.
        chat_template_args: the arguments of the model's chat template by name, as JSON texts.
        add_generation_prompt: begin the assistant's turn after the last message.
    """

    truncate_prompt_tokens: int | None
    add_special_tokens: bool | None
    continue_final_message: bool | None
    chat_template_args: Mapping[str, str] | None
    add_generation_prompt: bool | None


class GenerateOptions(Sampling, PromptOptions, RenderOptions, total=False):
    """All options that go with a prompt."""

    structured_output: StructuredOutput | None
    priority: int | None
    return_token_ids: bool | None
    retrieval: Retrieval | None
    tools: Sequence[Tool | Callable[..., Any]] | None
    tool_choice: ToolChoice | str | None
    tool_name: str | None
    parallel_tool_calls: bool | None
    reasoning_effort: ReasoningEffort | str | None


class EmbedOptions(TypedDict, total=False):
    """The options that go with texts to embed.

    Attributes:
        role: what the texts are for: `document` (the default), or `query` for texts to be searched with.
        dimension: how many components to keep, from the first; all if it is left out.
        truncate: cut off texts that are longer than the model reads, instead of refusing them.
        model: the embedding model's name.
    """

    role: TextRole | str
    dimension: int | None
    truncate: bool
    model: str | None


class RerankOptions(TypedDict, total=False):
    """The options that go with documents to rerank.

    Attributes:
        model: the reranker's name.
        top_n: return only so many, the best; all if it is left out.
        return_documents: return the documents' texts as well.
        truncate: cut off what is longer than the model reads, instead of refusing it.
    """

    model: str | None
    top_n: int | None
    return_documents: bool | None
    truncate: bool | None


class IndexOptions(TypedDict, total=False):
    """How to index a collection; a setting left out takes the contract's default, or stays as it is."""

    space: Space | None
    max_neighbors: int | None
    ef_construction: int | None
    ef_search: int | None


def check_names(options: Mapping[str, object], kind: type[Any]) -> None:
    """Check that every option exists in `kind`.

    Raises:
        TypeError: an option does not.
    """
    if unknown := options.keys() - kind.__annotations__.keys():
        msg = f"unknown options: {', '.join(sorted(unknown))}"
        raise TypeError(msg)


def said(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}
