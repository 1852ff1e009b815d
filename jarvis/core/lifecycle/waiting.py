"""Waits for a component that another one is made of."""

import asyncio

from jarvis.core.lifecycle.component import Component
from jarvis.core.lifecycle.instance import P

LOOK_SECONDS = 0.1
"""Seconds between two looks at whether a component is loaded."""


async def until_loaded(component: Component[P]) -> P:
    """Wait until a component is loaded, and return its adapter."""
    while not (port := component.loaded):  # noqa: ASYNC110 - its event is for others
        await asyncio.sleep(LOOK_SECONDS)
    return port
