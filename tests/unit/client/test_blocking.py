import asyncio
import threading
import time

import grpc
import pytest

from jarvis.client import BlockingClient, Delta, Finished, HealthStatus, JarvisClientError


async def test_every_call_blocks_and_answers(fake):
    def use() -> None:
        with BlockingClient(fake.address) as client:
            assert client.generate("x").text == "Paris."
            assert client.count_tokens("x").tokens == 3
            assert client.detokenize(client.tokenize("x").token_ids) == "a \n"
            assert client.status().version == "9.9"
            assert [model.name for model in client.models()] == ["echo", "slow"]
            assert [adapter.name for adapter in client.adapters()] == ["broken"]
            client.load_weights("own", "/w/own", base="echo")
            assert [one.path for one in client.weights()] == ["/w/own"]
            assert client.unload_weights("own") == 2
            assert client.abort("r-1") == 2
            assert client.health() is HealthStatus.SERVING

    await asyncio.to_thread(use)


async def test_a_stream_is_an_iterator(fake):
    def use() -> list[object]:
        with BlockingClient(fake.address) as client:
            return list(client.stream("x", temperature=0))

    events = await asyncio.to_thread(use)
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "Paris."
    assert isinstance(events[-1], Finished)


async def test_leaving_the_loop_cancels_the_request(fake):
    fake.hang_after_text = True

    def use() -> None:
        with BlockingClient(fake.address) as client:
            for event in client.stream("x"):
                if isinstance(event, Delta):
                    break
            assert client.health() is HealthStatus.SERVING

    await asyncio.to_thread(use)
    await asyncio.wait_for(fake.cancelled.wait(), 5)


async def test_an_error_of_the_server_reaches_the_caller(fake):
    fake.fail(grpc.StatusCode.NOT_FOUND, "no model 'x'")

    def use() -> None:
        with BlockingClient(fake.address) as client, pytest.raises(JarvisClientError, match="no model 'x'"):
            list(client.stream("x", model="x"))

    await asyncio.to_thread(use)


def test_closing_ends_the_thread_and_may_be_repeated():
    client = BlockingClient("127.0.0.1:1")
    assert "jarvis-client" in {thread.name for thread in threading.enumerate()}
    client.close()
    client.close()
    assert "jarvis-client" not in {thread.name for thread in threading.enumerate()}


def test_an_address_of_neither_form_leaves_no_thread():
    with pytest.raises(ValueError, match="neither host:port"):
        BlockingClient("nowhere")
    time.sleep(0.2)
    assert "jarvis-client" not in {thread.name for thread in threading.enumerate()}
