"""A small and a large model behind one route, each on a real engine of its own, and LoRA on the small one."""

import asyncio
import os
import re
import signal
from collections import Counter
from types import SimpleNamespace

import aiohttp
import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2
from prometheus_client.parser import text_string_to_metric_families

from bench import tiny_lora
from jarvis.models.catalogue import DEMO_MODEL
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2
from tests.engine.support import GENERATION, START

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
SERVING, NOT_SERVING = (
    health_pb2.HealthCheckResponse.SERVING,
    health_pb2.HealthCheckResponse.NOT_SERVING,
)
BRIEF = 4
EASY = "What is the capital of France?"
HARD = "Prove that there are infinitely many primes, and explain why each step of the proof holds."


def model(name, reference, length):
    settings = f"models.{name}.settings"
    return [
        f'{settings}.model="{reference}"',
        f"{settings}.dtype=float32",
        f"{settings}.max_model_len={length}",
        f"{settings}.engine_args.kv_cache_memory_bytes={2**28}",
    ]


def lora(name, folder):
    return [
        f"models.{name}.adapter=lora",
        f'models.{name}.settings={{base="small", path="{folder}"}}',
        f"routes.to_{name}.models=['{name}']",
    ]


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
        yield SimpleNamespace(server=server, peer=peer, tuned=await greedy(peer, "tuned"))


def ask(text, **fields):
    messages = [pb.Message(role=pb.ROLE_USER, content=text)]
    sampling = pb.SamplingParams(max_tokens=4)
    return pb.GenerateRequest(messages=messages, sampling=sampling, **fields)


def core(server, folder):
    """Find the process of the engine that has a model: it logs that with its own process id."""
    started = re.findall(
        r"Initializing a V1 LLM engine .*? model='([^']*)'.*\"pid\":(\d+)", server.log.read_text()
    )
    return psutil.Process(int(dict(started)[str(folder)]))


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


async def greedy(peer, name):
    sampling = pb.SamplingParams(max_tokens=12, temperature=0, ignore_eos=True)
    request = pb.GenerateRequest(prompt="Once upon a time", sampling=sampling, model=name)
    return (await peer.generation.Generate(request)).choices[0].text


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


class Traffic:
    """Streams by route, each with whether it had begun, how it ended, and which model answered."""

    def __init__(self, peer):
        self._peer = peer
        self.begun = asyncio.Event()
        self.ended = []

    async def stream(self, max_tokens):
        sampling = pb.SamplingParams(max_tokens=max_tokens, ignore_eos=True)
        request = pb.GenerateStreamRequest(prompt="Once", sampling=sampling, difficulty=10)
        started, code = None, "OK"
        try:
            async for event in self._peer.generation.GenerateStream(request):
                if event.HasField("started"):
                    started = event.started
                    if max_tokens > BRIEF:  # the others may end before anything happens to them
                        self.begun.set()
        except grpc.aio.AioRpcError as error:
            code = error.code().name
        self.ended.append((started, code))

    async def trickle(self):
        async with asyncio.TaskGroup() as streams:
            while True:
                streams.create_task(self.stream(BRIEF))
                await asyncio.sleep(0.2)


async def follow(peer, service, seen):
    request = health_pb2.HealthCheckRequest(service=service)
    async for response in peer.health.Watch(request):
        seen.append(response.status)


async def page(server):
    """Return vLLM's values by sample and model, of a page of metrics on which nothing is there twice."""
    (address,) = re.findall(r"/metrics, .* are on http://([\d.:]+)", server.log.read_text())
    async with aiohttp.request("GET", f"http://{address}/metrics") as response:
        families = list(text_string_to_metric_families(await response.text()))
    assert [name for name, count in Counter(family.name for family in families).items() if count > 1] == []
    samples = [sample for family in families for sample in family.samples if sample.name.startswith("vllm:")]
    series = Counter((sample.name, *sorted(sample.labels.items())) for sample in samples)
    assert [one for one, count in series.items() if count > 1] == []
    return {(sample.name, sample.labels["model_name"]): sample.value for sample in samples}


async def shown(server):
    """Return the generated tokens of each model that the page of metrics shows."""
    values = await page(server)
    tokens = {model: values["vllm:generation_tokens_total", model] for _, model in values}
    begun = values.get(("vllm:time_to_first_token_seconds_count", DEMO_MODEL))
    return SimpleNamespace(
        models=set(tokens), small=tokens.get("tiny"), large=tokens.get(DEMO_MODEL), large_begun=begun
    )


async def restarts(peer):
    models = (await peer.server.GetStatus(server_pb2.GetStatusRequest())).models
    return {one.name: one.restarts for one in models}


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
    before_its_death, restarted = await shown(two.server), await restarts(peer)
    (worker,) = engine.children()
    services = ("", GENERATION, f"{GENERATION}/large", f"{GENERATION}/small")
    seen = {service: [] for service in services}
    others = [asyncio.create_task(follow(peer, service, statuses)) for service, statuses in seen.items()]
    others.append(asyncio.create_task(traffic.trickle()))
    try:
        async with asyncio.timeout(START), asyncio.TaskGroup() as streams:
            for _ in range(20):
                streams.create_task(traffic.stream(100))
            await traffic.begun.wait()
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
    assert await greedy(two.peer, "tuned") == two.tuned


@pytest.mark.last
async def test_a_killed_server_leaves_no_engine_behind(two, still_there):
    processes = two.server.ps.children(recursive=True)
    two.server.process.kill()

    assert await two.server.exit_code() == -signal.SIGKILL
    assert len(processes) >= 4
    assert still_there(processes) == []
