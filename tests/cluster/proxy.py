"""A TCP proxy between a gateway and its database that delays, stands still, and cuts, before or after COMMIT reaches the
server. It reads what the gateway sends message by message, so that it knows exactly where a COMMIT is.

Needs nothing beyond the standard library.
"""

import asyncio
import logging
import threading

from database import free_port

# Connections are cut here in the middle of everything; that writing to one fails is no news.
logging.getLogger("asyncio").setLevel(logging.ERROR)

DRAIN = 3.0
"""Seconds that the server has to work off what it was sent before a cut."""


def messages(buffer: bytearray, begun: bool):
    """Takes whole messages of a client out of a buffer. The first of a connection has no type before its length."""
    while True:
        head = 5 if begun else 4
        if len(buffer) < head:
            return
        length = int.from_bytes(buffer[head - 4 : head], "big") + head - 4
        if len(buffer) < length:
            return
        message = bytes(buffer[:length])
        del buffer[:length]
        begun = True
        yield message


def is_commit(message: bytes) -> bool:
    """Whether a message asks the server to commit: a simple query, or the parsing of a statement."""
    text = message[5:].strip(b"\0 ;").upper()
    return (message[:1] == b"Q" and text == b"COMMIT") or (message[:1] == b"P" and b"COMMIT\0" in message[5:].upper())


class Proxy:
    """One listener on a port of its own, served by a thread of its own."""

    def __init__(self, server_port: int):
        self.port = free_port()
        self.commits_cut = 0
        self._server_port = server_port
        self._connections: set[asyncio.StreamWriter] = set()
        self._delay = 0.0
        self._open: asyncio.Event | None = None
        self._at_commit: str | None = None
        self._refusing = False
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._open = asyncio.Event()
        self._open.set()
        self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        ready.set()
        self._loop.run_forever()

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)

    # What a test can ask for. All of it takes effect at once.

    def delay(self, seconds: float) -> None:
        """Everything takes so much longer, in both directions."""
        self._loop.call_soon_threadsafe(setattr, self, "_delay", seconds)

    def hold(self) -> None:
        """Nothing passes, and nobody is told."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._open.set)

    def cut(self) -> None:
        """Ends all connections."""
        self._loop.call_soon_threadsafe(self._cut_all)

    def refuse(self, refusing: bool) -> None:
        """Whether new connections are ended at once."""
        self._loop.call_soon_threadsafe(setattr, self, "_refusing", refusing)

    def at_commit(self, what: str | None) -> None:
        """What happens at the next COMMIT: `cut-before` it reaches the server, `cut-after` the server has it but before
        its answer comes back, `hold-before` (until `release`), `hold-after`; None: nothing."""
        self._loop.call_soon_threadsafe(setattr, self, "_at_commit", what)

    def _cut_all(self) -> None:
        for writer in self._connections:
            writer.transport.abort()
        self._connections.clear()

    async def _serve(self, from_gateway: asyncio.StreamReader, to_gateway: asyncio.StreamWriter) -> None:
        if self._refusing:
            to_gateway.transport.abort()
            return
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            to_gateway.transport.abort()
            return
        self._connections |= {to_gateway, to_server}
        there = asyncio.ensure_future(self._requests(from_gateway, to_server, to_gateway))
        back = asyncio.ensure_future(self._answers(from_server, to_gateway))
        await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        if there.done() and there.exception() is None and there.result() == "cut":
            to_gateway.transport.abort()
            await asyncio.wait((back,), timeout=DRAIN)
        for task in (there, back):
            task.cancel()
        for writer in (to_gateway, to_server):
            writer.close()
            self._connections.discard(writer)
        await asyncio.gather(there, back, return_exceptions=True)

    async def _pass(self) -> None:
        if self._delay:
            await asyncio.sleep(self._delay)
        await self._open.wait()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter) -> str:
        buffer, begun = bytearray(), False
        while chunk := await reader.read(65536):
            await self._pass()
            if writer.transport.is_closing():
                break
            buffer += chunk
            for message in messages(buffer, begun):
                begun = True
                if self._at_commit and is_commit(message):
                    if await self._commit(message, writer):
                        return "cut"
                else:
                    writer.write(message)
            await writer.drain()
        return "end"

    async def _commit(self, message: bytes, writer: asyncio.StreamWriter) -> bool:
        """Does what was asked for; whether the connection is to be cut."""
        what, self._at_commit = self._at_commit, None
        self.commits_cut += 1
        if what == "hold-after":
            self._open.clear()
            writer.write(message)
            return False
        if what == "hold-before":
            await writer.drain()
            self._open.clear()
            await self._open.wait()
            writer.write(message)
            return False
        if what == "cut-after":
            writer.write(message)
        await writer.drain()
        return True

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        while chunk := await reader.read(65536):
            await self._pass()
            if not writer.transport.is_closing():
                writer.write(chunk)
                await writer.drain()
        return "end"
