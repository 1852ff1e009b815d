"""Two servers are restarted one after the other, under callers who watch their health and lose nothing."""

from jarvis.v1 import generation_pb2 as pb
from tests.rolling import restart_in_turn, two_addresses

CALLERS = 16
WORDS = " ".join(f"word{number}" for number in range(30))


async def test_a_rolling_restart_loses_no_request_and_no_token(start):
    def serve(address):
        return start(
            f'server.listen=["{address}"]',
            "server.drain_delay_seconds=0.5",
            "models.echo.settings.tokens_per_second=200",
        )

    async def ask(stub):
        request = pb.GenerateStreamRequest(prompt=WORDS, sampling=pb.SamplingParams(max_tokens=30))
        return "".join([event.delta.text async for event in stub.GenerateStream(request)])

    answers = await restart_in_turn(two_addresses(), serve, ask, CALLERS)
    assert len(answers) > 4 * CALLERS
    assert set(answers) == {WORDS}
