"""Waits until nobody uses an adapter any more."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from jarvis.core.lifecycle.component import Component
from jarvis.core.lifecycle.instance import Instance
from jarvis.core.lifecycle.requests import LEAVE_SECONDS, Requests
from jarvis_ports.errors import Draining

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
"""Seconds between two looks at who still uses an instance."""


async def drain(  # noqa: PLR0913 - all that it waits for
    component: Component[Any],
    instance: Instance[Any],
    requests: Requests,
    within: float,
    what: str,
    *,
    wanted: Callable[[], bool] = lambda: True,
) -> int:
    """Wait until nobody uses an instance, or end those that do; return how many were ended.

    Args:
        component: whose instance it is.
        instance: what nobody shall use any more; new requests do not get it.
        requests: the requests that are running.
        within: the seconds that they have.
        what: what was done with the component, for those that are ended.
        wanted: whether that is still wanted; if not, nobody is waited for or ended any more.
    """
    await _unused(component, instance, within, wanted)
    if not (users := component.users(instance)) or not wanted():
        return 0
    ended = requests.end(users, Draining(f"{component} was {what}, and the request did not finish in time"))
    logger.warning("%s was %s: %d requests did not finish in time", component, what, ended)
    await _unused(component, instance, LEAVE_SECONDS, wanted)
    return ended


async def _unused(
    component: Component[Any], instance: Instance[Any], within: float, wanted: Callable[[], bool]
) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while wanted() and component.users(instance):  # noqa: ASYNC110 - threads are among them
                await asyncio.sleep(LOOK_SECONDS)
