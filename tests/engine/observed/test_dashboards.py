"""A real Prometheus, fed by a real server under traffic, has data for every panel; its death harms nobody."""

import asyncio
import json
import math
import re
import socket
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from shutil import which

import aiohttp
import grpc
import pytest
import yaml

from jarvis.app.config import load
from jarvis.app.slo import generate
from jarvis.v1 import embedding_pb2, retrieval_pb2, server_pb2
from jarvis.v1 import generation_pb2 as pb

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
GRAFANA = Path(__file__).parents[3] / "deploy/grafana"
DASHBOARDS = [json.loads(path.read_text()) for path in sorted(GRAFANA.glob("*.json"))]
PANELS = [panel for each in DASHBOARDS for panel in each["panels"] if panel["type"] != "row"]
VARIABLES = [v for each in DASHBOARDS for v in each["templating"]["list"] if v["type"] == "query"]
AS_GRAFANA = {"$__rate_interval": "20s", "$model": ".*", "$instance": ".*"}
"""What stands for the variables of a dashboard where nothing is chosen; the interval is 20 scrapes, to have
some of all the traffic in it on a busy machine."""
OR_ZERO = " or on() vector(0)"
NOTHING_HERE = ["jarvis_log_records_dropped_total", *([] if which("nvidia-smi") else ["jarvis_gpu_memory"])]
"""Series that do not come about in this test, and whose panels show 0 then."""
S = pb.SamplingParams


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Prometheus:
    """A Prometheus, asked by its HTTP API."""

    def __init__(self, process, session, url):
        self.process = process
        self._session = session
        self._url = url

    async def get(self, path, **params):
        async with self._session.get(f"{self._url}/api/v1/{path}", params=params) as response:
            answer = await response.json()
            assert answer["status"] == "success", f"{params}: {answer}"
            return answer["data"]

    async def query(self, text):
        """Return the series of an instant query that have a value: {labels: value}."""
        found = (await self.get("query", query=text))["result"]
        values = [(series["metric"], float(series["value"][1])) for series in found]
        return [(labels, value) for labels, value in values if not math.isnan(value)]

    async def ready(self):
        while True:
            try:
                async with self._session.get(f"{self._url}/-/ready") as response:
                    if response.ok:
                        return
            except aiohttp.ClientConnectionError:
                pass
            assert self.process.returncode is None, "Prometheus has ended"
            await asyncio.sleep(0.1)


@asynccontextmanager
async def prometheus(binary, folder, server):
    """Run Prometheus on the metrics of a server, with our rules, all of them evaluated each second."""
    rules = yaml.safe_load(generate(load(None, server.objectives, {}).slo))
    for group in rules["groups"]:
        group["interval"] = "1s"
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    scrape = {"job_name": "jarvis", "static_configs": [{"targets": [server.metrics]}]}
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": ["rules.yml"], "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        binary,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
        "--log.level=warn",
    )
    try:
        async with aiohttp.ClientSession() as session:
            asked = Prometheus(process, session, f"http://{address}")
            await asked.ready()
            yield asked
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture(scope="module")
async def watched(observed, prometheus_binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    async with prometheus(prometheus_binary, folder, observed) as asked:
        yield asked


@pytest.fixture(scope="module")
async def traffic(observed):
    """Callers of every kind, for as long as the tests run."""
    await observed.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="herons"))
    run = asyncio.create_task(call_forever(observed))
    yield run
    run.cancel()
    await asyncio.wait([run])


async def call_forever(server):
    number = 0
    while True:
        number += 1
        await asyncio.gather(answer(server, number), retrieve(server, number), fail(server, number))


def story(number, tokens=8):
    """A request with a prompt that begins as the others do, and fills some blocks of the engine's cache."""
    prompt = f"{'Once upon a time there was a heron. ' * 20} Number {number}"
    return {"prompt": prompt, "sampling": S(max_tokens=tokens, ignore_eos=True)}


async def answer(server, number):
    async for _ in server.generation.GenerateStream(pb.GenerateStreamRequest(**story(number))):
        pass
    await server.generation.Generate(pb.GenerateRequest(**story(-number)))


