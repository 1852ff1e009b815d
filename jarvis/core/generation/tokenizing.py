"""Tells the tokens of models: how many a prompt has, which they are, and what their text is."""

from collections.abc import Iterator
from contextlib import contextmanager

from jarvis.core.generation.images import ImageLimits
from jarvis.core.generation.validation import check_request, check_supported, check_token_ids
from jarvis.core.routing import Routes, first_loaded
from jarvis.core.tokens import prompt_tokens
from jarvis_ports.errors import FieldViolation, InvalidArgument, UnsupportedField
from jarvis_ports.llm import LLM, TellsTokens
from jarvis_ports.values import (
    CountTokensRequest,
    Detokenized,
    DetokenizeRequest,
    GenerateRequest,
    TokenCount,
    TokenizeRequest,
    Tokens,
)


class Tokenizing:
    """The use case of telling tokens. It asks the model that comes first in a route and is loaded.

    Every method raises `ModelNotFound`, `Unavailable` if no such model is loaded, and `InvalidArgument`.
    """

    def __init__(self, routes: Routes, images: ImageLimits = ImageLimits()) -> None:
        self._routes = routes
        self._images = images

    def check(self, request: CountTokensRequest | TokenizeRequest) -> None:
        """Check everything that can be checked before a model is asked.

        Raises:
            InvalidArgument: naming every field that is wrong.
        """
        check_request(_generated(request), images=self._images)

    async def count(self, request: CountTokensRequest) -> TokenCount:
        """Count the tokens of a prompt or a conversation.

        Raises:
            UnsupportedField: the model takes no such input, or no tools, or does not count.
        """
        self.check(request)
        with self._loaded(request.model) as (name, llm):
            capabilities = llm.capabilities()
            check_supported(asked := _generated(request), capabilities)
            if not capabilities.counts_prompts:
                why = "the model's engine counts tokens only as it answers"
                raise UnsupportedField([FieldViolation("model", why)])
            return TokenCount(name, await prompt_tokens(llm, asked), capabilities.context_length)

    async def tokenize(self, request: TokenizeRequest) -> Tokens:
        """Return the tokens of a prompt or a conversation.

        Raises:
            UnsupportedField: the model does not tell its tokens, or cannot honour a parameter.
        """
        self.check(request)
        with self._loaded(request.model) as (name, llm):
            capabilities, teller = llm.capabilities(), _teller(llm)
            check_supported(_generated(request), capabilities)
            token_ids = tuple(await teller.tokenize(request.input, request.render))
            texts = tuple(await teller.token_texts(token_ids))
            return Tokens(name, token_ids, texts, capabilities.context_length)

    async def detokenize(self, request: DetokenizeRequest) -> Detokenized:
        """Return the text of tokens.

        Raises:
            UnsupportedField: the model does not tell its tokens.
        """
        check_token_ids(request.token_ids)
        with self._loaded(request.model) as (name, llm):
            teller, count = _teller(llm), len(request.token_ids)
            if count > (most := llm.capabilities().context_length):
                raise InvalidArgument.of("token_ids", f"at most {most}, as the context holds, got {count}")
            return Detokenized(name, await teller.detokenize(request.token_ids))

    @contextmanager
    def _loaded(self, name: str | None) -> Iterator[tuple[str, LLM]]:
        order = self._routes.get(name or "").order(None)
        model = first_loaded(order) or order[0]
        with model.use() as llm:
            yield model.name, llm


def _generated(request: CountTokensRequest | TokenizeRequest) -> GenerateRequest:
    """Return the request to generate whose prompt it is."""
    if isinstance(request, TokenizeRequest):
        return GenerateRequest("", request.input, render=request.render)
    return GenerateRequest("", request.input, tools=request.tools)


def _teller(llm: LLM) -> TellsTokens:
    if not isinstance(llm, TellsTokens):
        raise UnsupportedField([FieldViolation("model", "the model's engine does not tell its tokens")])
    return llm
