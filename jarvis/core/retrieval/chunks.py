"""The chunks of a document as rows, which record where they come from."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Final

from jarvis.core.text import Chunk, fold
from jarvis.core.violations import Violations
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import Document, Metadata, Row, Value

SCHEME: Final = 2
"""The version of hashes, ids and splitting. With a new number, every document counts as changed."""
LEAST_CHUNK_TOKENS = 16
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,6}")


@dataclass(frozen=True, slots=True)
class Splitting:
    """How documents are split: the most tokens of a chunk, the most it shares, and the model's identity."""

    chunk_tokens: int
    chunk_overlap: int
    identity: str


def check_splitting(tokens: int, overlap: int, most: int) -> None:
    """Check the splitting that a caller asks for; `most` is what the embedding model reads.

    Raises:
        InvalidArgument: naming each number that is out of range.
    """
    violations = Violations()
    if tokens > most:
        wanted = f"must be at most the {most} tokens that the embedding model reads, got {tokens}"
        violations.blame("start.chunk_tokens", wanted)
    elif tokens < LEAST_CHUNK_TOKENS:
        wanted = f"must be in [{LEAST_CHUNK_TOKENS}, {most}], got {tokens}"
        violations.blame("start.chunk_tokens", wanted)
    if overlap * 2 >= tokens:
        wanted = f"must be less than half of chunk_tokens ({tokens}), got {overlap}"
        violations.blame("start.chunk_overlap", wanted)
    violations.refuse()


def check_language(language: str | None) -> None:
    """Check the language of documents.

    Raises:
        InvalidArgument: it does not have the form of a BCP 47 tag.
    """
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise InvalidArgument.of(
            "start.language", f'must be a tag such as "es" or "pt-BR", got {language[:80]!r}'
        )


def content_hash(document: Document, data: bytes, splitting: Splitting, language: str | None) -> str:
    """Hash everything that the rows of a document are made from: equal hashes mean equal rows.

    The first half of the hash is that of the content alone; see `same_content`.
    """
    said = (document.source, document.media_type, language)
    described = (SCHEME, asdict(splitting), said, _sorted(document.metadata))
    return "".join(blake2b(part, digest_size=16).hexdigest() for part in (data, repr(described).encode()))


def same_content(hash_: str) -> str:
    """Return what the hashes of all documents with the same content begin with."""
    return hash_[: len(hash_) // 2]


def _sorted(metadata: Metadata) -> list[tuple[str, object]]:
    return sorted(metadata.items())


def rows(document: Document, hash_: str, chunks: Sequence[Chunk]) -> list[Row]:
    """Return the rows of a document."""
    ids = chunk_ids(document.document_id, chunks)
    made = []
    for ordinal, (id_, chunk) in enumerate(zip(ids, chunks, strict=True)):
        own: dict[str, Value] = {
            "_document": document.document_id,
            "_source": document.source,
            "_start": chunk.start,
            "_end": chunk.end,
            "_hash": hash_,
            "_chunks": len(chunks),
            "_ordinal": ordinal,
        }
        if chunk.pages:
            own |= {"_first_page": chunk.pages[0], "_last_page": chunk.pages[1]}
        made.append(Row(id_, chunk.text, {**document.metadata, **own}))
    return made


def chunk_ids(document_id: str, chunks: Iterable[Chunk]) -> list[str]:
    """Return the ids of the chunks of a document, in their order.

    An id depends on the document, the text, and the number of equal chunks before it, so a text that moves
    keeps its id. Equal ids mean equal vectors: what is embedded is hashed too if it differs from the text.
    """
    seen: Counter[str] = Counter()
    ids = []
    for chunk in chunks:
        found = blake2b(digest_size=20)
        folded = fold(chunk.text)
        own = [folded] if folded != chunk.text else []
        for part in (document_id, chunk.text, str(seen[chunk.text]), *own):
            encoded = part.encode()
            found.update(len(encoded).to_bytes(8, "little") + encoded)
        ids.append(found.hexdigest())
        seen[chunk.text] += 1
    return ids
