"""All that is wrong with a request is told at once, whatever kind of wrong each field is."""

import pytest
from google.protobuf.descriptor import FieldDescriptor

from jarvis.v1 import embedding_pb2, retrieval_pb2
from jarvis.v1 import generation_pb2 as pb

UNKNOWN = 99
"""The number of no value of any enum."""
NAN = float("nan")
BAD_MESSAGES = [
    pb.Message(role=UNKNOWN, content="a"),
    pb.Message(role=pb.ROLE_USER, content=""),
    pb.Message(role=pb.ROLE_TOOL, content="a"),
    pb.Message(role=pb.ROLE_USER, content="a", tool_call_id="1"),
]
BAD_ROLES = [
    "messages[0].role",
    "messages[1].content",
    "messages[2].tool_call_id",
    "messages[3].tool_call_id",
]
BAD_FILTER = retrieval_pb2.Filter(
    all_of=retrieval_pb2.FilterList(
        clauses=[
            retrieval_pb2.Filter(),
            retrieval_pb2.Filter(exists=""),
            retrieval_pb2.Filter(range=retrieval_pb2.RangeFilter(field="", gt=NAN)),
        ]
    )
)


def bad_clauses(path):
    clauses = f"{path}.all_of.clauses"
    return [f"{clauses}[0]", f"{clauses}[1].exists", f"{clauses}[2].range.field", f"{clauses}[2].range.gt"]


BAD_ROWS = [
    retrieval_pb2.Row(id="", text="", metadata={"_own": retrieval_pb2.Value()}, vector=b"12345"),
    retrieval_pb2.Row(id="a", text="x", metadata={"n": retrieval_pb2.Value(double_value=NAN)}),
]
BAD_GENERATION = {
    "messages": BAD_MESSAGES,
    "prompt_token_ids": [1],
    "truncate_prompt_tokens": 0,
    "add_special_tokens": False,
    "chat_template_args": {"enable_thinking": "False"},
    "sampling": pb.SamplingParams(temperature=9, n=0, stop=[""], prompt_logprobs=21),
    "structured_output": pb.StructuredOutput(),
    "tools": [
        pb.Tool(name="a b", parameters="[]"),
    ],
    "tool_choice": UNKNOWN,
    "tool_name": "none of them",
    "reasoning_effort": UNKNOWN,
    "difficulty": 101,
    "template_variables": {"a": "b"},
    "retrieval": pb.Retrieval(
        collection="c", mode=UNKNOWN, top_k=0, query="", min_similarity=NAN, filter=BAD_FILTER
    ),
}
BAD_GENERATION_FIELDS = [
    "prompt_token_ids",
    *BAD_ROLES,
    "truncate_prompt_tokens",
    "truncate_prompt_tokens",
    "add_special_tokens",
    "chat_template_args[enable_thinking]",
    "structured_output",
    "tool_choice",
    "reasoning_effort",
    "retrieval.mode",
    *bad_clauses("retrieval.filter"),
    "sampling.temperature",
    "sampling.n",
    "sampling.prompt_logprobs",
    "sampling.stop",
    "sampling.stop[0]",
    "tool_name",
    "tools[0].name",
    "tools[0].parameters",
    "retrieval.top_k",
    "retrieval.query",
    "retrieval.min_similarity",
    "difficulty",
    "template_variables",
]
INDEX = retrieval_pb2.IndexSettings(space=UNKNOWN, ef_search=0, max_neighbors=1)
BAD_INDEX = ["index.space", "index.max_neighbors", "index.ef_search"]

