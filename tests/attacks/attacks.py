"""What strangers without credentials do to a gateway: each attack is one coroutine that goes on until it is told to stop.

    attacks.py PORT SECONDS SHARE ATTACK...

runs the named attacks at a time, each from a loopback address of its own, all of them together within SHARE of one
core's work, and prints one line of JSON: what each of them got done. `attacks.py list` names them.

Needs nothing beyond the standard library.
"""

import asyncio
import base64
import collections
import errno
import gzip
import itertools
import json
import select
import socket
import sys
import time

SMALL_WINDOW = 4096
"""Bytes that an attacker's system takes in while the attacker itself reads nothing."""


class Attacker:
    """One attacker: an address, a part in the budget of work, and a record of what came of it."""

    def __init__(self, name: str, port: int, source: str, until: float, budget: "Budget"):
        self.name, self.port, self.source, self.until, self.budget = name, port, source, until, budget
        self.done: collections.Counter = collections.Counter()
        self.held: set[socket.socket] = set()

    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    async def connect(self, window: int | None = None, source: str | None = None) -> socket.socket | None:
        """A connection from this attacker's address, or from another one; `None` where it was refused at once."""
        connection = socket.socket()
        connection.setblocking(False)
        if window:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        try:
            connection.bind((source or self.source, 0))
            error = connection.connect_ex(("127.0.0.1", self.port))
        except OSError as failed:
            error = failed.errno
        if error not in (0, errno.EINPROGRESS):
            connection.close()
            self.done["refused"] += 1
            return None
        self.held.add(connection)
        self.done["connections"] += 1
        return connection

    async def send(self, connection: socket.socket, data: bytes, seconds: float = 5.0) -> bool:
        """Whether all of it went out within the time."""
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(connection, data), seconds)
            self.done["bytes"] += len(data)
            return True
        except (OSError, asyncio.TimeoutError):
            self.drop(connection)
            return False

    def send_now(self, connection: socket.socket, data: bytes) -> None:
        """Sends what the connection takes at once."""
        try:
            self.done["bytes"] += connection.send(data)
        except BlockingIOError:
            pass
        except OSError:
            self.done["ended"] += 1
            self.drop(connection)

    async def read(self, connection: socket.socket, seconds: float = 5.0) -> bytes | None:
        """What comes next, at most 64 KiB; empty at the end, `None` if nothing came in time."""
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connection, 65536), seconds)
        except asyncio.TimeoutError:
            return None
        except OSError:
            return b""

    def drop_what_ended(self) -> None:
        """Lets go of the connections that the gateway has closed; what they still tell is not read."""
        poll = select.poll()
        places = {connection.fileno(): connection for connection in self.held}
        for place in places:
            poll.register(place, select.POLLRDHUP)
        for place, _ in poll.poll(0):
            self.done["ended"] += 1
            self.drop(places[place])

    def drop(self, connection: socket.socket) -> None:
        self.held.discard(connection)
        connection.close()


class Budget:
    """All attackers of a process together take no more than a share of one core."""

    def __init__(self, share: float):
        self._share, self._began = share, time.monotonic()

    async def pause(self) -> None:
        """Rests as long as the work done so far is more than its share."""
        await asyncio.sleep(0)
        while (ahead := time.process_time() / self._share - (time.monotonic() - self._began)) > 0:
            await asyncio.sleep(min(ahead, 0.25))


def head(line: str, *fields: str) -> bytes:
    return "\r\n".join([line, "Host: 127.0.0.1", *fields, "", ""]).encode()


WRONG = ("Tenant-Id: honest", "Application-Key: wrong-key")


async def hold(
    attacker: Attacker, count: int, first: bytes, more: bytes, every: float, window: int | None = None, sources=None
) -> None:
    """Keeps so many connections open, each with `first` sent, and `more` every so many seconds; what the gateway closes
    is opened again."""
    while attacker.goes_on():
        opened = []
        while len(attacker.held) < count and attacker.goes_on():
            connection = await attacker.connect(window, next(sources) if sources else None)
            if connection is None:
                break
            opened.append(connection)
            if len(opened) % 50 == 0:
                await attacker.budget.pause()
        await asyncio.sleep(every)
        for place, connection in enumerate(list(attacker.held)):
            if data := first if connection in opened else more:
                attacker.send_now(connection, data)
            if place % 50 == 0:
                await attacker.budget.pause()
        attacker.drop_what_ended()


async def idle_connections(attacker: Attacker) -> None:
    """More connections than the gateway has descriptors, on which nothing is ever sent."""
    await hold(attacker, 1100, b"", b"", 1.0)


