"""Honest callers: they lend a number, look it up, free it, and lend and match over GMS, at a steady pace, over connections
that they keep for a call or two. What they see is what an attack is judged by.

    honest.py PORT CLIENTS SECONDS

prints one line of JSON: how many requests were made, how many were not answered as they should be and why, and the
median and 99th percentile of the time that an answer took, in milliseconds.

Needs nothing beyond the standard library.
"""

import asyncio
import base64
import collections
import json
import sys
import time

from gateway import KEY, PASSWORD_FOR_ALL, TENANT

PAUSE = 0.15
"""Seconds that a caller waits between two requests."""

PATIENCE = 10.0
"""Seconds after which a caller gives an answer up."""

HEADERS = (
    f"Tenant-Id: {TENANT}\r\nApplication-Key: {KEY}\r\nUser-Id: {base64.b64encode(b'agent').decode()}\r\n"
    f"User-Password: {base64.b64encode(PASSWORD_FOR_ALL.encode()).decode()}\r\n"
)
AGENT = "http://com/jacada/interact/agent/soap"
DNIS = "http://com/jacada/interact/dnis/soap"


def envelope(namespace: str, payload: str) -> str:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:a="{namespace}"><s:Body>{payload}</s:Body></s:Envelope>'
    )


def request(path: str, media_type: str, body: str) -> bytes:
    body = body.encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{HEADERS}Accept: application/json\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def soap(namespace: str, payload: str) -> bytes:
    where = "agent" if namespace == AGENT else "dnis"
    return request(f"/interact/version/2/{where}/soap", "text/xml; charset=utf-8", envelope(namespace, payload))


def form(service: str, body: str) -> bytes:
    return request(f"/genesys/1/service/{service}", "application/x-www-form-urlencoded", body)


class Caller:
    """One caller with one connection."""

    def __init__(self, port: int, name: str):
        self._port, self._name = port, name
        self._reader = self._writer = None

    async def ask(self, message: bytes) -> tuple[int, bytes]:
        """One request; a connection that the gateway has closed meanwhile is made anew once, as HTTP libraries do."""
        kept = self._writer is not None
        try:
            return await self._exchange(message)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            if not kept:
                raise
            return await self._exchange(message)

    async def _exchange(self, message: bytes) -> tuple[int, bytes]:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(message)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await self._reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection") == "close":
            self.close()
        return int(head.split(" ", 2)[1]), body

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None


class Tally:
    """What all callers saw together."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.failures: collections.Counter = collections.Counter()

    async def ask(self, caller: Caller, what: str, message: bytes, expected: bytes) -> bytes:
        """One request that must be answered with 200 and a body that holds `expected`."""
        began = time.perf_counter()
        try:
            status, body = await asyncio.wait_for(caller.ask(message), PATIENCE)
            failure = None if status == 200 and expected in body else f"{what}: {status} {body[:60]!r}"
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError) as error:
            caller.close()
            body, failure = b"", f"{what}: {type(error).__name__}"
        self.times.append((time.perf_counter() - began) * 1000)
        if failure:
            self.failures[failure] += 1
        return body

    def report(self) -> dict:
        times = sorted(self.times)
        of = lambda share: times[min(int(len(times) * share), len(times) - 1)] if times else 0.0  # noqa: E731
        return {
            "requests": len(times),
            "failed": sum(self.failures.values()),
            "why": dict(self.failures.most_common(5)),
            "p50_ms": round(of(0.5), 2),
            "p99_ms": round(of(0.99), 2),
        }


def between(text: bytes, before: bytes, after: bytes) -> str:
    return text.partition(before)[2].partition(after)[0].decode()


async def call_after_call(port: int, name: str, tally: Tally, until: float) -> None:
    """One caller's day: a number over SOAP, looked up and freed, then one over GMS, matched."""
    caller, turn = Caller(port, name), 0
    while time.monotonic() < until:
        turn += 1
        unique = f"{name}-{turn}"
        lend = f"<a:AllocateDnisRequest><a:uniqueId>{unique}</a:uniqueId><a:group>lines</a:group></a:AllocateDnisRequest>"
        answer = await tally.ask(caller, "allocate", soap(AGENT, lend), b"result>4930")
        number = between(answer, b"result>", b"<")
        await asyncio.sleep(PAUSE)
        if number:
            look = f"<a:GetDnisAllocationRequest><a:phone>{number}</a:phone></a:GetDnisAllocationRequest>"
            await tally.ask(caller, "get", soap(AGENT, look), unique.encode())
            await asyncio.sleep(PAUSE)
            free = f"<a:FreeDnisAllocationRequest><a:phone>{number}</a:phone></a:FreeDnisAllocationRequest>"
            await tally.ask(caller, "free", soap(DNIS, free), b"result>")
            await asyncio.sleep(PAUSE)
        lend = form("request-interaction", "_resource_group=lines&_phone_number=15550100&note=hello")
        number = between(await tally.ask(caller, "request-interaction", lend, b"_access_number"), b'_access_number":"', b'"')
        await asyncio.sleep(PAUSE)
        if number:
            match = form("match-interaction", f"_access_number={number}&_phone_number=15550100")
            await tally.ask(caller, "match", match, b"_id")
            await asyncio.sleep(PAUSE)
        # Whoever comes anew must be let in, too.
        caller.close()


async def run(port: int, clients: int, seconds: float) -> dict:
    """So many callers at a time, for so many seconds."""
    tally, until = Tally(), time.monotonic() + seconds
    await asyncio.gather(*(call_after_call(port, f"caller-{n}", tally, until) for n in range(clients)))
    return tally.report()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))))
