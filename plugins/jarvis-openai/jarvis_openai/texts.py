"""Counts the tokens of texts, and cuts those that are too long, with the model's own tokenizer."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from jarvis_openai.settings import OpenAIEmbedderSettings
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineStartFailed


class Texts:
    """The texts of an embedder. Any number of threads may use it.

    Raises:
        EngineStartFailed: there is no tokenizer, or the prefix of a role leaves no room.
    """

    def __init__(self, settings: OpenAIEmbedderSettings, max_tokens: int) -> None:
        file = Path(settings.tokenizer) / "tokenizer.json"
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # noqa: BLE001 - what its Rust raises has no class of its own
            msg = f"{file} cannot be read: {error}; set tokenizer to a folder that has one"
            raise EngineStartFailed(msg) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._max_tokens = max_tokens
        self._prefixes = {TextRole.QUERY: settings.query_prefix, TextRole.DOCUMENT: settings.document_prefix}
        for role, count in zip(TextRole, (self.count([""], role)[0] for role in TextRole), strict=True):
            if count >= max_tokens:
                msg = f"{role}_prefix has {count} tokens, and the model reads {max_tokens}: shorten it"
                raise EngineStartFailed(msg)

    def count(self, texts: Sequence[str], role: TextRole | None) -> list[int]:
        """Return the tokens of each text, special ones and those of the role's prefix included."""
        whole = [self._prefix(role) + text for text in texts]
        return [len(one) for one in self._tokenizer.encode_batch_fast(whole)]

    def cut(self, texts: Sequence[str], role: TextRole) -> list[str]:
        """Return the texts with the role's prefix, each cut to what the model reads."""
        return [self._cut(self._prefix(role) + text) for text in texts]

    def _cut(self, text: str) -> str:
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        room = self._max_tokens - special
        # A text that ends within a word may have more tokens than were kept of it.
        while (
            len(found := self._tokenizer.encode(text, add_special_tokens=False)) + special > self._max_tokens
        ):
            text = text[: found.offsets[room - 1][1]]
            room -= 1
        return text

    def _prefix(self, role: TextRole | None) -> str:
        return self._prefixes.get(role, "") if role else ""