async def idle_from_everywhere(attacker: Attacker) -> None:
    """The same, each connection from an address of its own."""
    sources = (f"127.0.{n // 250 + 70}.{n % 250 + 1}" for n in itertools.cycle(range(1100)))
    await hold(attacker, 1100, b"", b"", 1.0, sources=sources)


async def heads_dripped(attacker: Attacker) -> None:
    """A request that is answered, and then a second head that comes a byte at a time."""
    await hold(attacker, 100, head("GET /nowhere HTTP/1.1") + b"GET /now", b"x", 1.0)


async def chunks_dripped_to_nowhere(attacker: Attacker) -> None:
    """A body in chunks that never ends, to a path that does not exist."""
    first = head("POST /nowhere HTTP/1.1", "Transfer-Encoding: chunked") + b"1\r\na\r\n"
    await hold(attacker, 60, first, b"1\r\na\r\n", 0.5)


async def chunks_dripped_after_a_refusal(attacker: Attacker) -> None:
    """A body in chunks that never ends, with credentials that are wrong."""
    path = "POST /genesys/1/service/request-interaction HTTP/1.1"
    form = "Content-Type: application/x-www-form-urlencoded"
    await hold(attacker, 60, head(path, *WRONG, form, "Transfer-Encoding: chunked") + b"1\r\na\r\n", b"1\r\na\r\n", 0.5)


async def chunk_size_without_end(attacker: Attacker) -> None:
    """A line with the size of a chunk that goes on and on."""
    first = head("POST /nowhere HTTP/1.1", "Transfer-Encoding: chunked") + b"1;"
    await hold(attacker, 20, first, b"a" * 2048, 0.25)


async def import_without_credentials(attacker: Attacker) -> None:
    """A file of numbers from somebody who is not known, a piece at a time."""
    first = head("POST /gateway/v1/numbers/import HTTP/1.1", "Content-Type: text/csv", "Transfer-Encoding: chunked")
    await hold(attacker, 60, first + b"1\r\na\r\n", b"1\r\na\r\n", 0.5)


async def uploads_that_stop_short(attacker: Attacker) -> None:
    """Many large files that lack their last byte, with wrong credentials and without any."""
    for turn in itertools.count():
        if not attacker.goes_on():
            return
        if len(attacker.held) < 120:
            fields = WRONG if turn % 2 else ()
            fields += ("Content-Type: multipart/form-data; boundary=b", f"Content-Length: {8 * 1024 * 1024}")
            connection = await attacker.connect()
            if connection:
                start = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
                body = start + b"x" * (8 * 1024 * 1024 - len(start) - 1)
                await attacker.send(connection, head("POST /genesys/1/storage/600 HTTP/1.1", *fields))
                for piece in range(0, len(body), 65536):
                    if connection not in attacker.held or not await attacker.send(connection, body[piece : piece + 65536], 1):
                        break
                    await attacker.budget.pause()
        else:
            attacker.drop_what_ended()
            await asyncio.sleep(0.5)


async def stored_file(attacker: Attacker) -> str | None:
    """The path of a file of 8 MB that this attacker has stored for a long time, as an anonymous GMS caller may."""
    start = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\nContent-Type: application/octet-stream\r\n\r\n'
    body = start + b"x" * (8 * 1024 * 1024 - 1024) + b"\r\n--b--\r\n"
    fields = ("Content-Type: multipart/form-data; boundary=b", f"Content-Length: {len(body)}", "Accept: application/json")
    connection = await attacker.connect()
    if connection is None or not await attacker.send(connection, head("POST /genesys/1/storage/600 HTTP/1.1", *fields) + body, 20):
        return None
    answer = await attacker.read(connection, 20) or b""
    attacker.drop(connection)
    identity = answer.rpartition(b'"id":"')[2].partition(b'"')[0].decode()
    return f"/genesys/1/storage/{identity}/f" if identity else None


async def answers_unread(attacker: Attacker) -> None:
    """Large answers that are asked for and never taken."""
    path = None
    while path is None and attacker.goes_on():
        path = await stored_file(attacker)
        await asyncio.sleep(0 if path else 0.5)
    attacker.done["stored"] += path is not None
    await hold(attacker, 120, head(f"GET {path} HTTP/1.1"), b"", 0.5, SMALL_WINDOW)


async def pipelines_unread(attacker: Attacker) -> None:
    """Request after request on connections of which no answer is ever read."""
    requests = head("GET /genesys/1/service/nothing HTTP/1.1") * 2000
    await hold(attacker, 8, requests, requests, 0.1, SMALL_WINDOW)