CASES = {
    "GenerationService/Generate": (pb.GenerateRequest(**BAD_GENERATION), BAD_GENERATION_FIELDS),
    "GenerationService/GenerateStream": (pb.GenerateStreamRequest(**BAD_GENERATION), BAD_GENERATION_FIELDS),
    "GenerationService/CountTokens": (
        pb.CountTokensRequest(messages=BAD_MESSAGES, prompt="a"),
        ["prompt", *BAD_ROLES],
    ),
    "GenerationService/Tokenize": (
        pb.TokenizeRequest(
            messages=BAD_MESSAGES,
            prompt="a",
            add_special_tokens=True,
            continue_final_message=True,
            add_generation_prompt=True,
            chat_template_args={"tools": "[]", "a": "b"},
        ),
        [
            "prompt",
            *BAD_ROLES,
            "add_special_tokens",
            "messages[3].role",
            "add_generation_prompt",
            "chat_template_args[tools]",
            "chat_template_args[a]",
        ],
    ),
    "GenerationService/ExplainPrompt": (
        pb.ExplainPromptRequest(messages=BAD_MESSAGES, difficulty=101, language="es", template=""),
        [*BAD_ROLES, "difficulty", "language"],
    ),
    "EmbeddingService/Embed": (
        embedding_pb2.EmbedRequest(texts=["", "a", ""], role=UNKNOWN, dimension=0),
        ["role", "texts[0]", "texts[2]", "dimension"],
    ),
    "EmbeddingService/EmbedStream": (
        embedding_pb2.EmbedStreamRequest(texts=["a"] * 2049, role=UNKNOWN, dimension=65),
        ["role", "texts", "dimension"],
    ),
    "EmbeddingService/Rerank": (
        embedding_pb2.RerankRequest(query=" ", documents=["", "a", ""], top_n=0),
        ["query", "documents[0]", "documents[2]", "top_n"],
    ),
    "RetrievalService/CreateCollection": (
        retrieval_pb2.CreateCollectionRequest(name="?", index=INDEX),
        ["index.space", "name", *BAD_INDEX[1:]],
    ),
    "RetrievalService/RebuildCollection": (
        retrieval_pb2.RebuildCollectionRequest(name="there", index=INDEX),
        BAD_INDEX,
    ),
    "RetrievalService/Upsert": (
        retrieval_pb2.UpsertRequest(collection="there", rows=BAD_ROWS),
        [
            "rows[0].metadata[_own]",
            "rows[1].metadata[n]",
            "rows[0].vector",
            "rows[0].id",
            "rows[0].text",
            "rows[0].metadata",
        ],
    ),
    "RetrievalService/Delete": (
        retrieval_pb2.DeleteRequest(collection="there", filter=BAD_FILTER),
        bad_clauses("filter"),
    ),
    "RetrievalService/Search": (
        retrieval_pb2.SearchRequest(
            collection="there",
            vector=b"12345",
            mode=UNKNOWN,
            top_k=0,
            min_similarity=NAN,
            filter=BAD_FILTER,
            rerank=True,
        ),
        ["mode", "vector", *bad_clauses("filter"), "top_k", "min_similarity", "rerank"],
    ),
    "RetrievalService/Ingest": (
        [retrieval_pb2.IngestStart(collection="there", chunk_tokens=1, chunk_overlap=9)],
        ["start.chunk_tokens", "start.chunk_overlap"],
    ),
}
ONE_FIELD = {
    "GenerationService/Detokenize",
    "GenerationService/ResumeStream",
    "RetrievalService/GetCollection",
    "RetrievalService/ListCollections",
    "RetrievalService/DeleteCollection",
    "RetrievalService/CheckCollection",
    "RetrievalService/ListDocuments",
    "RetrievalService/DeleteDocuments",
}
"""What can be wrong in one way at a time: there is no such collection, or no id."""


@pytest.fixture(scope="module")
async def server(start):
    async with start("reranker.adapter=overlap") as running:
        await running.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="there"))
        yield running


def call(server, method, request):
    service, _, name = method.partition("/")
    stub = {"G": server.generation, "E": server.embedding, "R": server.retrieval}[service[0]]
    if method == "RetrievalService/Ingest":
        fields = {retrieval_pb2.IngestStart: "start", retrieval_pb2.IngestDocument: "document"}
        return stub.Ingest([retrieval_pb2.IngestRequest(**{fields[type(one)]: one}) for one in request])
    return getattr(stub, name)([request] if method == "EmbeddingService/EmbedStream" else request)


@pytest.mark.parametrize("method", CASES)
async def test_all_that_is_wrong_is_told_at_once(server, failure, method):
    request, fields = CASES[method]
    code, reason, blamed, retry = await failure(call(server, method, request))
    assert (code, reason, retry) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", None)
    assert sorted(blamed) == sorted(fields)


async def test_all_that_is_wrong_with_a_document_is_told_at_once(server):
    start = retrieval_pb2.IngestStart(collection="there")
    metadata = {"_own": retrieval_pb2.Value(bool_value=True), "n": retrieval_pb2.Value()}
    document = retrieval_pb2.IngestDocument(source="", id="", media_type="x" * 300, metadata=metadata)
    result, _ = [event async for event in call(server, "RetrievalService/Ingest", [start, document])]
    told = result.document.message.split("document.")[1:]
    blamed = [one.partition(":")[0] for one in told]
    assert blamed == ["metadata[n]", "source", "id", "media_type", "metadata"]


async def test_vectors_are_all_looked_at(server, failure):
    vectors = [b"1234", b"\0" * 256, b"\0\0\xc0\x7f" * 64]
    rows = [retrieval_pb2.Row(id=str(n), text="x", vector=vector) for n, vector in enumerate(vectors)]
    request = retrieval_pb2.UpsertRequest(collection="there", rows=rows)
    assert (await failure(server.retrieval.Upsert(request)))[2] == [f"rows[{n}].vector" for n in range(3)]


async def test_what_has_no_room_is_counted(server):
    request = pb.GenerateRequest(messages=[pb.Message(role=UNKNOWN, content="a")] * 200)
    answer = server.generation.Generate(request)
    with pytest.raises(Exception, match=r" \(and 1\d\d more\)"):
        await answer


def test_every_request_that_can_be_wrong_in_two_ways_is_tried():
    files = (pb.DESCRIPTOR, embedding_pb2.DESCRIPTOR, retrieval_pb2.DESCRIPTOR)
    methods = {
        f"{service.name}/{method.name}": method.input_type
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
    }
    assert methods.keys() == CASES.keys() | ONE_FIELD
    for method in ONE_FIELD:
        kinds = {field.type for field in methods[method].fields}
        numbers = {FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64}
        assert kinds <= {FieldDescriptor.TYPE_STRING, *numbers}, "any number is one"
