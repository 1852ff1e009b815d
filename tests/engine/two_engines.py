"""What the tests of two models do with their server: traffic, and looks at it."""

import asyncio
import re
from collections import Counter
from types import SimpleNamespace

import aiohttp
import grpc
import psutil
from grpc_health.v1 import health_pb2
from prometheus_client.parser import text_string_to_metric_families

from jarvis.models.catalogue import DEMO_MODEL
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

BRIEF = 4


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


async def greedy(peer, name, max_tokens=12):
    sampling = pb.SamplingParams(max_tokens=max_tokens, temperature=0, ignore_eos=True)
    request = pb.GenerateRequest(prompt="Once upon a time", sampling=sampling, model=name)
    return (await peer.generation.Generate(request)).choices[0].text


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
