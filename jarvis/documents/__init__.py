"""Documents: their bytes are read as text, and the text is split into chunks."""

from jarvis.documents.kinds import ENDINGS, NAMES, handles
from jarvis.documents.read import read
from jarvis.documents.reader import Reader
from jarvis.documents.split import split

__all__ = ["ENDINGS", "NAMES", "Reader", "handles", "read", "split"]
