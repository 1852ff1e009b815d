"""Each method and each path, and who may call it."""

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from jarvis.access import keys
from jarvis.core.principal import Role
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

HEALTH = [f"grpc.health.v1.Health/{name}" for name in ("Check", "Watch", "List")]
REFLECTION = [f"grpc.reflection.{one}.ServerReflection/ServerReflectionInfo" for one in ("v1", "v1alpha")]
GENERATE = "/jarvis.v1.GenerationService/Generate"
KEY = "jarvis_0123456789ab_" + "A" * 43


def bad_credentials(key):
    good, long_ago = key(), datetime.now(UTC) - timedelta(seconds=1)
    return {
        "nothing": None,
        "an empty header": "",
        "no scheme": good,
        "another scheme": f"Basic {good}",
        "no key": "Bearer ",
        "not a key": "Bearer secret",
        "an unknown key": f"Bearer {KEY}",
        "the key of another id": f"Bearer jarvis_{keys.id_of(good)}_{KEY.rpartition('_')[2]}",
        "half a key": f"Bearer {good[:-1]}",
        "a key and more": f"Bearer {good}x",
        "the beginning of a key": "Bearer jarvis_",
        "an expired key": f"Bearer {key(expires=long_ago)}",
        "a token": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
    }


@pytest.fixture
def roles(server):
    """The roles that allow each method."""
    return server.instance.gate.roles


async def methods(server, key):
    """Every method that the server tells of by reflection."""
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    metadata = (("authorization", f"Bearer {key()}"),)

    async def said(**asked):
        call = stub.ServerReflectionInfo(metadata=metadata)
        await call.write(reflection_pb2.ServerReflectionRequest(**asked))
        answer = await call.read()
        call.cancel()
        return answer

    found = []
    for service in (await said(list_services="")).list_services_response.service:
        answer = await said(file_containing_symbol=service.name)
        for raw in answer.file_descriptor_response.file_descriptor_proto:
            file = FileDescriptorProto.FromString(raw)
            found += [
                f"{file.package}.{described.name}/{method.name}"
                for described in file.service
                if f"{file.package}.{described.name}" == service.name
                for method in described.method
            ]
    return found


async def test_the_table_of_roles_has_every_method_that_reflection_tells_of(server, key, roles):
    found = await methods(server, key)
    assert sorted(name for name in found if name.startswith("jarvis.")) == sorted(roles)
    assert {name for name in found if not name.startswith("jarvis.")} == {*HEALTH, *REFLECTION}


async def test_nobody_gets_in_with_bad_credentials_and_all_are_told_the_same_of_keys(ask, key, roles):
    said = {}
    for name, authorization in bad_credentials(key).items():
        for method in (*roles, *REFLECTION):
            code, said[name] = await ask(f"/{method}", authorization)
            assert code == "UNAUTHENTICATED", (name, method)
    of_keys = ("an unknown", "the key", "half", "an expired")
    about_keys = {said[name] for name in said if name.startswith(of_keys)}
    assert about_keys == {"the API key is not valid, or no longer"}


@pytest.mark.parametrize("role", Role)
async def test_a_role_opens_its_methods_alone(ask, key, roles, role):
    authorization = f"Bearer {key('team', role)}"
    for method, needed in roles.items():
        code, message = await ask(f"/{method}", authorization)
        assert (code == "PERMISSION_DENIED") == (role not in needed), method
        if role not in needed:
            assert message == f"this needs the role {' or '.join(needed)}; your roles: {role}"
    for method in REFLECTION:
        assert (await ask(f"/{method}", authorization))[0] == "OK"


async def test_a_refusal_tells_its_reason(server, failure, key):
    request = server_pb2.GetStatusRequest()
    assert await failure(server.server.GetStatus(request)) == ("UNAUTHENTICATED", "UNAUTHENTICATED", [], None)
    shown = (("authorization", f"Bearer {key()}"),)
    found = await failure(server.server.GetStatus(request, metadata=shown))
    assert found == ("PERMISSION_DENIED", "PERMISSION_DENIED", [], None)


async def test_health_is_open_unless_it_is_closed(start, server, ask, file, key):
    for method in HEALTH:
        assert (await ask(f"/{method}"))[0] == "OK"
    authorization = {"authorization": f"Bearer {key('probe', 'observe')}"}
    async with start(f'auth.keys="{file}"', "auth.open_health=false", ready=False) as closed:
        for method in HEALTH:
            assert (await ask(f"/{method}", channel=closed.channel))[0] == "UNAUTHENTICATED"
            code, _ = await ask(f"/{method}", authorization["authorization"], channel=closed.channel)
            assert code == "OK"
        async with aiohttp.ClientSession(f"http://{closed.instance.http_address}") as http:
            for path in ("/health", "/ready"):
                assert (await http.get(path)).status == 401
                assert (await http.get(path, headers=authorization)).status in {200, 503}


async def test_paths_of_http_are_for_those_who_observe(server, key):
    wrong = [{}, *({"Authorization": text} for text in bad_credentials(key).values() if text is not None)]
    others = [{"Authorization": f"Bearer {key('team', role)}"} for role in Role if role is not Role.OBSERVE]
    good = {"Authorization": f"bearer {key('prometheus', 'observe')}"}
    async with aiohttp.ClientSession(f"http://{server.instance.http_address}") as http:
        for path in ("/metrics", "/x"):
            for headers in wrong:
                answer = await http.get(path, headers=headers)
                assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), headers
            for headers in others:
                assert (await http.get(path, headers=headers)).status == 403
            assert (await http.get(path, headers=good)).status == 404, "these tests have no metrics"
        for headers in (*wrong, *others):
            assert await (await http.get("/health", headers=headers)).json() == {"status": "healthy"}
        assert "adapters" in await (await http.get("/health", headers=good)).json()


async def test_only_an_admin_ends_the_requests_of_others(server, key):
    def who(caller, *roles):
        return ("authorization", f"Bearer {key(caller, *roles)}")

    async def abort(caller):
        request = server_pb2.AbortRequest(request_id="r")
        return await server.server.Abort(request, metadata=(caller,), timeout=5)

    owner = who("a")
    request = pb.GenerateStreamRequest(
        prompt="a b c", sampling=pb.SamplingParams(max_tokens=2000, ignore_eos=True)
    )
    for ends in (owner, who("a"), who("b", "infer", "admin")):
        call = server.generation.GenerateStream(request, metadata=(owner, ("x-request-id", "r")))
        reading = asyncio.ensure_future(call.read())
        while not server.instance._requests.active:
            await asyncio.sleep(0.01)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await abort(who("b"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert (await abort(ends)).aborted == 1
        call.cancel()
        await asyncio.wait([reading])
