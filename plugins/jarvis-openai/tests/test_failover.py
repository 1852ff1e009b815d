"""What happens to requests when one server, or all of them, cannot answer."""

import asyncio
import time
from contextlib import aclosing, suppress

import pytest
from aiohttp import web

from jarvis_openai import open_llm
from jarvis_openai.settings import OpenAISettings
from jarvis_ports.errors import EngineDead, EngineFailure, EngineStartFailed, InvalidArgument, Overloaded
from jarvis_ports.llm import Accepted, Delta, Finish, GenerateRequest, Message, Role

CHAT = "/v1/chat/completions"


def asked():
    return GenerateRequest("r", (Message(Role.USER, "Hello"),))


async def answer(llm):
    async with aclosing(llm.generate(asked())) as events:
        return [event async for event in events]


def text(events):
    return "".join(event.text for event in events if isinstance(event, Delta))


def refuses(status, headers=None, message="said the server"):
    async def say(request, body):
        return web.json_response({"error": {"message": message}}, status=status, headers=headers)

    return say


async def hangs(request, body):
    await asyncio.sleep(3600)


def requests(server):
    return len(server.bodies())


async def test_requests_at_once_are_shared_out(server, another, opened, stream):
    async def slowly(request, body):
        return await stream(request, pause=0.05)

    async with opened(server, another) as llm:
        before = requests(server), requests(another)
        server.says[CHAT] = another.says[CHAT] = slowly
        await asyncio.gather(*(answer(llm) for _ in range(10)))
        assert (requests(server) - before[0], requests(another) - before[1]) == (5, 5)


async def test_requests_go_where_the_fewest_run(server, another, opened, stream):
    async def slowly(request, body):
        return await stream(request, pause=0.5)

    async with opened(server, another) as llm:
        server.says[CHAT] = slowly
        answers = [asyncio.create_task(answer(llm)) for _ in range(2)]  # one at each
        await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        before = requests(server)
        for _ in range(4):
            await answer(llm)
        assert requests(server) == before
        await asyncio.gather(*answers)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 401, 404])
async def test_another_server_answers_where_one_fails(server, another, opened, status):
    async with opened(server, another) as llm:
        server.says[CHAT] = refuses(status)
        for _ in range(3):
            assert text(await answer(llm)) == "Hello"


async def test_another_server_answers_where_one_is_gone(server, another, opened):
    async with opened(server, another) as llm:
        await server.stop()
        for _ in range(3):
            assert text(await answer(llm)) == "Hello"
        assert (await llm.health()).ok


async def test_another_server_answers_where_one_breaks_off_before_its_first_text(
    server, another, opened, stream, part
):
    async def breaks_off(request, body):
        await stream(request, [part("")], done=False)
        request.transport.close()

    async with opened(server, another) as llm:
        server.says[CHAT] = breaks_off
        for _ in range(2):
            events = await answer(llm)
            assert [type(event) for event in events] == [Accepted, Delta, Delta, Finish]
        assert requests(server) > 1


@pytest.mark.parametrize("done", [True, False])
async def test_nothing_is_said_twice_where_a_server_breaks_off_in_an_answer(
    server, another, opened, stream, part, done
):
    async def breaks_off(request, body):
        response = await stream(request, [part("Hel")], done=done)
        if not done:
            request.transport.close()
        return response

    async with opened(server, another) as llm:
        server.says[CHAT] = another.says[CHAT] = breaks_off
        before = requests(server) + requests(another)
        events = []
        with pytest.raises(EngineDead):
            async for event in llm.generate(asked()):
                events.append(event)  # noqa: PERF401 - those before the error count
        assert text(events) == "Hel"
        assert requests(server) + requests(another) == before + 1


async def test_another_server_answers_where_one_hangs(server, another, opened):
    async with opened(server, another, hang_seconds=0.5) as llm:
        server.says = dict.fromkeys((CHAT, "/v1/models", "/health"), hangs)
        answers = await asyncio.wait_for(asyncio.gather(*(answer(llm) for _ in range(6))), 10)
        assert {text(events) for events in answers} == {"Hello"}
        before = requests(server)
        assert text(await answer(llm)) == "Hello"
        assert requests(server) == before, "it gets no requests"


async def test_a_server_that_is_well_but_never_answers_is_given_up(server, opened):
    async with opened(server, answer_seconds=0.5) as llm:
        server.says[CHAT] = hangs
        with pytest.raises(EngineDead, match=r"has sent nothing for 0\.5 s"):
            await asyncio.wait_for(answer(llm), 10)


