"""Converts between the port's types and vLLM's."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

from jarvis_adapters.vllm.dialect import Asked
from jarvis_adapters.vllm.reply import Part, Reply
from jarvis_adapters.vllm.settings import BACKEND
from jarvis_ports.errors import EngineDead, EngineFailure, InvalidArgument
from jarvis_ports.llm import (
    Accepted,
    Delta,
    Finish,
    FinishReason,
    GenerateRequest,
    StructuredOutput,
    TokenLogprob,
    TopLogprob,
    Usage,
)

SAME_NAME = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "max_tokens",
    "min_tokens",
    "seed",
    "n",
    "logprobs",
    "prompt_logprobs",
    "ignore_eos",
    "skip_special_tokens",
)
FINISH_REASONS = {"stop": FinishReason.STOP, "repetition": FinishReason.STOP, "length": FinishReason.LENGTH}


def sampling_params(  # noqa: PLR0913, PLR0917 - all that they are made of
    request: GenerateRequest,
    defaults: Mapping[str, Any],
    room: int,
    stops: Mapping[int, str],
    bad_words: list[list[int]],
    grammar: str | None,
) -> SamplingParams:
    """Return a request's sampling parameters in vLLM's form.

    Args:
        request: what to generate.
        defaults: the model's own parameters.
        room: the tokens that the context has left for the answer.
        stops: the texts of the tokens that end the answer, by their ids.
        bad_words: the tokens of the texts that are not generated.
        grammar: the grammar to which the constraint has been compiled, if there is one.

    Raises:
        VLLMValidationError: vLLM refuses a combination of parameters.
    """
    sampling = request.sampling
    given = {name: value for name in SAME_NAME if (value := getattr(sampling, name)) is not None}
    max_tokens = min(room, defaults.get("max_tokens", room))
    params = SamplingParams(
        **{**defaults, "max_tokens": max_tokens, **given},
        stop=list(sampling.stop),
        stop_token_ids=list(stops),
        include_stop_str_in_output=bool(sampling.include_stop),
        allowed_token_ids=list(sampling.allowed_token_ids) or None,
        logprob_token_ids=list(sampling.logprob_token_ids) or None,
        logit_bias=dict(sampling.logit_bias) or None,
        structured_outputs=grammar and _structured_outputs(grammar),
        output_kind=RequestOutputKind.DELTA,
        skip_clone=True,
    )
    # vLLM itself leaves out the form with a space where that has another number of tokens.
    params._bad_words_token_ids = bad_words or None
    return params


def with_and_without_space(words: Iterable[str], tokenizer: Any) -> list[list[int]]:  # noqa: ANN401 - as vLLM's
    """Return the tokens of words as they are within a text, and at its start."""
    texts = [prefix + word.lstrip() for word in words for prefix in ("", " ")]
    encoded = (tokenizer.encode(text, add_special_tokens=False) for text in texts)
    return [token_ids for token_ids in encoded if token_ids]


def _structured_outputs(grammar: str) -> StructuredOutputsParams:
    params = StructuredOutputsParams(grammar=grammar)
    params._backend = BACKEND
    return params


class Outputs:
    """Turns vLLM's outputs of one request into events, and counts its tokens.

    Args:
        request: what to generate.
        prompt: the tokens of its prompt.
        stops: the texts of the tokens that end the answer, by their ids.
        asked: what tells the parts of the answer apart; None if it is nothing but text.
    """

    def __init__(
        self,
        request: GenerateRequest,
        prompt: Sequence[int],
        stops: Mapping[int, str],
        asked: Asked | None = None,
    ) -> None:
        self._stops = stops
        self._asked = asked
        self._prompt = list(prompt) if asked else []
        self._replies: dict[int, Reply] = {}
        self._held_by = request.held_by or _fields(request.structured_output)
        self._token_ids = request.return_token_ids
        chosen = request.sampling.logprob_token_ids
        self._top = len(chosen) if chosen else request.sampling.logprobs
        self._chosen = frozenset(chosen)
        self._prompt_tokens = len(prompt)
        self._prompt_top = request.sampling.prompt_logprobs
        self._completion_tokens = 0

    def accepted(self, output: Any, token_ids: Sequence[int]) -> Accepted:  # noqa: ANN401 - RequestOutput
        """Return what the first output tells of the prompt, whose tokens are given."""
        if self._prompt_top is None:
            return Accepted(self._prompt_tokens)
        told = zip(token_ids, output.prompt_logprobs or (), strict=False)
        found = [_logprob(token_id, one, self._prompt_top) for token_id, one in told if one]
        return Accepted(self._prompt_tokens, tuple(found))

    def events(self, output: Any) -> Iterator[Delta | Finish]:  # noqa: ANN401 - RequestOutput, untyped here
        """Yield the events for what is new in an output.

        Raises:
            InvalidArgument: vLLM failed this request alone, which only a constraint can cause.
            EngineDead: the engine was stopped before the answer was complete.
            EngineFailure: the engine gave up the request.
        """
        for choice in output.outputs:
            self._completion_tokens += len(choice.token_ids)
            part = self._part(choice)
            told = part.text or part.reasoning or part.tool_calls
            if told or (choice.token_ids and (self._token_ids or self._top is not None)):
                yield Delta(
                    choice.index,
                    part.text,
                    tuple(choice.token_ids) if self._token_ids else (),
                    self._logprobs(choice) if self._top is not None else (),
                    tuple(part.tool_calls),
                    part.reasoning,
                )
            if choice.finish_reason is not None:
                yield self._finish(output, choice)

    def _part(self, choice: Any) -> Part:  # noqa: ANN401
        if self._asked is None:
            return Part(choice.text)
        if (reply := self._replies.get(choice.index)) is None:
            reply = self._replies[choice.index] = Reply(self._asked, self._prompt)
        return reply.read(choice.text, list(choice.token_ids), choice.finish_reason)

    def _finish(self, output: Any, choice: Any) -> Finish:  # noqa: ANN401
        if choice.finish_reason == "abort":
            msg = "the engine was stopped before the answer was complete"
            raise EngineDead(msg)
        if self._held_by and choice.finish_reason == "error":
            message = f"became too complex for the engine after {self._completion_tokens} tokens"
            raise InvalidArgument.of(self._held_by[0], message)
        if choice.finish_reason not in FINISH_REASONS:
            msg = f"the engine gave the request up: {choice.finish_reason}"
            raise EngineFailure(msg)
        stats = output.metrics
        stop = choice.stop_reason
        if choice.finish_reason == "stop" and not isinstance(stop, str):
            stop = self._stops.get(choice.token_ids[-1]) if choice.token_ids else None
        reply, reason = self._replies.get(choice.index), FINISH_REASONS[choice.finish_reason]
        if reply and reply.calls and reason is FinishReason.STOP:
            reason = FinishReason.TOOL_CALLS
        thought = None
        if self._asked and self._asked.reasons:
            thought = sum(one.reasoning_tokens for one in self._replies.values())
        return Finish(
            index=choice.index,
            reason=reason,
            usage=Usage(self._prompt_tokens, self._completion_tokens, output.num_cached_tokens, thought),
            matched_stop=stop,
            unread_tool_call=bool(reply and reply.unread),
            queue_seconds=stats.scheduled_ts - stats.queued_ts if stats and stats.scheduled_ts else None,
        )

    def _logprobs(self, choice: Any) -> tuple[TokenLogprob, ...]:  # noqa: ANN401
        told = zip(choice.token_ids, choice.logprobs or (), strict=False)
        return tuple(_logprob(token_id, one, self._top or 0, self._chosen) for token_id, one in told)


def _fields(wanted: StructuredOutput | None) -> tuple[str, ...]:
    return (wanted.field,) if wanted else ()


def _logprob(
    token_id: int, candidates: Mapping[int, Any], most: int, only: frozenset[int] = frozenset()
) -> TokenLogprob:
    """Return the log probabilities of a token, and of its likeliest candidates or of chosen ones."""
    top = tuple(
        TopLogprob(candidate_id, candidate.decoded_token or "", candidate.logprob)
        for candidate_id, candidate in sorted(candidates.items(), key=lambda item: -item[1].logprob)
        if (candidate_id in only if only else candidate.rank <= most) and candidate.logprob > -math.inf
    )
    own = candidates[token_id]
    return TokenLogprob(token_id, own.decoded_token or "", own.logprob, top)
