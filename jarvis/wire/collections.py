"""retrieval.proto: collections and their rows."""

from jarvis.v1 import retrieval_pb2 as pb
from jarvis.wire.codec import Codec
from jarvis.wire.convert import REFUSED, Blame, Enumeration, Many, build
from jarvis.wire.filters import FILTER
from jarvis.wire.metadata import METADATA
from jarvis.wire.shapes import Events, Only
from jarvis.wire.vectors import VECTOR
from jarvis_ports.values import (
    Collection,
    CollectionRequest,
    Deletion,
    Diagnosis,
    IndexChanges,
    IndexSettings,
    Progress,
    Row,
    Space,
    Upsert,
)

SPACES = Enumeration(pb.Space, Space, unset=REFUSED)
SPACE_OR_NONE = Enumeration(pb.Space, Space)
INDEX = Codec(pb.IndexSettings, IndexSettings, space=SPACES)
CHANGES = Codec(pb.IndexSettings, IndexChanges, unless=IndexChanges(), space=SPACE_OR_NONE)
CREATE = Codec(pb.CreateCollectionRequest, CollectionRequest, index=CHANGES)
REBUILD = Codec(pb.RebuildCollectionRequest, CollectionRequest, index=CHANGES)
COLLECTION = Codec(pb.Collection, Collection, index=INDEX)
PROGRESS = Codec(pb.RowProgress, Progress)
DIAGNOSIS = Codec(pb.Diagnosis, Diagnosis)
DELETION = Codec(pb.DeleteRequest, Deletion, filter=FILTER)
ROW = Codec(pb.Row, Row, only=("id", "text", "metadata"), metadata=METADATA)


LIST = pb.ListCollectionsRequest()
GET: Only[pb.GetCollectionRequest, str] = Only(pb.GetCollectionRequest)
DROP: Only[pb.DeleteCollectionRequest, str] = Only(pb.DeleteCollectionRequest)
CHECK: Only[pb.CheckCollectionRequest, str] = Only(pb.CheckCollectionRequest)
CREATED: Only[pb.CreateCollectionResponse, Collection] = Only(pb.CreateCollectionResponse, COLLECTION)
FOUND: Only[pb.GetCollectionResponse, Collection] = Only(pb.GetCollectionResponse, COLLECTION)
LISTED: Only[pb.ListCollectionsResponse, tuple[Collection, ...]] = Only(
    pb.ListCollectionsResponse, Many(COLLECTION)
)
DROPPED: Only[pb.DeleteCollectionResponse, int] = Only(pb.DeleteCollectionResponse)
CHECKED: Events[pb.CheckCollectionResponse, Progress | Diagnosis] = Events(
    pb.CheckCollectionResponse, progress=PROGRESS, diagnosis=DIAGNOSIS
)
REBUILT: Only[pb.RebuildCollectionResponse, Progress] = Only(pb.RebuildCollectionResponse, PROGRESS)
UPSERTED: Only[pb.UpsertResponse, int] = Only(pb.UpsertResponse)
DELETED: Only[pb.DeleteResponse, int] = Only(pb.DeleteResponse)


def upsert_request(upsert: Upsert) -> pb.UpsertRequest:
    """Return a request to store rows.

    Raises:
        InvalidArgument: a value cannot be sent; the error names the field.
    """
    rows = []
    for position, (row, vector) in enumerate(zip(upsert.rows, upsert.vectors, strict=True)):
        path = f"rows[{position}]"
        packed = None if vector is None else VECTOR.write(vector, f"{path}.vector")
        rows.append(build(pb.Row, {**ROW.fields(row, f"{path}."), "vector": packed}, f"{path}."))
    fields = {"collection": upsert.collection, "rows": rows, "truncate": upsert.truncate}
    return build(pb.UpsertRequest, fields)


def read_upsert(message: pb.UpsertRequest, blame: Blame) -> Upsert:
    """Return rows to store, and the vectors of those that have one; each field that is wrong is blamed."""
    rows, vectors = [], []
    for position, row in enumerate(message.rows):
        path = f"rows[{position}]"
        rows.append(ROW.read(row, path, blame))
        vectors.append(VECTOR.read(row.vector, f"{path}.vector", blame) if row.HasField("vector") else None)
    return Upsert(message.collection, rows, vectors, message.truncate)
