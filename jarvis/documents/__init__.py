"""Documents: their bytes are read as text, and the text is split into chunks."""

from jarvis.documents.kinds import ENDINGS, NAMES, handles
from jarvis.documents.read import read
from jarvis.documents.reader import Reader
from jarvis.documents.split import split
from jarvis.documents.types import Chunk, Kind, Text
from jarvis.documents.unseen import without_unseen

__all__ = [
    "ENDINGS",
    "NAMES",
    "Chunk",
    "Kind",
    "Reader",
    "Text",
    "handles",
    "read",
    "split",
    "without_unseen",
]