async def retrieve(server, number):
    texts = ["A heron stands in the reeds.", f"It stands there for {number} hours."]
    await server.embedding.Embed(embedding_pb2.EmbedRequest(texts=texts))
    documents = {"same.md": b"# Herons", f"{number}.md": texts[1].encode(), "broken.pdf": b"%PDF-1.4"}
    messages = [retrieval_pb2.IngestRequest(start=retrieval_pb2.IngestStart(collection="herons"))]
    for source, data in documents.items():
        document = retrieval_pb2.IngestDocument(source=source)
        messages += [retrieval_pb2.IngestRequest(document=document), retrieval_pb2.IngestRequest(data=data)]
    outcomes = [event async for event in server.retrieval.Ingest(iter(messages))]
    assert outcomes[-1].HasField("finished")
    for mode in ("DENSE", "SPARSE", "HYBRID"):
        search = {"text": texts[1], "mode": f"SEARCH_MODE_{mode}"}
        await server.retrieval.Search(retrieval_pb2.SearchRequest(collection="herons", **search))


async def fail(server, number):
    """Make calls that are invalid, to what is not there, aborted, left, and now and then too slow."""
    invalid = server.generation.Generate(pb.GenerateRequest(prompt="a", sampling=S(top_p=7)))
    assert await code(invalid) == "INVALID_ARGUMENT"
    nowhere = server.retrieval.Search(retrieval_pb2.SearchRequest(collection="storks", text="a"))
    assert await code(nowhere) == "NOT_FOUND"
    request = pb.GenerateStreamRequest(**story(number, tokens=1500))
    aborted = server.generation.GenerateStream(request, metadata=(("x-request-id", f"abort-{number}"),))
    await aborted.read()
    with suppress(grpc.aio.AioRpcError):  # it may have ended, before a busy machine lets us ask
        await server.server.Abort(server_pb2.AbortRequest(request_id=f"abort-{number}"))
        assert await code(read_on(aborted)) == "ABORTED"
    left = server.generation.GenerateStream(request)
    await left.read()
    left.cancel()
    if number > 8 and number % 4 == 0:  # Prometheus does not know of the good calls before its first scrape
        late = server.generation.Generate(pb.GenerateRequest(**story(number, tokens=1500)), timeout=0.5)
        assert await code(late) == "DEADLINE_EXCEEDED"


async def read_on(stream):
    while await stream.read() is not grpc.aio.EOF:
        pass


async def code(call):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code().name


def as_grafana(query):
    for variable, value in AS_GRAFANA.items():
        query = query.replace(variable, value)
    assert "$" not in query
    return query


def expected(target):
    """The query that has to have data, and the labels that its legend names."""
    query = as_grafana(target["expr"])
    if any(name in query for name in NOTHING_HERE):
        return query, set()
    return query.replace(OR_ZERO, ""), set(re.findall(r"{{(\w+)}}", target["legendFormat"]))


async def test_every_query_of_every_panel_and_variable_has_data(watched, traffic):
    without = [(panel["title"], *expected(target)) for panel in PANELS for target in panel["targets"]]
    for variable in VARIABLES:
        series, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]).groups()
        without.append((variable["name"], series, {label}))
    deadline = asyncio.get_running_loop().time() + 400
    while without and not traffic.done() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(1)
        without = [one for one in without if not await has_data(watched, *one[1:])]
    assert not traffic.done(), traffic.exception()
    assert not without


async def has_data(watched, query, labels):
    found = await watched.query(query)
    return found and all(labels <= series.keys() for series, _ in found)


async def test_the_target_is_up_the_rules_are_well_and_no_alert_fires(watched, traffic):
    target = {"health": "unknown"}
    while target["health"] != "up":  # a scrape has a second, which a busy machine may not give each of them
        await asyncio.sleep(0.1)
        (target,) = (await watched.get("targets"))["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    rules = [{"health": "unknown"}]
    while any(rule["health"] == "unknown" for rule in rules):
        await asyncio.sleep(0.1)
        rules = [rule for group in (await watched.get("rules"))["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    assert not [rule["lastError"] for rule in rules if rule.get("lastError")]
    assert not [alert for alert in (await watched.get("alerts"))["alerts"] if alert["state"] == "firing"]


async def test_streams_go_on_when_prometheus_is_killed(observed, prometheus_binary, tmp_path, rest):
    async with prometheus(prometheus_binary, tmp_path, observed) as asked:
        while not await asked.query("up == 1"):
            await asyncio.sleep(0.1)
        requests = [pb.GenerateStreamRequest(**story(number, tokens=500)) for number in range(16)]
        streams = [observed.generation.GenerateStream(request) for request in requests]
        await asyncio.gather(*(stream.read() for stream in streams))
        asked.process.kill()
        await asked.process.wait()
        assert not any(stream.done() for stream in streams)
        for events in await asyncio.gather(*map(rest, streams)):
            assert events[-1].finished.usage.completion_tokens == 500
