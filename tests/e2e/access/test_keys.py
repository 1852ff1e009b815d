"""Keys that are made and revoked while a server runs."""

import asyncio
import logging

import pytest

from jarvis.access import keys
from jarvis.address import CannotListen
from jarvis.cli.main import main
from jarvis.client import JarvisClient, JarvisClientError
from jarvis.core.principal import log_id
from tests.e2e.access.test_roles import GENERATE


async def test_a_key_is_good_from_when_it_is_made_until_it_is_revoked(ask, file, key):
    made = key("team")
    other = key("other")
    assert (await ask(GENERATE, f"Bearer {made}"))[0] == "INVALID_ARGUMENT", "it is let in"
    keys.revoke(file, [keys.id_of(made)])
    assert (await ask(GENERATE, f"Bearer {made}"))[0] == "UNAUTHENTICATED"
    assert (await ask(GENERATE, f"Bearer {other}"))[0] == "INVALID_ARGUMENT"


async def test_a_stream_goes_on_when_its_key_is_revoked(server, file, key):
    made = key()
    async with JarvisClient(server.instance.addresses[0], token=lambda: made) as jarvis:
        stream = jarvis.stream("a b", max_tokens=50, ignore_eos=True)
        await anext(stream)
        keys.revoke(file, [keys.id_of(made)])
        assert [event async for event in stream][-1].usage.completion_tokens == 50
        with pytest.raises(JarvisClientError) as caught:
            await jarvis.models()
    assert caught.value.reason == "UNAUTHENTICATED"


@pytest.mark.parametrize("spoilt", ["{", '{"version": 2}', '{"keys": [{"id": "a"}]}', None])
async def test_a_damaged_file_leaves_the_keys_in_force_and_ends_a_start(
    start, ask, file, key, caplog, spoilt
):
    made = key()
    assert (await ask(GENERATE, f"Bearer {made}"))[0] == "INVALID_ARGUMENT"
    if spoilt is None:
        file.unlink()
    else:
        file.write_text(spoilt)
    for _ in range(2):
        assert (await ask(GENERATE, f"Bearer {made}"))[0] == "INVALID_ARGUMENT"
    assert len([said for said in caplog.messages if "stays in force" in said]) == 1
    with pytest.raises(CannotListen, match=r"auth\.keys: .*keys\.json"):
        async with start(f'auth.keys="{file}"'):
            pass


async def test_the_log_has_neither_keys_nor_names_of_callers(server, ask, key, caplog):
    caplog.set_level(logging.DEBUG)
    made, name = key("secret-team"), "secret-team"
    for authorization in (f"Bearer {made}", f"Bearer {made[:-3]}xxx", made):
        await ask(GENERATE, authorization)
    shown = [(record.getMessage(), record.__dict__) for record in caplog.records]
    assert made.rpartition("_")[2][:20] not in str(shown)
    assert name not in str(shown)
    ended = [record for record in caplog.records if record.name == "jarvis.calls"]
    assert [getattr(record, "caller", None) for record in ended] == [log_id(name), None, None]


async def test_a_socket_needs_no_key_and_a_bad_one_is_refused_there_too(start, ask, file, tmp_path):
    listen = f'server.listen=["unix:{tmp_path}/jarvis.sock"]'
    async with start(listen, f'auth.keys="{file}"') as server:
        assert (await ask(GENERATE, channel=server.channel))[0] == "INVALID_ARGUMENT"
        assert (await ask(GENERATE, "Bearer jarvis_x", channel=server.channel))[0] == "UNAUTHENTICATED"


async def test_the_command_line_shows_the_key_that_it_is_given(server, key, monkeypatch, capsys):
    command = ["health", "jarvis.v1.GenerationService", "--server", server.instance.addresses[0]]
    listing = ["collections", "list", *command[2:]]
    assert await asyncio.to_thread(main, command) == 0
    assert await asyncio.to_thread(main, listing) == 1
    assert "show who you are: an API key or a token" in capsys.readouterr().err
    assert await asyncio.to_thread(main, [*listing, "--token", key()]) == 0
    monkeypatch.setenv("JARVIS_TOKEN", key("other"))
    assert await asyncio.to_thread(main, listing) == 0
    monkeypatch.setenv("JARVIS_TOKEN", "ü")
    assert await asyncio.to_thread(main, listing) == 2
    assert "only printable ASCII" in capsys.readouterr().err