async def one_after_the_other(attacker: Attacker, make) -> None:
    """Requests one after the other over kept connections; `make` gives the next one."""
    connection = None
    while attacker.goes_on():
        if connection is None or connection not in attacker.held:
            connection = await attacker.connect()
            if connection is None:
                await asyncio.sleep(0.1)
                continue
        if await attacker.send(connection, make()):
            answer = await attacker.read(connection)
            if answer:
                attacker.done[answer[9:12].decode("latin-1")] += 1
            else:
                attacker.drop(connection)
        await attacker.budget.pause()


async def keys_guessed(attacker: Attacker) -> None:
    """Application keys, one guess after the other."""
    turn = itertools.count()
    path = "GET /interact/version/2/dnis/allocate/get/49301000000 HTTP/1.1"
    make = lambda: head(path, "Tenant-Id: honest", f"Application-Key: guess-{next(turn)}")  # noqa: E731
    await one_after_the_other(attacker, make)


async def passwords_guessed(attacker: Attacker) -> None:
    """Passwords over Basic, one guess after the other, each for another user."""
    turn = itertools.count()

    def make() -> bytes:
        pair = base64.b64encode(f"user-{next(turn)}:guess".encode()).decode()
        return head("GET /gateway/v1/groups HTTP/1.1", f"Authorization: Basic {pair}")

    await one_after_the_other(attacker, make)


async def secrets_guessed(attacker: Attacker) -> None:
    """Secrets of an AICC application, one guess after the other."""
    turn = itertools.count()

    def make() -> bytes:
        body = json.dumps({"app_key": "honest-aicc", "app_secret": f"guess-{next(turn)}"}).encode()
        fields = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        return head("POST /apigovernance/api/oauth/tokenByAkSk HTTP/1.1", *fields) + body

    await one_after_the_other(attacker, make)


async def long_paths(attacker: Attacker) -> None:
    """Paths of 60 KB, which a log must not repeat."""
    request = head(f"GET /{'a' * 60_000} HTTP/1.1")
    await one_after_the_other(attacker, lambda: request)


async def upgrades(attacker: Attacker) -> None:
    """Offers to speak another protocol."""
    request = head("GET /gateway/v1/groups HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
    await hold(attacker, 60, request, b"", 0.5)


async def compressed_floods(attacker: Attacker) -> None:
    """A little of gzip that becomes 8 MB, with wrong credentials."""
    body = gzip.compress(b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + b"x" * (8 * 1024 * 1024 - 200) + b"\r\n--b--\r\n")
    fields = ("Content-Type: multipart/form-data; boundary=b", "Content-Encoding: gzip", f"Content-Length: {len(body)}")
    request = head("POST /genesys/1/storage/600 HTTP/1.1", *WRONG, *fields) + body
    await one_after_the_other(attacker, lambda: request)


async def silent_handshakes(attacker: Attacker) -> None:
    """Connections to a TLS listener on which no handshake ever begins, and new ones for those that are closed."""
    await hold(attacker, 400, b"", b"", 0.25)


PLAIN = {
    attack.__name__: attack
    for attack in (
        idle_connections,
        idle_from_everywhere,
        heads_dripped,
        chunks_dripped_to_nowhere,
        chunks_dripped_after_a_refusal,
        chunk_size_without_end,
        import_without_credentials,
        uploads_that_stop_short,
        answers_unread,
        pipelines_unread,
        keys_guessed,
        passwords_guessed,
        secrets_guessed,
        long_paths,
        upgrades,
        compressed_floods,
    )
}
"""The attacks on a listener without TLS."""

ALL = {**PLAIN, "silent_handshakes": silent_handshakes}


async def run(port: int, seconds: float, share: float, names: list[str]) -> dict:
    """Runs the named attacks at a time, and closes what is left of them."""
    until, budget = time.monotonic() + seconds, Budget(share)
    attackers = [Attacker(name, port, f"127.0.66.{place + 1}", until, budget) for place, name in enumerate(names)]
    await asyncio.gather(*(ALL[attacker.name](attacker) for attacker in attackers))
    for attacker in attackers:
        for connection in list(attacker.held):
            attacker.drop(connection)
    report = {attacker.name: dict(attacker.done) for attacker in attackers}
    report["share_of_a_core"] = round(time.process_time() / seconds, 3)
    return report


if __name__ == "__main__":
    if sys.argv[1:] == ["list"]:
        print("\n".join(ALL))
    else:
        print(json.dumps(asyncio.run(run(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))))
