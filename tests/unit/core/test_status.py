"""What the server tells of all that it is made of."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.routing import Route, Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis.core.status import Capability, Status
from jarvis.core.telemetry.gpus import GpuReader
from jarvis_ports.health import Health
from jarvis_ports.values import HealthLevel, State

HEALTHY, DEGRADED, UNHEALTHY = HealthLevel


class Engine:
    """Opens, and is well."""

    @asynccontextmanager
    async def __call__(self):
        yield self

    async def health(self):
        return Health(ok=True)


def model(name="m"):
    return Model(name, "a", Engine(), breaker=CircuitBreaker(1, 30))


def everything():
    """One of each kind, and a model that no default route leads to."""
    first, second, aside = model("first"), model("second"), model("aside")
    routes = Routes([first, second, aside], [Route("default", [first, second])], "default")
    beside = {
        port: Component(port, port, "a", Engine(), WhenUnwell.WAIT)
        for port in ("telemetry", "estimator", "cache", "store", "reranker", "embedder")
    }
    components = Components([*routes.models, *beside.values()])
    status = Status(components, routes, Requests())
    for component in components:
        component.state = State.READY
    return status, {component.name: component for component in components}


async def until(component, state):
    async with asyncio.timeout(2):
        while component.state is not state:
            await asyncio.sleep(0)


async def test_it_tells_when_a_state_has_changed_and_which_services_can_answer():
    first = model()
    embedder = Component("embedder", "e", "a", Engine())
    store = Component("store", "s", "a", Engine())
    cache = Component("cache", "c", "a", Engine(), WhenUnwell.WAIT)
    components = Components([first, embedder, store, cache])
    status = Status(components, Routes([first], [], "m"), Requests())
    services = [Capability.GENERATION, Capability.EMBEDDING, Capability.RETRIEVAL]
    assert status.serving == dict.fromkeys(services, False)
    assert status.models_loaded == []

    changed = asyncio.create_task(status.change())
    runs = [asyncio.create_task(component.run()) for component in (first, embedder)]
    await asyncio.wait_for(changed, 1)
    await until(first, State.READY)
    await until(embedder, State.READY)
    assert status.serving == {**dict.fromkeys(services, True), Capability.RETRIEVAL: False}
    assert (status.state, status.health) == (State.LOADING, DEGRADED)
    assert status.models_loaded == ["m"]

    runs.append(asyncio.create_task(store.run()))
    await until(store, State.READY)
    assert status.serving == dict.fromkeys(services, True)
    assert status.state is State.READY, "a cache is not waited for"
    assert status.health is DEGRADED, "but it is missed"
    runs.append(asyncio.create_task(cache.run()))
    await until(cache, State.READY)
    assert status.health is HEALTHY
    for run in runs:
        run.cancel()


def test_what_is_turned_off_is_no_service():
    only = model()
    status = Status(Components([only]), Routes([only], [], "m"), Requests())
    assert set(status.serving) == {Capability.GENERATION}


@pytest.mark.parametrize("embedder", [True, False])
def test_a_reranker_serves_with_an_embedder_or_without(embedder):
    only, reranker = model(), Component("reranker", "r", "a", Engine())
    beside = [Component("embedder", "e", "a", Engine())] if embedder else []
    status = Status(Components([only, reranker, *beside]), Routes([only], [], "m"), Requests())
    reranker.state = State.READY
    assert status.serving == {Capability.GENERATION: False, Capability.EMBEDDING: not embedder}


def test_all_that_is_configured_and_ready_is_healthy():
    status, components = everything()
    assert list(components) == [
        *("first", "second", "aside"),
        *("embedder", "reranker", "store", "cache", "estimator", "telemetry"),
    ]
    assert status.health is HEALTHY


@pytest.mark.parametrize(
    "name", ["first", "aside", "embedder", "reranker", "store", "cache", "estimator", "telemetry"]
)
def test_what_loads_degrades(name):
    status, components = everything()
    components[name].state = State.LOADING
    assert status.health is DEGRADED


@pytest.mark.parametrize("name", ["first", "aside", "reranker", "cache", "estimator", "telemetry"])
def test_a_failure_that_callers_can_do_without_degrades(name):
    status, components = everything()
    components[name].state = State.FAILED
    assert status.health is DEGRADED


@pytest.mark.parametrize("names", [["embedder"], ["store"], ["first", "second"]])
def test_a_failure_of_what_callers_need_is_unhealthy_even_during_a_drain(names):
    status, components = everything()
    for name in names:
        components[name].state = State.FAILED
    assert status.health is UNHEALTHY
    status._requests.draining = True
    assert status.health is UNHEALTHY


def test_an_open_circuit_breaker_degrades():
    status, components = everything()
    components["second"].breaker.failed()
    assert status.health is DEGRADED


def test_a_shutdown_degrades():
    status, _ = everything()
    status._requests.draining = True
    assert status.health is DEGRADED


async def test_the_gpus_are_not_read_in_the_event_loop():
    threads = []
    gpus = GpuReader(lambda: threads.append(threading.get_ident()) or ())
    assert await gpus.read_in_thread() == ()
    assert threads != [threading.get_ident()]
