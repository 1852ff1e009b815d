"""The engine's side: it compiles checked grammars in the same way and within the same limits."""

import threading
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from llguidance import LLMatcher
from vllm.v1.structured_output.backend_guidance import GuidanceBackend, GuidanceGrammar

from jarvis_adapters.vllm.constraints.grammar import LIMITS

REMEMBERED = 32
"""The number of compiled grammars kept: each choice of a request, and the next request, gets a copy."""


@dataclass
class Guidance(GuidanceBackend):  # type: ignore[misc] # vLLM is untyped here
    """vLLM's backend, for grammars that are already in llguidance's form."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._lock = threading.Lock()
        self._compiled: LRUCache[str, LLMatcher] = LRUCache(REMEMBERED)

    def compile_grammar(
        self,
        request_type: Any,  # noqa: ANN401, ARG002 - vLLM's signature
        grammar_spec: str,
        stop_token_ids: set[int] | None = None,  # noqa: ARG002
    ) -> GuidanceGrammar:
        """Compile a grammar.

        Raises:
            ValueError: it does not compile, which vLLM's own backend would take for the end of the answer.
        """
        with self._lock:
            matcher = self._compiled.get(grammar_spec)
        if matcher is None:
            matcher = LLMatcher(self.ll_tokenizer, grammar_spec, log_level=0, limits=LIMITS)
            if matcher.is_error():
                msg = "a grammar that was checked does not compile"
                raise ValueError(msg)
            with self._lock:
                self._compiled[grammar_spec] = matcher
        return Grammar(matcher.deep_copy(), self.ll_tokenizer, self.vocab_size)


class Grammar(GuidanceGrammar):  # type: ignore[misc] # vLLM is untyped here
    """A grammar that fails its request when it gets too complex, whereas vLLM's own ends the answer."""

    def accept_tokens(self, request_id: str, tokens: list[int]) -> bool:
        """Advance by the tokens, and return whether that worked; False fails the request."""
        return super().accept_tokens(request_id, tokens) and not self.ll_matcher.is_error()
