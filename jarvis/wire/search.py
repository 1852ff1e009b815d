"""retrieval.proto: searches."""

from jarvis.v1 import retrieval_pb2 as pb
from jarvis.wire.codec import Codec
from jarvis.wire.convert import REFUSED, Enumeration, Many
from jarvis.wire.filters import FILTER
from jarvis.wire.metadata import METADATA
from jarvis.wire.vectors import VECTOR
from jarvis_ports.values import ChunkSource, Duplicate, Hit, SearchMode, SearchQuery, SearchResult

MODES = Enumeration(pb.SearchMode, SearchMode, unset=REFUSED)
MODE_OR_NONE = Enumeration(pb.SearchMode, SearchMode)
CHUNK_SOURCE = Codec(pb.ChunkSource, ChunkSource, optional=True)
DUPLICATES = Many(Codec(pb.Duplicate, Duplicate, metadata=METADATA, source=CHUNK_SOURCE))
HIT = Codec(pb.Hit, Hit, metadata=METADATA, source=CHUNK_SOURCE, duplicates=DUPLICATES)

QUERY = Codec(pb.SearchRequest, SearchQuery, vector=VECTOR, mode=MODE_OR_NONE, filter=FILTER)
RESULT = Codec(pb.SearchResponse, SearchResult, hits=Many(HIT), mode=MODES)
