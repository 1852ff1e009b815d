"""With `log.text = false`, which is the default, nothing that a caller wrote is in any log."""

import asyncio
import json
import signal
from contextlib import suppress

import grpc
import pytest
from grpc_health.v1 import health_pb2

from jarvis.v1 import embedding_pb2
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2 as rpb
from tests.engine.support import START

pytestmark = pytest.mark.engine
CANARY = "xyzzycanary"
LONG = pb.SamplingParams(ignore_eos=True, max_tokens=1500, stop=[f"{CANARY} stop"])


def generations():
    """Every place of a request that holds text, right and wrong."""
    messages = [
        pb.Message(role=pb.ROLE_SYSTEM, content=f"You are {CANARY}."),
        pb.Message(role=pb.ROLE_USER, content=f"Who is {CANARY}?"),
    ]
    short = pb.SamplingParams(max_tokens=3, stop=[CANARY])
    for constraint in (
        {"json_schema": json.dumps({"type": "object", "properties": {CANARY: {"const": CANARY}}})},
        {"json_schema": json.dumps({"type": CANARY})},
        {"json_schema": json.dumps({"$ref": f"#/$defs/{CANARY}"})},
        {"json_schema": f"{{{CANARY}"},
        {"regex": f"({CANARY})"},
        {"regex": f"({CANARY}"},
        {"regex": f"(?<={CANARY})x"},
        {"choice": pb.Choices(values=[CANARY, "b"])},
        {"grammar": f'root ::= "{CANARY}"'},
        {"grammar": f"root ::= {CANARY}"},
    ):
        wanted = pb.StructuredOutput(**constraint)
        yield pb.GenerateRequest(prompt=f"Say {CANARY}", sampling=short, structured_output=wanted)
    variables = {"name": CANARY, CANARY: "x"}
    yield pb.GenerateRequest(messages=messages, sampling=short)
    yield pb.GenerateRequest(messages=messages, template="mine", template_variables={"name": CANARY})
    yield pb.GenerateRequest(messages=messages, template="mine", template_variables=variables)
    yield pb.GenerateRequest(messages=messages, language=CANARY, template=CANARY)
    yield pb.GenerateRequest(prompt=CANARY * 2000, sampling=short)
    for query in (CANARY, f'"{CANARY} AND (', f"{CANARY}:*"):
        retrieval = pb.Retrieval(collection="docs", query=query, filter=one_of_canary())
        yield pb.GenerateRequest(messages=messages, sampling=short, retrieval=retrieval)


def one_of_canary():
    return rpb.Filter(equals=rpb.EqualsFilter(field="k", value=rpb.Value(string_value=CANARY)))


def documents():
    yield rpb.IngestRequest(start=rpb.IngestStart(collection="docs"))
    metadata = {"k": rpb.Value(string_value=CANARY)}
    for name, data in (
        ("a.txt", f"The {CANARY} sings."),
        ("b.html", f"<p>The {CANARY} <b>sings"),
        ("c.pdf", f"%PDF-1.4 {CANARY}"),
        ("d.ipynb", f'{{"{CANARY}'),
        ("e.txt", f"\0{CANARY}"),
    ):
        yield rpb.IngestRequest(document=rpb.IngestDocument(source=name, metadata=metadata))
        yield rpb.IngestRequest(data=data.encode())


def searches():
    for mode in (rpb.SEARCH_MODE_DENSE, rpb.SEARCH_MODE_SPARSE, rpb.SEARCH_MODE_HYBRID):
        for text in (CANARY, f'"{CANARY}', f"{CANARY} NEAR("):
            yield rpb.SearchRequest(collection="docs", text=text, mode=mode, filter=one_of_canary())


async def ends(call):
    """Whether it succeeds or fails is not the point."""
    with suppress(grpc.aio.AioRpcError):
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call


async def use_everything(peer):
    for request in generations():
        await ends(peer.generation.Generate(request, timeout=60))
    await ends(peer.generation.CountTokens(pb.CountTokensRequest(prompt=CANARY)))
    await ends(peer.generation.ExplainPrompt(pb.ExplainPromptRequest(prompt=CANARY, language=CANARY)))
    for texts in ([CANARY], [CANARY * 3000], [CANARY, ""]):
        role = embedding_pb2.TEXT_ROLE_QUERY
        await ends(peer.embedding.Embed(embedding_pb2.EmbedRequest(texts=texts, role=role)))
    row = rpb.Row(id=CANARY, text=f"{CANARY} row", metadata={"k": rpb.Value(string_value=CANARY)})
    for rows in ([row], [rpb.Row(id="x", text=CANARY, vector=CANARY.encode())]):
        await ends(peer.retrieval.Upsert(rpb.UpsertRequest(collection="docs", rows=rows)))
    await ends(peer.retrieval.Ingest(documents()))
    for search in searches():
        await ends(peer.retrieval.Search(search))
    await ends(peer.retrieval.Delete(rpb.DeleteRequest(collection="docs", filter=one_of_canary())))


def chroma(server):
    (found,) = [one for one in server.ps.children() if "jarvis_adapters.chroma.child" in one.cmdline()]
    return found


async def test_no_text_of_a_caller_is_in_the_log_whatever_dies_and_a_dead_engine_ends_the_server(
    serve, connect, tiny, tmp_path, still_there
):
    template = '{text="Help {{ name }}.", variables={name="x"}}'
    sets = [*tiny[:3], "log.level=debug", f"prompts.templates.mine={template}", "cache=[]"]
    async with serve(tmp_path, *sets) as server, connect(server.address) as peer:
        await peer.serving(START)
        await peer.retrieval.CreateCollection(rpb.CreateCollectionRequest(name="docs"))
        await use_everything(peer)
        chroma(server).kill()
        await use_everything(peer)

        watch = peer.health.Watch(health_pb2.HealthCheckRequest(service="jarvis.v1.GenerationService"))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        processes = server.ps.children(recursive=True)
        worker = server.worker()
        # So that the engine dies of the request's first step, and dumps it.
        worker.send_signal(signal.SIGSTOP)
        request = pb.GenerateRequest(prompt=f"Say {CANARY}", sampling=LONG)
        answer = peer.generation.Generate(request)
        await asyncio.sleep(3)
        worker.kill()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(answer, 60)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert await server.exit_code() == 1
        assert still_there(processes) == []

    log = server.log.read_text()
    assert "died" in log
    assert "SamplingParams(n=1" in log, "the engine did not dump its input"
    assert [line for line in log.splitlines() if CANARY in line] == []
