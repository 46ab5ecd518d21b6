#!/usr/bin/env python3
"""Clients of several gateways that speak all dialects, and write down what they saw (`history.py`).

    load.py FILE SEED CLIENTS PORT...

runs until its standard input says `stop`; then `audit` looks at every number, route and record of the past at every
gateway. FILE gets one operation a line, and what no client should ever be told as `{"strange": text}`.

A client lends a number over one dialect at one gateway, looks at it over another at another one, looks at numbers of others,
ends its own over a third, and looks again. For each gateway one client more lends and frees there without a pause, so
that a gateway that stands still shows. Nothing is done twice that was not asked for twice: connections are never tried
again without a word about it in the history.

Needs nothing beyond the standard library.
"""

import asyncio
import base64
import itertools
import json
import random
import re
import sys
import time

from gateway import APP_KEY, APP_SECRET, CODES, HOTLINE, KEY, LASTING, NUMBERS, SKILL, TENANT, USER, USER_PASSWORD, numbers

PATIENCE = 4.0
"""Seconds after which a client gives an answer up; what it asked for may still happen."""
MARGIN = 15.0
"""Seconds before its deadline from which on a client leaves a number alone."""
PAUSE = 0.02
BACK_OFF = 0.1
AUDIT_ATTEMPTS = 20
AGENT, DNIS = "agent", "dnis"
GATEWAY = "/gateway/v1"
AICC = "/apiaccess/rest/cc-management/v1/calledRoute"

BASIC = "Basic " + base64.b64encode(f"{USER}:{USER_PASSWORD}".encode()).decode()
HEADER_SET = {
    "Tenant-Id": TENANT,
    "Application-Key": KEY,
    "User-Id": base64.b64encode(USER.encode()).decode(),
    "User-Password": base64.b64encode(USER_PASSWORD.encode()).decode(),
}


class Unanswered(Exception):
    """There was no answer, or one that leaves open what happened."""


class Connection:
    """Requests to one gateway, one after the other."""

    def __init__(self, port: int):
        self._port = port
        self._streams = None

    async def ask(self, method: str, path: str, headers: dict, body: str) -> tuple[int, str]:
        try:
            return await asyncio.wait_for(self._exchange(method, path, headers, body.encode()), PATIENCE)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError, IndexError) as error:
            self.close()
            raise Unanswered(type(error).__name__) from error

    async def _exchange(self, method: str, path: str, headers: dict, body: bytes) -> tuple[int, str]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        answer = await reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection") == "close":
            self.close()
        return int(first.split(" ", 2)[1]), answer.decode()

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
        self._streams = None


