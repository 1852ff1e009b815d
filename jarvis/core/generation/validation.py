"""Checks a request before any engine sees it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from jarvis.core.generation.images import ImageLimits, check_images, has_images
from jarvis.core.generation.rendering import check_render
from jarvis.core.generation.tools import check_messages, check_tools, with_tools
from jarvis.core.prompting import has_system_message
from jarvis.core.retrieval.validation import check_query
from jarvis.core.text import check_length
from jarvis_ports.errors import FieldViolation, InvalidArgument, UnsupportedField
from jarvis_ports.llm import LLMCapabilities
from jarvis_ports.values import (
    Constraint,
    GenerateRequest,
    Input,
    Raw,
    RenderParams,
    Retrieval,
    Role,
    SamplingParams,
    SearchMode,
    SearchQuery,
    TokenIds,
    input_field,
)

MAX_STOPS = 16
MAX_LOGIT_BIAS = 1024
MAX_LISTED: Final = {
    "stop_token_ids": 64,
    "allowed_token_ids": 1024,
    "bad_words": 64,
    "logprob_token_ids": 64,
}
MAX_CHARACTERS = 1000
"""The most characters of a stop text or of bad words: each is looked for at every token."""
MAX_SOURCES = 100

RANGES: Final[dict[str, tuple[float, float]]] = {
    "temperature": (0, 2),
    "top_k": (0, 2**31 - 1),
    "min_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "max_tokens": (1, 2**31 - 1),
    "min_tokens": (0, 2**31 - 1),
    "seed": (0, 2**63 - 1),
    "n": (1, 64),
    "logprobs": (0, 20),
    "prompt_logprobs": (0, 20),
}
OPEN_RANGES: Final[dict[str, tuple[float, float]]] = {"top_p": (0, 1), "repetition_penalty": (0, 10)}
"""Ranges that exclude their lower end."""


def check_request(
    request: GenerateRequest, retrieval: Retrieval | None = None, images: ImageLimits = ImageLimits()
) -> None:
    """Check the values of a request, and of its search for sources.

    Raises:
        InvalidArgument: naming every field that is wrong.
    """
    violations = [
        *_input(request.input, images),
        *check_render(request.input, request.render),
        *_sampling(request.sampling),
        *_structured_output(request),
        *check_tools(request),
    ]
    if retrieval:
        if request.render.truncate_prompt_tokens is not None:
            beside = "would cut off sources; set retrieval.max_tokens"
            violations.append(FieldViolation("truncate_prompt_tokens", beside))
        violations += _retrieval(request.input, retrieval)
    if violations:
        raise InvalidArgument(violations)


def check_supported(request: GenerateRequest, capabilities: LLMCapabilities) -> None:
    """Check that the engine honours every field that is set.

    Raises:
        UnsupportedField: naming every field that it cannot honour.
    """
    unsupported = sorted(set(_fields(request)) - capabilities.fields)
    if unsupported:
        raise UnsupportedField(
            [
                FieldViolation(field, "this model does not support this; ListModels says which models do")
                for field in unsupported
            ]
        )


def check_token_ids(token_ids: Sequence[int]) -> None:
    """Check the tokens of a text on their own.

    Raises:
        InvalidArgument: there are none.
    """
    if not token_ids:
        raise InvalidArgument.of("token_ids", "is empty")


def _input(input_: Input, images: ImageLimits) -> Iterator[FieldViolation]:
    if isinstance(input_, Raw):
        if not (input_.ids if isinstance(input_, TokenIds) else input_):
            yield FieldViolation(input_field(input_), "is empty")
        return
    yield from check_messages(input_)
    yield from check_images(input_, images)


def _sampling(sampling: SamplingParams) -> Iterator[FieldViolation]:
    yield from _ranges(sampling)
    yield from _stops(sampling.stop)
    yield from _lists(sampling)
    yield from _logit_bias(sampling.logit_bias)


def _ranges(sampling: SamplingParams) -> Iterator[FieldViolation]:
    for name, (low, high) in RANGES.items():
        value = getattr(sampling, name)
        if value is not None and not low <= value <= high:
            yield FieldViolation(f"sampling.{name}", f"must be in [{low}, {high}], got {value:g}")
    for name, (low, high) in OPEN_RANGES.items():
        value = getattr(sampling, name)
        if value is not None and not low < value <= high:
            yield FieldViolation(f"sampling.{name}", f"must be in ({low}, {high}], got {value:g}")
    least, most = sampling.min_tokens, sampling.max_tokens
    if least is not None and most is not None and least > most >= 1:
        yield FieldViolation("sampling.min_tokens", f"must be at most max_tokens ({most}), got {least}")


def _stops(stops: Sequence[str]) -> Iterator[FieldViolation]:
    if len(stops) > MAX_STOPS:
        yield FieldViolation("sampling.stop", f"at most {MAX_STOPS} texts, got {len(stops)}")
    yield from _texts("stop", stops)


def _lists(sampling: SamplingParams) -> Iterator[FieldViolation]:
    for name, most in MAX_LISTED.items():
        if (count := len(getattr(sampling, name))) > most:
            yield FieldViolation(f"sampling.{name}", f"at most {most}, got {count}")
    yield from _texts("bad_words", sampling.bad_words)
    if sampling.logprobs is not None and sampling.logprob_token_ids:
        yield FieldViolation("sampling.logprob_token_ids", "set either this or logprobs, not both")


def _texts(name: str, texts: Sequence[str]) -> Iterator[FieldViolation]:
    for position, text in enumerate(texts):
        yield from check_length(f"sampling.{name}[{position}]", text, MAX_CHARACTERS)


def _logit_bias(biases: Mapping[int, float]) -> Iterator[FieldViolation]:
    if len(biases) > MAX_LOGIT_BIAS:
        yield FieldViolation("sampling.logit_bias", f"at most {MAX_LOGIT_BIAS} entries, got {len(biases)}")
    for token_id, bias in biases.items():
        if not -100 <= bias <= 100:
            yield FieldViolation(f"sampling.logit_bias[{token_id}]", f"must be in [-100, 100], got {bias:g}")


def _structured_output(request: GenerateRequest) -> Iterator[FieldViolation]:
    yield from _beside_a_form(request)
    if request.structured_output is None:
        return
    field, value = request.structured_output.field, request.structured_output.value
    if request.structured_output.constraint is Constraint.JSON_OBJECT:
        pass  # it has no value
    elif not value:
        yield FieldViolation(field, "is empty")
    elif not isinstance(value, str):
        for position, choice in enumerate(value):
            if not choice:
                yield FieldViolation(f"{field}.values[{position}]", "is empty")


def _beside_a_form(request: GenerateRequest) -> Iterator[FieldViolation]:
    """Yield the parameters that cannot be honoured where the answer has a form."""
    form = "structured_output" if request.structured_output else next(iter(request.held_by), None)
    if form is None:
        return
    beside = f"cannot be honoured beside {form}, which tells where the answer ends"
    if request.sampling.ignore_eos:
        yield FieldViolation("sampling.ignore_eos", beside)
    if (request.sampling.min_tokens or 0) > 0:
        yield FieldViolation("sampling.min_tokens", beside)
    if request.sampling.allowed_token_ids:
        yield FieldViolation("sampling.allowed_token_ids", f"leave it out: {form} decides on the tokens")
    if request.tools and (request.tool_name or request.must_call):
        for name in ("stop", "stop_token_ids"):
            if getattr(request.sampling, name):
                yield FieldViolation(f"sampling.{name}", f"would cut off the call that {form} asks for")


def _retrieval(input_: Input, retrieval: Retrieval) -> Iterator[FieldViolation]:
    if isinstance(input_, Raw):
        yield FieldViolation("retrieval", "needs messages: a raw prompt is passed to the model as it is")
    elif input_[-1].role is not Role.USER:
        field = f"messages[{len(input_) - 1}].role"
        yield FieldViolation(field, "with retrieval, the last message has to be the user's")
    elif retrieval.query is None and input_[-1].parts and not input_[-1].text:
        yield FieldViolation("retrieval.query", "is required: the last message has no text to search with")
    if retrieval.top_k is not None and not 1 <= retrieval.top_k <= MAX_SOURCES:
        yield FieldViolation("retrieval.top_k", f"must be in [1, {MAX_SOURCES}], got {retrieval.top_k}")
    if retrieval.max_tokens == 0:
        yield FieldViolation("retrieval.max_tokens", "must be at least 1, got 0")
    query, least = "any" if retrieval.query is None else retrieval.query, retrieval.min_similarity
    mode = None if retrieval.mode is None else SearchMode(retrieval.mode)
    try:
        check_query(SearchQuery(retrieval.collection, query, mode=mode, min_similarity=least))
    except InvalidArgument as error:
        for found in error.violations:
            field = "query" if found.field == "text" else found.field
            yield FieldViolation(f"retrieval.{field}", found.description)


def _fields(request: GenerateRequest) -> Iterator[str]:
    """Yield the fields that are set, among those that some engines cannot honour."""
    yield from (f"sampling.{name}" for name in _set(request.sampling))
    yield from _set(request.render)
    if request.structured_output:
        yield request.structured_output.field
    yield input_field(request.input)
    if has_system_message(request.input):
        yield "messages.role.system"
    if has_images(request.input):
        yield "messages.parts.image"
    if with_tools(request):
        yield "tools"
    for name in ("parallel_tool_calls", "priority", "reasoning_effort"):
        if getattr(request, name) is not None:
            yield name
    if request.return_token_ids:
        yield "return_token_ids"


def _set(params: SamplingParams | RenderParams) -> Iterator[str]:
    return (name for name in params.__dataclass_fields__ if getattr(params, name) not in (None, (), {}))
