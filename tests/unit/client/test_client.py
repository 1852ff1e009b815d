import subprocess
import sys

import grpc
import pytest

from jarvis.client import (
    AdapterState,
    FinishReason,
    HealthStatus,
    JarvisClient,
    JarvisClientError,
    Message,
    Recent,
    Role,
    State,
    Timings,
    TokenCount,
    Tokens,
    Tool,
    Usage,
)
from jarvis.v1 import generation_pb2 as pb


async def test_generate_gives_all_choices(fake):
    async with JarvisClient(fake.address) as client:
        answer = await client.generate([{"role": "user", "content": "Capital?"}], n=2, temperature=0)
    assert (answer.text, answer.reason) == ("Paris.", FinishReason.LENGTH)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert (answer.request_id, answer.model) == ("r-1", "echo")
    assert answer.usage == Usage(5, 2, 0)
    assert answer.timings == Timings(0.5, 0.0, 0.25)
    assert fake.requests[0].sampling.n == 2


async def test_the_request_id_travels_as_metadata(fake):
    async with JarvisClient(fake.address) as client:
        await client.generate("x", request_id="mine-1")
        async for _ in client.stream("x", request_id="mine-2"):
            pass
        await client.generate("x")
    assert [sent.get("x-request-id") for sent in fake.metadata] == ["mine-1", "mine-2", None]


async def test_an_empty_request_id_leaves_it_to_the_server_and_an_empty_token_is_refused(fake):
    async with JarvisClient(fake.address) as client:
        await client.generate("x", request_id="")
    async with JarvisClient(fake.address, token=lambda: "") as client:
        with pytest.raises(JarvisClientError, match="token: is empty"):
            await client.generate("x")


@pytest.mark.parametrize(
    ("request_id", "complaint"),
    [("é", "only printable ASCII"), ("a\nb", "only printable ASCII"), ("i" * 129, "at most 128 characters")],
)
async def test_a_request_id_that_cannot_be_sent_is_refused(fake, request_id, complaint):
    async with JarvisClient(fake.address) as client:
        with pytest.raises(JarvisClientError, match=f"x-request-id: {complaint}"):
            await client.generate("x", request_id=request_id)
    assert fake.requests == []


async def test_tokens_are_told_and_taken_back(fake):
    async with JarvisClient(fake.address) as client:
        told = await client.tokenize("a", model="echo", add_special_tokens=False)
        assert told == Tokens("echo", (5, 7), ("a", " \n"), 64)
        assert await client.detokenize(told.token_ids, model="echo") == "a \n"
    assert fake.requests == [
        pb.TokenizeRequest(prompt="a", model="echo", add_special_tokens=False),
        pb.DetokenizeRequest(token_ids=[5, 7], model="echo"),
    ]


async def test_count_tokens(fake):
    async with JarvisClient(fake.address) as client:
        assert await client.count_tokens("x", model="echo") == TokenCount("echo", 3, 64)
        await client.count_tokens([Message(Role.USER, "x")], tools=[Tool("now")])
    (tool,) = fake.requests[-1].tools
    assert tool.name == "now"


async def test_status(fake):
    async with JarvisClient(fake.address) as client:
        status = await client.status()
    assert (status.version, status.state, status.uptime_seconds) == ("9.9", State.DRAINING, 3661.2)
    assert status.models[0].state is State.READY
    assert status.models[0].settings == {"delay": "0"}
    assert (status.health, status.recent, status.objectives) == (None, Recent(), ()), "it is an older one"


async def test_a_model_that_is_not_loaded_has_no_context_length(fake):
    async with JarvisClient(fake.address) as client:
        ready, loading = await client.models()
    assert (ready.is_default, ready.context_length, ready.supported_fields) == (True, 64, ("messages",))
    assert (loading.is_default, loading.context_length, loading.state) == (False, None, State.LOADING)


async def test_adapters(fake):
    async with JarvisClient(fake.address) as client:
        (adapter,) = await client.adapters()
    assert (adapter.name, adapter.state) == ("broken", AdapterState.FAILED)
    assert adapter.message.startswith("ImportError")


async def test_abort_tells_how_many_there_were(fake):
    async with JarvisClient(fake.address) as client:
        assert await client.abort("r-1") == 2
    assert fake.requests[0].request_id == "r-1"


async def test_health_of_the_server_and_of_a_service(fake):
    async with JarvisClient(fake.address) as client:
        assert await client.health() is HealthStatus.SERVING
        assert await client.health("some.Service") is HealthStatus.NOT_SERVING
        fake.fail(grpc.StatusCode.NOT_FOUND, "")
        assert await client.health("no.Service") is HealthStatus.SERVICE_UNKNOWN


async def test_the_deadline_of_a_unary_call(fake):
    fake.delay = 60
    async with JarvisClient(fake.address) as client:
        with pytest.raises(JarvisClientError) as caught:
            await client.generate("x", timeout=0.2)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_importing_the_client_imports_no_engine_and_no_server():
    code = (
        "import sys, jarvis.client\n"
        "heavy = {'torch', 'vllm', 'transformers', 'pydantic', 'typer', 'rich', 'pluggy', 'uvloop'}\n"
        "print(sorted(heavy & sys.modules.keys()), 'jarvis.server' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"