class Client:
    """One client with a connection to each gateway."""

    def __init__(self, name: str, ports: list[int], chance: random.Random, record):
        self.name = name
        self.chance = chance
        self.record = record
        self._count = itertools.count(1)
        self._connections = [Connection(port) for port in ports]
        self._token: str | None = None

    def unique(self) -> str:
        return f"{self.name}-{next(self._count)}"

    def any_gateway(self) -> int:
        return self.chance.randrange(len(self._connections))

    async def do(self, call: str, gateway: int, request: tuple, understand, may_end: tuple | None = None):
        """One operation, written down. `understand(status, body)` gives its facts, whether it acknowledged a change, and what
        the caller wants to know; None where the answer leaves open what happened."""
        sent = time.monotonic()
        entry = {"call": call, "gateway": gateway, "sent": sent, "answered": None, "facts": [], "wrote": False, "why": ""}
        result = None
        try:
            status, body = await self._connections[gateway].ask(*request)
            answered = time.monotonic()
            understood = None if status in (429, 503) else understand(status, body)
            if understood is not None:
                entry["answered"] = answered
                entry["facts"], entry["wrote"], result = understood
            else:
                entry["why"] = f"{status} {body[-200:]}"
            if understood is None and status < 500 and status != 429:
                self.record({"strange": f"{call} at gateway {gateway}: {status} {body[:300]}"})
        except Unanswered as error:
            entry["why"] = str(error)
            # Nobody hammers at a gateway that is not there.
            await asyncio.sleep(BACK_OFF)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            self.record({"strange": f"{call} at gateway {gateway}: {type(error).__name__} {error}"})
        if may_end and (entry["answered"] is None or entry["wrote"]):
            # A request by number that was given up may end whoever has the number when it arrives.
            key, holder, only_that_holder = may_end
            nobody_else = only_that_holder or entry["answered"] is not None
            entry["facts"] = [*entry["facts"], ("may-end", key, holder if nobody_else else None)]
        self.record(entry)
        return result

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    # The native API.

    @staticmethod
    def json(method: str, path: str, body=None, **headers) -> tuple:
        return method, GATEWAY + path, {"Authorization": BASIC, "Content-Type": "application/json", **headers}, json.dumps(body) if body else ""

    async def native_lend(self, gateway: int, holder: str, group: str):
        """The lent number and the id of its allocation; a request without an answer is sent again under the same key."""
        body = {"group": group, "interaction": holder, "lasting": LASTING, "caller": holder}
        for attempt in range(5):
            request = self.json("POST", "/allocations", body, **{"Idempotency-Key": holder})

            def understand(status, answer, first=attempt == 0):
                if status == 201 or (status == 200 and not first):
                    lent = json.loads(answer)
                    key = f"number {lent['number']}"
                    # Of a repetition it is not known when the first one was carried out, so it proves no new beginning.
                    fact = ("began", key, holder, LASTING) if first else ("held", key, holder)
                    return [fact], True, (lent["number"], lent["id"])
                return ([], False, "refused") if status == 409 else None

            lent = await self.do("native lend", gateway, request, understand)
            if lent:
                return None if lent == "refused" else lent
            gateway = self.any_gateway()
            await asyncio.sleep(0.2)
        return None

    async def native_look(self, gateway: int, number: str):
        """The id of the allocation of a number."""

        def understand(status, answer):
            if status != 200:
                return None
            items = json.loads(answer)["items"]
            facts = [("held", f"number {number}", item["interaction"]) for item in items] or [("free", f"number {number}")]
            return facts, False, items[0]["id"] if items else None

        return await self.do("native look", gateway, self.json("GET", f"/allocations?number={number}"), understand)

    async def native_find(self, gateway: int, holder: str):
        """The number and the allocation that a holder has, or None."""

        def understand(status, answer):
            if status != 200:
                return None
            items = json.loads(answer)["items"]
            facts = [("held", f"number {item['number']}", holder) for item in items]
            return facts, False, (items[0]["number"], items[0]["id"]) if items else None

        return await self.do("native find", gateway, self.json("GET", f"/allocations?interaction={holder}"), understand)

    async def native_free(self, gateway: int, number: str, allocation: str, holder: str):
        key = f"number {number}"

        def understand(status, _answer):
            if status == 204:
                return [("ended", key, holder)], True, True
            # Another holder may have the number by now; that this one has not is told by `gone` alone.
            return ([("gone", key, holder)], False, True) if status == 404 else None

        request = self.json("DELETE", f"/allocations/{allocation}")
        return await self.do("native free", gateway, request, understand, (key, holder, True))

    # Interact over SOAP.

    @staticmethod
    def soap(service: str, operation: str, children: str) -> tuple:
        envelope = (
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://com/jacada/interact/{service}/soap">'
            f"<s:Body><a:{operation}Request>{children}</a:{operation}Request></s:Body></s:Envelope>"
        )
        headers = {**HEADER_SET, "Content-Type": "text/xml; charset=utf-8"}
        return "POST", f"/interact/version/2/{service}/soap", headers, envelope

    async def soap_allocate(self, gateway: int, holder: str, group: str):
        def understand(status, answer):
            number = re.search("result>([0-9]+)<", answer)
            if status == 200 and number:
                return [("began", f"number {number[1]}", holder, LASTING)], True, number[1]
            return ([], False, None) if status == 200 else None

        children = f"<a:uniqueId>{holder}</a:uniqueId><a:group>{group}</a:group>"
        return await self.do("SOAP Allocate", gateway, self.soap(AGENT, "AllocateDnis", children), understand)

    async def soap_get(self, gateway: int, number: str):
        def understand(status, answer):
            if status != 200 or "GetDnisAllocationResponse" not in answer:
                return None
            holder = re.search("result>([^<]+)<", answer)
            return [("held", f"number {number}", holder[1]) if holder else ("free", f"number {number}")], False, None

        children = f"<a:phone>{number}</a:phone>"
        return await self.do("SOAP Get", gateway, self.soap(AGENT, "GetDnisAllocation", children), understand)

    async def soap_free(self, gateway: int, number: str, holder: str):
        key = f"number {number}"

        def understand(status, answer):
            if status != 200:
                return None
            if "result>Success<" in answer:
                return [("ended", key, holder)], True, True
            return ([("free", key)], False, True) if "was not found" in answer else None

        request = self.soap(DNIS, "FreeDnisAllocation", f"<a:phone>{number}</a:phone>")
        return await self.do("SOAP Free", gateway, request, understand, (key, holder, False))

    # GMS.

    @staticmethod
    def form(service: str, body: str, **headers) -> tuple:
        head = {**HEADER_SET, "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **headers}
        return "POST", f"/genesys/1/service/{service}", head, body

    async def begin_interaction(self, gateway: int, holder: str):
        def understand(status, _answer):
            return ([], True, True) if status in (200, 201, 409) else None

        return await self.do("native interaction", gateway, self.json("POST", "/interactions", {"id": holder, "lasting": 600}), understand)

    async def gms_access(self, gateway: int, holder: str, group: str):
        """The key of what was lent: a number, and its code where the group is shared."""
        body = f"_id={holder}&_resource_group={group}&_phone_number={holder}&_booking_expiration_timeout={LASTING}"
        body += "&_provide_code=true&_access_code_length=6" if group == CODES else ""

        def understand(status, answer):
            if status != 200:
                return None
            lent = json.loads(answer)
            number, code = lent["_access_number"], lent.get("_access_code")
            key = f"code {number} {code}" if code else f"number {number}"
            return [("began", key, holder, LASTING)], True, (number, code)

        return await self.do("GMS access", gateway, self.form("request-access", body), understand)

    async def gms_match(self, gateway: int, number: str, code: str | None, holder: str):
        key = f"code {number} {code}" if code else f"number {number}"
        body = f"_access_number={number}" + (f"&_access_code={code}" if code else f"&_phone_number={holder}")

        def understand(status, answer):
            if status == 200:
                return [("ended", key, json.loads(answer)["_id"])], True, True
            return ([("gone", key, holder)], False, True) if status == 404 else None

        return await self.do("GMS match", gateway, self.form("match-interaction", body), understand, (key, holder, False))

    # AICC.

    async def aicc(self, call: str, gateway: int, body: dict, understand, may_end=None, **headers):
        if self._token is None:
            # Any gateway's token is good at every gateway.
            try:
                secret = json.dumps({"app_key": APP_KEY, "app_secret": APP_SECRET})
                wanted = {"Content-Type": "application/json", "X-Token-Expire": "3600"}
                answer = await self._connections[gateway].ask("POST", "/apigovernance/api/oauth/tokenByAkSk", wanted, secret)
                self._token = json.loads(answer[1])["AccessToken"]
            except (Unanswered, KeyError, ValueError):
                return None
            gateway = self.any_gateway()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **headers}
        request = ("POST", f"{AICC}/{call}", headers, json.dumps(body))
        return await self.do(f"AICC {call}", gateway, request, understand, may_end)

    async def route(self, extension: str) -> None:
        """A route is made at one gateway, seen and deleted at others."""
        key = f"route {extension}"
        for attempt in range(4):
            body = {"accessCode": HOTLINE, "extCode": extension, "devicetype": 1, "deviceId": SKILL, "mediaTypeId": 5}

            def understand(_status, answer, first=attempt == 0):
                code = json.loads(answer)["returnCode"]
                if code == "0":
                    return [("began", key, key, float("inf")) if first else ("held", key, key)], True, True
                return ([("held", key, key)], False, True) if code == "120002" and not first else None

            # The key keeps a request that was given up from making the route anew after its end.
            key_of_retries = {"Idempotency-Key": extension}
            if await self.aicc("createCalledRoute", self.any_gateway(), body, understand, **key_of_retries):
                break
            await asyncio.sleep(0.2)
        dnid = await self.route_look(self.any_gateway(), extension)
        if dnid is None or self.chance.random() < 0.3:
            return

        def deleted(_status, answer):
            code = json.loads(answer)["returnCode"]
            if code == "0":
                return [("ended", key, key)], True, True
            return ([("gone", key, key)], False, True) if code == "120003" else None

        await self.aicc("deleteCalledRoute", self.any_gateway(), {"dnids": str(dnid)}, deleted, (key, key, True))
        await self.route_look(self.any_gateway(), extension)

    async def route_look(self, gateway: int, extension: str):
        """A route's number for delete."""
        key = f"route {extension}"

        def understand(status, answer):
            if status != 200:
                return None
            found = json.loads(answer)["data"]["calledRouteList"]
            return [("held", key, key) if found else ("free", key)], False, found[0]["dnid"] if found else None

        return await self.aicc("queryCalledRoute", gateway, {"accessCode": HOTLINE, "extCode": extension}, understand)

    # What clients do.

    async def lend(self, holder: str):
        """A number, the code that it is told by, the allocation where it is known; None if nothing came of it."""
        gateway, group = self.any_gateway(), self.chance.choice(list(NUMBERS))
        way = self.chance.choice(("native", "soap", "gms", "code"))
        if way == "native":
            lent = await self.native_lend(gateway, holder, group)
            return lent and (lent[0], None, lent[1])
        if way == "soap":
            number = await self.soap_allocate(gateway, holder, group)
            if number is None:
                lent = await self.native_find(self.any_gateway(), holder)
                return lent and (lent[0], None, lent[1])
            return number, None, None
        if not await self.begin_interaction(gateway, holder):
            return None
        lent = await self.gms_access(self.any_gateway(), holder, CODES if way == "code" else group)
        return lent and (*lent, None)

    async def end(self, number: str, code: str | None, allocation: str | None, holder: str) -> None:
        way = self.chance.choice(("native", "soap", "gms")) if code is None else "gms"
        gateway = self.any_gateway()
        if way == "gms":
            await self.gms_match(gateway, number, code, holder)
        elif way == "soap":
            await self.soap_free(gateway, number, holder)
        else:
            allocation = allocation or await self.native_look(self.any_gateway(), number)
            for _ in range(3 if allocation else 0):
                if await self.native_free(gateway, number, allocation, holder):
                    break
                gateway = self.any_gateway()
                await asyncio.sleep(0.2)

    async def look(self, number: str) -> None:
        await self.chance.choice((self.soap_get, self.native_look))(self.any_gateway(), number)

    async def turn(self) -> None:
        if self.chance.random() < 0.15:
            await self.route(f"{self.chance.randrange(10**11):011}")
            return
        holder, began = self.unique(), time.monotonic()
        lent = await self.lend(holder)
        if lent is None:
            await self.look(self.chance.choice(list(numbers())))
            return
        number, code, allocation = lent
        if code is None:
            await self.look(number)
        await self.look(self.chance.choice(list(numbers())))
        if time.monotonic() - began < LASTING - MARGIN:
            await self.end(number, code, allocation, holder)
        if code is None:
            await self.look(number)

    async def run(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            await self.turn()
            await asyncio.sleep(PAUSE)

    async def pulse(self, gateway: int, stopped: asyncio.Event) -> None:
        """Lends and frees at one gateway alone."""
        while not stopped.is_set():
            holder = self.unique()
            body = {"group": "lines", "interaction": holder, "lasting": LASTING}

            def understand(status, answer):
                if status != 201:
                    return None
                lent = json.loads(answer)
                return [("began", f"number {lent['number']}", holder, LASTING)], True, (lent["number"], lent["id"])

            lent = await self.do("native lend", gateway, self.json("POST", "/allocations", body), understand)
            if lent:
                await self.native_free(gateway, *lent, holder)
            await asyncio.sleep(PAUSE)


async def audit(client: Client, gateways: int, routes: list[str]) -> None:
    """Everything, at every gateway; the record of the past at one."""
    for gateway in range(gateways):
        for number in numbers():
            await client.soap_get(gateway, number)
        for extension in routes:
            await client.route_look(gateway, extension)
    for number in numbers():
        await history_of(client, client.any_gateway(), number)


async def history_of(client: Client, gateway: int, number: str) -> None:
    cursor = ""
    while cursor is not None:

        def understand(status, answer):
            if status != 200:
                return None
            page = json.loads(answer)
            holders = [item["allocation"]["interaction"] for item in page["items"]]
            return [("kept", f"number {number}", holder) for holder in holders], False, [page["next_cursor"]]

        path = f"/numbers/{number}/history?limit=1000" + (f"&cursor={cursor}" if cursor else "")
        for _ in range(AUDIT_ATTEMPTS):
            if page := await client.do("native history", gateway, client.json("GET", path), understand):
                break
        else:
            client.record({"strange": f"the history of {number} cannot be read at gateway {gateway}"})
            return
        [cursor] = page


async def main(arguments: list[str]) -> int:
    path, seed, clients, ports = arguments[0], int(arguments[1]), int(arguments[2]), [int(port) for port in arguments[3:]]
    stopped, routes = asyncio.Event(), []
    with open(path, "w") as file:

        def record(entry: dict) -> None:
            if entry.get("call") == "AICC createCalledRoute":
                routes.extend(fact[1].split(" ")[1] for fact in entry["facts"] if fact[0] == "began")
            file.write(json.dumps(entry) + "\n")

        def client(name: str) -> Client:
            return Client(name, ports, random.Random(f"{seed} {name}"), record)

        work = [asyncio.ensure_future(client(f"c{seed}-{n}").run(stopped)) for n in range(clients)]
        work += [asyncio.ensure_future(client(f"p{seed}-{n}").pulse(n, stopped)) for n in range(len(ports))]
        loop = asyncio.get_running_loop()
        while command := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            if command == "stop":
                stopped.set()
                await asyncio.gather(*work)
            elif command == "audit":
                await audit(client("audit"), len(ports), routes)
            file.flush()
            print(command, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
