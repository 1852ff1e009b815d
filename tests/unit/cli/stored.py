"""What a server with the stand-ins has stored."""

import asyncio

from jarvis.client import BlockingClient


async def rows(address):
    """Count the rows of the default collection."""

    def ask():
        with BlockingClient(address) as client:
            return client.retrieval.get_collection("default").rows

    return await asyncio.to_thread(ask)
