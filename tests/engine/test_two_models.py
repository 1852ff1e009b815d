"""A small and a large model behind one route, each on a real engine of its own, and LoRA on the small one."""

import asyncio
import os
import shutil
import signal
from types import SimpleNamespace

import grpc
import pytest
from grpc_health.v1 import health_pb2

from bench import tiny_lora
from jarvis.models import resolve
from jarvis.models.catalogue import DEMO_MODEL
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2
from tests.engine import peft_lora
from tests.engine.support import GENERATION, START
from tests.engine.two_engines import Traffic, ask, core, follow, greedy, lora, model, restarts, shown

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
SERVING, NOT_SERVING = (
    health_pb2.HealthCheckResponse.SERVING,
    health_pb2.HealthCheckResponse.NOT_SERVING,
)
EASY = "What is the capital of France?"
HARD = "Prove that there are infinitely many primes, and explain why each step of the proof holds."


@pytest.fixture(scope="module")
async def two(serve, connect, ready, tiny_folder, tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    cpus = os.sched_getaffinity(0)
    sets = [
        *model("small", tiny_folder, 1024),
        f'models.small.settings.cpus="{min(cpus)}"',
        f'models.large.settings.cpus="{max(cpus)}"',
        "models.small.max_difficulty=39",
        "models.small.settings.hang_seconds=10",
        "models.small.settings.engine_args.enable_lora=true",
        "models.small.settings.engine_args.max_loras=2",
        "models.large.settings.engine_args.enable_lora=true",
        f'server.weights_folders=["{weights}"]',
        *lora("tuned", tiny_lora.make(weights / "tuned", tiny_folder)),
        *lora("broken", tiny_lora.make(weights / "broken", tiny_folder, width=32)),
        *model("large", DEMO_MODEL, 2048),
        "models.large.min_difficulty=40",
        "embedder.adapter=none",
        "store.adapter=none",
        "server.drain_delay_seconds=0",
        "circuit_breaker.open_seconds=1",
    ]
    async with serve(tmp_path_factory.mktemp("two"), *sets) as server, connect(server.address) as peer:
        for name in ("small", "large", "tuned"):
            await ready(server, peer, f"{GENERATION}/{name}")
        answers = {"tuned": await greedy(peer, "tuned")}
        yield SimpleNamespace(server=server, peer=peer, weights=weights, answers=answers)


@pytest.mark.parametrize(("difficulty", "name"), [(0, "small"), (39, "small"), (40, "large"), (100, "large")])
async def test_the_difficulty_that_is_sent_chooses_the_model(two, difficulty, name):
    answer = await two.peer.generation.Generate(ask("Tell me", difficulty=difficulty))

    assert (answer.model, answer.difficulty) == (name, difficulty)
    assert answer.routing == pb.Routing(route="default", reason=pb.ROUTING_REASON_ROUTED)


@pytest.mark.parametrize(("text", "name"), [(EASY, "small"), (HARD, "large")], ids=["easy", "hard"])
async def test_the_difficulty_that_is_estimated_chooses_the_model(two, text, name):
    answer = await two.peer.generation.Generate(ask(text))

    assert answer.model == name
    assert (answer.difficulty >= 40) == (name == "large")
    assert answer.routing == pb.Routing(route="default", reason=pb.ROUTING_REASON_ROUTED)


async def test_a_named_model_answers_whatever_the_difficulty(two):
    answer = await two.peer.generation.Generate(ask(HARD, model="small"))

    assert answer.model == "small"
    assert answer.routing == pb.Routing(reason=pb.ROUTING_REASON_NAMED)


async def test_both_answer_at_once(two):
    answers = await asyncio.gather(
        *(two.peer.generation.Generate(ask("Tell me", difficulty=d)) for d in [10, 90] * 8)
    )

    assert [answer.model for answer in answers] == ["small", "large"] * 8


async def test_weights_change_the_answers_of_their_model_and_of_no_other(two):
    alone = [await greedy(two.peer, name) for name in ("small", "tuned")]
    together = await asyncio.gather(*(greedy(two.peer, name) for name in ["small", "tuned"] * 8))

    assert alone[0] != alone[1]
    assert together == alone * 8
    assert await greedy(two.peer, "to_tuned") == alone[1]


async def test_weights_of_another_model_are_told_and_disturb_nobody(two, failure):
    code, reason, *_ = await failure(greedy(two.peer, "broken"))
    models = (await two.peer.server.GetStatus(server_pb2.GetStatusRequest())).models
    state = {one.name: one.state for one in models}

    assert (code, reason) in {("UNAVAILABLE", "ENGINE_DEAD"), ("UNAVAILABLE", "MODEL_LOADING")}
    (why,) = {one.message for one in models if one.name == "broken"}
    assert "it is of another model: layers.0.self_attn." in why
    assert {state[name] for name in ("small", "large", "tuned")} == {server_pb2.STATE_READY}
    assert await two.peer.check(f"{GENERATION}/broken") == "NOT_SERVING"


def load(two, base, name, folder):
    request = server_pb2.LoadAdapterWeightsRequest(base=base, name=name, path=str(folder))
    return two.peer.server.LoadAdapterWeights(request)


def unload(two, name):
    return two.peer.server.UnloadAdapterWeights(server_pb2.UnloadAdapterWeightsRequest(name=name))


async def test_weights_that_peft_made_answer_as_they_do_there(two):
    folder = two.weights / "peft"
    asked, there = await asyncio.to_thread(peft_lora.make, folder, resolve(DEMO_MODEL), EASY, 12)

    async def answer(name):
        sampling = pb.SamplingParams(max_tokens=12, temperature=0, ignore_eos=True)
        request = pb.GenerateRequest(
            prompt_token_ids=asked, sampling=sampling, model=name, return_token_ids=True
        )
        return list((await two.peer.generation.Generate(request)).choices[0].token_ids)

    alone = await answer("large")
    await load(two, "large", "peft", folder)
    assert await answer("peft") == there != alone
    assert (await unload(two, "peft")).ended_requests == 0
    assert await answer("large") == alone


async def test_weights_come_and_go_while_requests_run_and_none_fails(two, tiny_folder, failure, rest):
    folder, enough = tiny_lora.make(two.weights / "more", tiny_folder, rank=4), asyncio.Event()
    expected = {name: await greedy(two.peer, name) for name in ("small", "tuned")}

    async def caller(name):
        while not enough.is_set():
            assert await greedy(two.peer, name) == expected[name]

    callers = [asyncio.create_task(caller(name)) for name in ("small", "tuned") for _ in range(2)]
    found = []
    for _ in range(4):
        await load(two, "small", "more", folder)
        found += await asyncio.gather(*(greedy(two.peer, "more") for _ in range(4)))
        long = pb.SamplingParams(max_tokens=200, ignore_eos=True)
        last = two.peer.generation.GenerateStream(
            pb.GenerateStreamRequest(prompt="Once", sampling=long, model="more")
        )
        assert (await last.read()).HasField("started")
        assert (await unload(two, "more")).ended_requests == 0
        assert (await rest(last))[-1].finished.usage.completion_tokens == 200
        assert (await failure(greedy(two.peer, "more")))[1] == "MODEL_NOT_FOUND"
    enough.set()
    await asyncio.gather(*callers)  # raises where a request failed
    (two.answers["more"],) = set(found)
    assert two.answers["more"] not in expected.values()
    await load(two, "small", "more", folder)


async def test_weights_that_cannot_be_used_are_refused_and_disturb_nobody(two, tiny_folder, failure):
    good, folder = two.weights / "tuned", two.weights / "bad"
    damaged = shutil.copytree(two.weights / "peft", folder / "damaged") / "adapter_model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    (folder / "link").symlink_to(tiny_folder)
    for base, path, why in (
        ("large", good, "it is of another model: layers.0.self_attn."),
        ("large", tiny_lora.make(folder / "rank", tiny_folder, rank=64), "its rank is 64"),
        ("large", damaged.parent, f"{damaged.parent}: "),
        ("small", good, "the engine has 2 LoRA already, and room for no other"),
        ("small", folder / "link", "is, or leads, outside of server.weights_folders"),
    ):
        with pytest.raises(grpc.aio.AioRpcError, match=why) as caught:
            await load(two, base, "bad", path)
        assert caught.value.code().name == ("INVALID_ARGUMENT" if "outside" in why else "FAILED_PRECONDITION")
    for name, text in two.answers.items():
        assert await greedy(two.peer, name) == text


async def test_the_metrics_of_both_engines_are_side_by_side(two):
    before = await shown(two.server)
    sampling = pb.SamplingParams(max_tokens=200, ignore_eos=True)
    await two.peer.generation.Generate(pb.GenerateRequest(prompt="Once", sampling=sampling, model="small"))
    await two.peer.generation.Generate(ask(HARD, model="large"))
    after = await shown(two.server)

    assert after.models == {"tiny", DEMO_MODEL}
    assert (after.small - before.small, after.large - before.large) == (200, 4)
    assert after.large_begun - before.large_begun == 1


@pytest.mark.parametrize("how", ["hangs", pytest.param("is killed", marks=pytest.mark.long)])
async def test_a_model_whose_engine_is_gone_is_replaced_by_the_other_until_it_is_back(
    two, tiny_folder, still_there, failure, how
):
    peer, traffic, engine = two.peer, Traffic(two.peer), core(two.server, tiny_folder)
    await greedy(peer, "small", 200)
    before_its_death, restarted = await shown(two.server), await restarts(peer)
    (worker,) = engine.children()
    services = ("", GENERATION, f"{GENERATION}/large", f"{GENERATION}/small")
    seen = {service: [] for service in services}
    others = [asyncio.create_task(follow(peer, service, statuses)) for service, statuses in seen.items()]
    others.append(asyncio.create_task(traffic.trickle()))
    try:
        async with asyncio.timeout(START), asyncio.TaskGroup() as streams:
            streams.create_task(traffic.stream(900))  # which does not end before its engine
            await traffic.begun.wait()
            for _ in range(20):
                streams.create_task(traffic.stream(100))
            if how == "hangs":
                engine.send_signal(signal.SIGSTOP)
            else:
                worker.send_signal(signal.SIGSTOP)  # so that it does not see that its engine is gone
                engine.kill()
            async with asyncio.timeout(20):
                while seen[services[-1]] != [SERVING, NOT_SERVING]:
                    await asyncio.sleep(0.1)
            code, reason, _, retry = await failure(peer.generation.Generate(ask("Tell me", model="small")))
            assert (code, reason) in {("UNAVAILABLE", "ENGINE_DEAD"), ("UNAVAILABLE", "MODEL_LOADING")}
            assert retry >= 1
            while (await shown(two.server)).models != {DEMO_MODEL}:
                await asyncio.sleep(0.1)
            while seen[services[-1]] != [SERVING, NOT_SERVING, SERVING]:
                await asyncio.sleep(0.1)
            traffic.ended, before = [], traffic.ended
            while not [one for one, _ in traffic.ended if one and one.model == "small"]:
                await asyncio.sleep(0.1)
    finally:
        for task in others:
            task.cancel()
        await asyncio.wait(others)

    failed = [(started, code) for started, code in before if code != "OK"]
    assert failed
    assert all(started and started.model == "small" and code == "UNAVAILABLE" for started, code in failed)
    replaced = [started for started, code in before if code == "OK" and started.model == "large"]
    assert {started.routing.reason for started in replaced} == {pb.ROUTING_REASON_FALLBACK}
    assert {started.routing.skipped[0].model for started in replaced} == {"small"}
    assert [seen[service] for service in services[:-1]] == [[SERVING]] * 3
    again = await restarts(peer)
    assert {name: again[name] - restarted[name] for name in ("small", "large")} == {"small": 1, "large": 0}

    assert still_there([engine, worker], within=0.5) == []
    told = {
        "hangs": "gave no answer for 10 s: it hung, and was killed",
        "is killed": f"processes of the engine did not end, and are killed: {worker.pid}",
    }
    assert told[how] in two.server.log.read_text()
    since = await shown(two.server)
    assert since.small < before_its_death.small, "its counters begin anew"
    assert since.large > before_its_death.large, "the other's go on"


async def test_weights_are_there_again_in_an_engine_that_was_started_again(two, ready):
    assert (await restarts(two.peer))["small"] >= 1
    await ready(two.server, two.peer, f"{GENERATION}/tuned")
    await ready(two.server, two.peer, f"{GENERATION}/more")
    for name, text in two.answers.items():
        assert await greedy(two.peer, name) == text


async def test_a_model_that_sleeps_has_no_engine_and_is_as_before_when_it_is_woken(
    two, tiny_folder, still_there, ready
):
    engine = core(two.server, tiny_folder)
    processes = [engine, *engine.children(recursive=True)]
    await two.peer.server.SleepModel(server_pb2.SleepModelRequest(name="small"))
    assert still_there(processes, within=0.5) == []
    assert await two.peer.check(f"{GENERATION}/small") == "NOT_SERVING"
    assert (await two.peer.generation.Generate(ask("Tell me", difficulty=0))).model == "large"

    await two.peer.server.WakeModel(server_pb2.WakeModelRequest(name="small"), timeout=START)
    await ready(two.server, two.peer, f"{GENERATION}/tuned")
    assert await greedy(two.peer, "tuned") == two.answers["tuned"]


@pytest.mark.last
async def test_a_killed_server_leaves_no_engine_behind(two, still_there):
    processes = two.server.ps.children(recursive=True)
    two.server.process.kill()

    assert await two.server.exit_code() == -signal.SIGKILL
    assert len(processes) >= 4
    assert still_there(processes) == []
