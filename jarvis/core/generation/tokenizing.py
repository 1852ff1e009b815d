"""Tells the tokens of models: how many a prompt has, which they are, and what their text is."""

from collections.abc import Iterator
from contextlib import contextmanager

from jarvis.core.generation.images import ImageLimits
from jarvis.core.generation.validation import check_input, check_supported, check_token_ids
from jarvis.core.routing import Routes, first_loaded
from jarvis_ports.errors import FieldViolation, InvalidArgument, UnsupportedField
from jarvis_ports.llm import LLM, TellsTokens
from jarvis_ports.values import (
    CountTokensRequest,
    Detokenized,
    DetokenizeRequest,
    GenerateRequest,
    RenderParams,
    TextInput,
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

    def check(self, input_: TextInput, render: RenderParams = RenderParams()) -> None:
        """Check everything that can be checked before a model is asked.

        Raises:
            InvalidArgument: naming every field that is wrong.
        """
        check_input(input_, render, self._images)

    async def count(self, request: CountTokensRequest) -> TokenCount:
        """Count the tokens of a prompt or a conversation.

        Raises:
            UnsupportedField: the model takes no such input.
        """
        self.check(request.input)
        with self._loaded(request.model) as (name, llm):
            check_supported(GenerateRequest("", request.input), llm.capabilities())
            return TokenCount(name, await llm.count_tokens(request.input), llm.capabilities().context_length)

    async def tokenize(self, request: TokenizeRequest) -> Tokens:
        """Return the tokens of a prompt or a conversation.

        Raises:
            UnsupportedField: the model does not tell its tokens, or cannot honour a parameter.
        """
        self.check(request.input, request.render)
        with self._loaded(request.model) as (name, llm):
            capabilities, teller = llm.capabilities(), _teller(llm)
            check_supported(GenerateRequest("", request.input, render=request.render), capabilities)
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


def _teller(llm: LLM) -> TellsTokens:
    if not isinstance(llm, TellsTokens):
        raise UnsupportedField([FieldViolation("model", "the model's engine does not tell its tokens")])
    return llm
