"""A proxy whose connections can be cut."""

import asyncio
from contextlib import asynccontextmanager


class Proxy:
    """Passes bytes on, and cuts connections."""

    def __init__(self, target):
        self._target = target
        self._open = set()
        self.cuts = 0

    @asynccontextmanager
    async def running(self):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self.cut()

    async def _serve(self, reader, writer):
        if self._target.startswith("unix:"):
            path = self._target.removeprefix("unix:")
            there_reader, there_writer = await asyncio.open_unix_connection(path)
        else:
            there_reader, there_writer = await asyncio.open_connection(*self._target.rsplit(":", 1))
        pair = writer, there_writer
        self._open.add(pair)
        await asyncio.wait(
            [
                asyncio.create_task(self._copy(reader, there_writer)),
                asyncio.create_task(self._copy(there_reader, writer)),
            ],
            return_when=asyncio.FIRST_COMPLETED,
        )
        self._open.discard(pair)
        for one in pair:
            one.close()

    async def _copy(self, reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            return

    def cut(self):
        for pair in list(self._open):
            self.cuts += 1
            for one in pair:
                one.transport.abort()
