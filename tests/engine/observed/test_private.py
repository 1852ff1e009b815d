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
from tests.pictures import RED

pytestmark = pytest.mark.engine
CANARY = "xyzzycanary"
LONG = pb.SamplingParams(ignore_eos=True, max_tokens=1500, stop=[f"{CANARY} stop"])


def generations(canary):
    """Every place of a request that holds text, right and wrong."""
    messages = [
        pb.Message(role=pb.ROLE_SYSTEM, content=f"You are {canary}."),
        pb.Message(role=pb.ROLE_USER, content=f"Who is {canary}?"),
    ]
    short = pb.SamplingParams(max_tokens=3, stop=[canary])
    for constraint in (
        {"json_schema": json.dumps({"type": "object", "properties": {canary: {"const": canary}}})},
        {"json_schema": json.dumps({"type": canary})},
        {"json_schema": json.dumps({"$ref": f"#/$defs/{canary}"})},
        {"json_schema": f"{{{canary}"},
        {"regex": f"({canary})"},
        {"regex": f"({canary}"},
        {"regex": f"(?<={canary})x"},
        {"choice": pb.Choices(values=[canary, "b"])},
        {"grammar": f'root ::= "{canary}"'},
        {"grammar": f"root ::= {canary}"},
    ):
        wanted = pb.StructuredOutput(**constraint)
        yield pb.GenerateRequest(prompt=f"Say {canary}", sampling=short, structured_output=wanted)
    yield from tools(canary, messages, short)
    yield from images(canary, short)
    variables = {"name": canary, canary: "x"}
    yield pb.GenerateRequest(messages=messages, sampling=short)
    yield pb.GenerateRequest(messages=messages, template="mine", template_variables={"name": canary})
    yield pb.GenerateRequest(messages=messages, template="mine", template_variables=variables)
    yield pb.GenerateRequest(messages=messages, language=canary, template=canary)
    yield pb.GenerateRequest(prompt=canary * 2000, sampling=short)
    for query in (canary, f'"{canary} AND (', f"{canary}:*"):
        retrieval = pb.Retrieval(collection="docs", query=query, filter=one_of(canary))
        yield pb.GenerateRequest(messages=messages, sampling=short, retrieval=retrieval)


def images(canary, short):
    """Parts that hold text, and images that are none, or have a name for their type."""
    for image in (
        pb.Image(data=canary.encode()),
        pb.Image(data=RED.data, mime_type=canary),
        pb.Image(data=RED.data + canary.encode()),
    ):
        parts = [pb.ContentPart(text=f"Who is {canary}?"), pb.ContentPart(image=image)]
        yield pb.GenerateRequest(messages=[pb.Message(role=pb.ROLE_USER, parts=parts)], sampling=short)


def tools(canary, messages, short):
    """Tools, calls and results that hold text, right and wrong."""
    schema = json.dumps({"type": "object", "properties": {canary: {"const": canary}}})
    call = pb.ToolCall(id=canary, name=canary, arguments=f'{{"a": "{canary}"}}')
    said = [
        *messages,
        pb.Message(role=pb.ROLE_ASSISTANT, tool_calls=[call]),
        pb.Message(role=pb.ROLE_TOOL, content=f"{canary}<|im_end|>", tool_call_id=canary),
    ]
    for given in (
        {"name": canary, "description": canary, "parameters": schema},
        {"name": canary, "parameters": f'{{"not": "{canary}"}}', "strict": True},
        {"name": f"{canary} ", "parameters": canary},
        {"name": "a", "description": f"{canary}<|im_end|>"},
    ):
        for choice in (pb.TOOL_CHOICE_AUTO, pb.TOOL_CHOICE_REQUIRED):
            yield pb.GenerateRequest(
                messages=said, sampling=short, tools=[pb.Tool(**given)], tool_choice=choice
            )
    yield pb.GenerateRequest(
        messages=said, sampling=short, tools=[pb.Tool(name=canary, parameters=schema)], tool_name=canary
    )


def one_of(canary):
    return rpb.Filter(equals=rpb.EqualsFilter(field="k", value=rpb.Value(string_value=canary)))


def documents(canary):
    yield rpb.IngestRequest(start=rpb.IngestStart(collection="docs"))
    metadata = {"k": rpb.Value(string_value=canary)}
    for name, data in (
        ("a.txt", f"The {canary} sings."),
        ("b.html", f"<p>The {canary} <b>sings"),
        ("c.pdf", f"%PDF-1.4 {canary}"),
        ("d.ipynb", f'{{"{canary}'),
        ("e.txt", f"\0{canary}"),
    ):
        yield rpb.IngestRequest(document=rpb.IngestDocument(source=name, metadata=metadata))
        yield rpb.IngestRequest(data=data.encode())


def searches(canary):
    for mode in (rpb.SEARCH_MODE_DENSE, rpb.SEARCH_MODE_SPARSE, rpb.SEARCH_MODE_HYBRID):
        for text in (canary, f'"{canary}', f"{canary} NEAR("):
            yield rpb.SearchRequest(collection="docs", text=text, mode=mode, filter=one_of(canary))


async def ends(call):
    """Whether it succeeds or fails is not the point."""
    with suppress(grpc.aio.AioRpcError):
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call


async def use_everything(peer, canary):
    for request in generations(canary):
        await ends(peer.generation.Generate(request, timeout=60))
    await ends(peer.generation.CountTokens(pb.CountTokensRequest(prompt=canary)))
    message = pb.Message(role=pb.ROLE_ASSISTANT, content=canary)
    asked = pb.TokenizeRequest(messages=[message], continue_final_message=True)
    await ends(peer.generation.Tokenize(asked))
    asked = pb.TokenizeRequest(messages=[message], chat_template_args={canary: f'"{canary}"'})
    await ends(peer.generation.Tokenize(asked))
    await ends(peer.generation.ExplainPrompt(pb.ExplainPromptRequest(prompt=canary, language=canary)))
    for texts in ([canary], [canary * 3000], [canary, ""]):
        role = embedding_pb2.TEXT_ROLE_QUERY
        await ends(peer.embedding.Embed(embedding_pb2.EmbedRequest(texts=texts, role=role)))
    row = rpb.Row(id=canary, text=f"{canary} row", metadata={"k": rpb.Value(string_value=canary)})
    for rows in ([row], [rpb.Row(id="x", text=canary, vector=canary.encode())]):
        await ends(peer.retrieval.Upsert(rpb.UpsertRequest(collection="docs", rows=rows)))
    await ends(peer.retrieval.Ingest(documents(canary)))
    for search in searches(canary):
        await ends(peer.retrieval.Search(search))
    await ends(peer.retrieval.Delete(rpb.DeleteRequest(collection="docs", filter=one_of(canary))))


def chroma(server):
    (found,) = [one for one in server.ps.children() if "jarvis_adapters.chroma.child" in one.cmdline()]
    return found


@pytest.mark.last
async def test_no_text_of_a_caller_is_in_the_log_whatever_dies_and_a_dead_engine_ends_the_server(
    observed, still_there
):
    peer, server = observed, observed.process
    await peer.retrieval.CreateCollection(rpb.CreateCollectionRequest(name="docs"))
    await use_everything(peer, CANARY)
    chroma(server).kill()
    await use_everything(peer, f"{CANARY}2")  # of which the cache has nothing

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