async def test_a_slow_server_keeps_its_requests(server, another, opened, stream):
    async def slowly(request, body):
        return await stream(request, pause=0.7)

    async with opened(server, another, hang_seconds=0.5) as llm:
        before = requests(server) + requests(another)
        server.says[CHAT] = another.says[CHAT] = slowly
        assert text(await answer(llm)) == "Hello"
        assert requests(server) + requests(another) == before + 1


async def test_a_server_that_comes_back_gets_requests_again(server, another, opened):
    async with opened(server, another, hang_seconds=0.3) as llm:
        server.says["/v1/models"] = refuses(503)
        async with asyncio.timeout(10):
            while "503" not in (await llm.health()).message:
                await asyncio.sleep(0.02)
        before = requests(server)
        await asyncio.gather(*(answer(llm) for _ in range(4)))
        assert requests(server) == before
        del server.says["/v1/models"]
        async with asyncio.timeout(10):
            while (await llm.health()).message:
                await asyncio.sleep(0.02)
        await asyncio.gather(*(answer(llm) for _ in range(4)))
        assert requests(server) > before


async def test_says_at_once_that_no_server_is_well(server, another, opened):
    async with opened(server, another) as llm:
        await server.stop()
        await another.stop()
        async with asyncio.timeout(10):
            while (await llm.health()).ok:
                await asyncio.sleep(0.02)
        begun = time.monotonic()
        with pytest.raises(EngineDead, match=f"{server.port}.*cannot be reached.*{another.port}"):
            await answer(llm)
        assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("soon", 1), ("0", 0.1), ("1e9", 3600), ("nan", 1)]
)
async def test_an_overloaded_server_says_when_to_come_back(server, opened, header, seconds):
    async with opened(server) as llm:
        server.says[CHAT] = refuses(429, {"Retry-After": header})
        with pytest.raises(Overloaded, match="answered 429: said the server") as caught:
            await answer(llm)
        assert caught.value.retry_after == seconds


async def test_that_a_server_is_overloaded_is_told_rather_than_that_the_other_fails(server, another, opened):
    async with opened(server, another) as llm:
        server.says[CHAT], another.says[CHAT] = refuses(429), refuses(500)
        for _ in range(2):
            with pytest.raises(Overloaded):
                await answer(llm)


async def test_what_a_server_refuses_is_not_sent_to_another(server, another, opened):
    async with opened(server, another) as llm:
        server.says[CHAT] = another.says[CHAT] = refuses(400, message="temperature is too hot")
        before = requests(server) + requests(another)
        with pytest.raises(InvalidArgument, match="too hot") as caught:
            await answer(llm)
        assert [found.field for found in caught.value.violations] == ["sampling.temperature"]
        assert requests(server) + requests(another) == before + 1


@pytest.mark.parametrize(
    ("status", "error"), [(500, EngineFailure), (401, EngineFailure), (503, EngineDead), (502, EngineDead)]
)
async def test_failures_are_the_servers_and_not_the_callers(server, opened, status, error):
    async with opened(server) as llm:
        server.says[CHAT] = refuses(status)
        with pytest.raises(error, match=f"answered {status}: said the server"):
            await answer(llm)


async def test_an_error_within_a_stream_is_no_answer(server, opened, stream, part):
    async def fails(request, body):
        return await stream(request, [part("Hel"), {"error": {"message": "out of luck", "code": 500}}])

    async with opened(server) as llm:
        server.says[CHAT] = fails
        with pytest.raises(EngineFailure, match="answered 500: out of luck"):
            await answer(llm)


async def test_closing_an_answer_closes_its_connection(server, opened, stream):
    gone = asyncio.Event()

    async def slowly(request, body):
        try:
            return await stream(request, pause=0.2)
        except (asyncio.CancelledError, ConnectionError):
            gone.set()
            raise

    async with opened(server) as llm:
        server.says[CHAT] = slowly
        async with aclosing(llm.generate(asked())) as events:
            await anext(events)
        await asyncio.wait_for(gone.wait(), 5)
        gone.clear()
        task = asyncio.create_task(answer(llm))
        await asyncio.sleep(0.1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 5)


async def test_does_not_open_where_no_server_answers(server, opened):
    await server.stop()
    with pytest.raises(EngineStartFailed, match=r"cannot be reached.*correct base_urls"):
        async with opened(server):
            pass


async def test_does_not_open_where_there_is_no_such_model(server, opened):
    with pytest.raises(EngineStartFailed, match="has m; set model to one of them"):
        async with opened(server, model="n"):
            pass


async def test_does_not_open_where_nothing_tells_how_long_the_context_is(server):
    with pytest.raises(EngineStartFailed, match="set context_length"):
        async with open_llm(OpenAISettings(base_urls=(server.url,))):
            pass
