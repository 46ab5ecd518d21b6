#!/usr/bin/env python3
"""Drives a running demo gateway with zeep, generated from the WSDLs that it serves.

zeep reads answers strictly: an element too many, out of order or in the wrong namespace raises. Usage: with BASE set to
the gateway's address, `zeep_client.py`. It takes away what it makes, and does everything twice. FAULT_CODE is the code that wrong credentials are expected to have, the
vendor's unless set. Prints one line per check, exits 1 when one failed.
"""

import os
import sys

import requests
import zeep
import zeep.plugins
import zeep.wsa
from checks import Checks

TENANT = "12345678"
DNIS_KEY = "53475e5f1463f9ab2052ead"
INTERACTION_KEY = "53736e07e4b05772e6475c2d"
USER = {"User-Id": "YWRtaW4=", "User-Password": "cGFzc3dvcmQ="}

CHANNEL = {"Tenant-Id": TENANT, "Application-Key": INTERACTION_KEY}
IVR = {"Tenant-Id": TENANT, "Application-Key": DNIS_KEY}
ADMINISTRATOR = {**IVR, **USER}

OPERATIONS = {"AllocateDnis", "CreatePhone", "FreeDnisAllocation", "GetDnisAllocation"}
FAULT_CODE = os.environ.get("FAULT_CODE", "0x7000000")
FAULT_TEXT = "Request is unauthorized, missing or wrong credentials"
NO_NUMBER = "Currently there are no available phone numbers"


def not_found(phone: str) -> str:
    return f"Phone number {phone} was not found"


class Client:
    """The four operations of one WSDL, each called with the header set its vendor's page asks for."""

    def __init__(self, wsdl: str, plugins: list | None = None):
        self.zeep = zeep.Client(wsdl, plugins=plugins or [])

    def operations(self) -> set[str]:
        return {
            name
            for service in self.zeep.wsdl.services.values()
            for port in service.ports.values()
            for name in port.binding.all()
        }

    def call(self, headers: dict, operation: str, **arguments):
        with self.zeep.settings(extra_http_headers=headers):
            return getattr(self.zeep.service, operation)(**arguments)

    def create(self, phone: str, group: str):
        return self.call(
            ADMINISTRATOR, "CreatePhone", phoneNumber=phone, dnId=phone[-5:], groupName=group, enabled=True
        )

    def allocate(self, unique_id: str, group: str):
        return self.call(CHANNEL, "AllocateDnis", uniqueId=unique_id, group=group)

    def get(self, phone: str):
        return self.call(IVR, "GetDnisAllocation", phone=phone) or ""

    def free(self, phone: str):
        return self.call(ADMINISTRATOR, "FreeDnisAllocation", phone=phone)


def lending(client: Client, checks: Checks, name: str, phone: str) -> None:
    """A number's life: created, refused twice, lent, seen, given back."""
    group, unique_id, dnid = f"zeep {name}", f"Unique Id {name} <1> & 2", phone[-5:]
    number_id = client.create(phone, group)
    checks.check(str(number_id).isdecimal(), f"{name}: CreatePhone answers a numeric id", repr(number_id))
    checks.equal(
        client.create(phone, group),
        f"Cannot create Phone '{phone}'. A phone with that name already exists",
        f"{name}: CreatePhone of a number that exists answers the documented text",
    )
    checks.equal(client.get(phone), "", f"{name}: GetDnisAllocation of a number that is not lent is empty")
    checks.equal(
        client.free(phone), not_found(phone), f"{name}: FreeDnisAllocation of a number that is not lent says so"
    )
    checks.equal(client.allocate(unique_id, group), phone, f"{name}: AllocateDnis lends the group's number")
    checks.equal(client.allocate(unique_id, group), phone, f"{name}: AllocateDnis for the same id keeps the number")
    checks.equal(
        client.allocate(f"{unique_id} again", group), NO_NUMBER, f"{name}: AllocateDnis from an exhausted group says so"
    )
    checks.equal(client.get(phone), unique_id, f"{name}: GetDnisAllocation answers the unique id by full number")
    checks.equal(client.get(dnid), unique_id, f"{name}: GetDnisAllocation answers the unique id by DNID")
    checks.equal(client.free(phone), "Success", f"{name}: FreeDnisAllocation answers Success")
    checks.equal(client.get(phone), "", f"{name}: after FreeDnisAllocation nothing is allocated")


def refusals(client: Client, checks: Checks, name: str) -> None:
    """Unknown numbers are results; wrong credentials are faults."""
    checks.equal(client.get("999000"), not_found("999000"), f"{name}: GetDnisAllocation of an unknown number says so")
    checks.equal(client.free("999000"), not_found("999000"), f"{name}: FreeDnisAllocation of an unknown number says so")
    wrong_key = {**IVR, "Application-Key": "wrong"}
    fault(client, checks, f"{name}: a wrong application key", wrong_key, "GetDnisAllocation", phone="111")
    fault(client, checks, f"{name}: no credentials", {}, "AllocateDnis", uniqueId="1", group="test")
    fault(client, checks, f"{name}: FreeDnisAllocation without a user", IVR, "FreeDnisAllocation", phone="222")


def fault(client: Client, checks: Checks, what: str, headers: dict, operation: str, **arguments) -> None:
    try:
        answer = client.call(headers, operation, **arguments)
    except zeep.exceptions.Fault as caught:
        checks.equal((caught.code, caught.message), (FAULT_CODE, FAULT_TEXT), f"{what} is the authentication fault")
    else:
        checks.check(False, f"{what} is the authentication fault", f"answered {answer!r}")


WSA = "{http://www.w3.org/2005/08/addressing}"


def addressing(wsdl: str, checks: Checks, name: str) -> None:
    """With WS-Addressing headers in the request, the answer says which message it relates to."""
    history = zeep.plugins.HistoryPlugin()
    client = Client(wsdl, [zeep.wsa.WsAddressingPlugin(), history])

    def headers(part: dict) -> dict[str, str]:
        return {block.tag.removeprefix(WSA): block.text for block in part["envelope"][0] if block.tag.startswith(WSA)}

    checks.equal(client.get("999000"), not_found("999000"), f"{name}: an addressed request is answered")
    asked, told = headers(history.last_sent), headers(history.last_received)
    checks.equal(told.get("RelatesTo"), asked["MessageID"], f"{name}: the answer relates to its request")
    action = asked["Action"].rsplit("/", 1)[0] + f"/{name.title()}Port/GetDnisAllocationResponse"
    checks.equal(told.get("Action"), action, f"{name}: the answer has its own action")


OWN = "gateway/v1/soap/gateway.wsdl"
OWN_OPERATIONS = {"CreateCalledRoute", "MatchInteraction", "RequestAccess", "ResolveCall"}


def own_service(client: Client, checks: Checks, phone: str, made: list[str]) -> None:
    """The gateway's own service: a number lent with user data, resolved, matched; a route; faults with a reason.

    The path of the route goes to `made`.
    """

    def own(operation: str, **arguments):
        return client.call(ADMINISTRATOR, operation, **arguments)

    entries = [{"key": "first name", "value": " Ann <1> & 2 "}, {"key": "language", "value": ""}]
    lent = own("RequestAccess", group="zeep agent", seconds=60, codeLength=4, caller="5551", entry=entries)
    checks.equal((lent.number, len(lent.code)), (phone, 4), "own: RequestAccess lends a number with a code")
    seen = own("ResolveCall", dialled=phone, caller="5551", code=lent.code)
    [candidate] = seen.candidate
    checks.equal(
        (candidate.interaction, candidate.reason, candidate.confidence, seen.taken, seen.destination),
        (lent.interaction, "number-code-and-caller", "high", False, None),
        "own: ResolveCall tells whose call it is",
    )
    found = [{"key": entry.key, "value": entry.value or ""} for entry in candidate.entry]
    checks.equal(found, entries, "own: and what they said, byte for byte")
    route = own("CreateCalledRoute", accessCode="5550100", extension="31", kind="skill", id=7)
    made.append(f"gateway/v1/routes/{route.route}")
    checks.equal((route.accessCode, route.mediaType, route.id), ("5550100", 5, 7), "own: CreateCalledRoute")
    routed = own("ResolveCall", dialled="555010031")
    checks.equal(
        (routed.candidate, routed.destination.route), ([], route.route), "own: ResolveCall tells where a call goes"
    )
    [matched] = own("MatchInteraction", number=phone, code=lent.code)
    checks.equal(matched.interaction, lent.interaction, "own: MatchInteraction recognises the call")
    try:
        answer = own("MatchInteraction", number=phone, code=lent.code)
        checks.check(False, "own: a second match is a fault", f"answered {answer!r}")
    except zeep.exceptions.Fault as caught:
        [problem] = list(caught.detail)
        reason = problem.findtext("{urn:dnis-gateway:v1}reason")
        checks.equal(
            (caught.code, problem.tag, reason),
            ("SOAP-ENV:Client", "{urn:dnis-gateway:v1}problem", "no_match"),
            "own: a second match is a fault that names its reason",
        )


def drive(base: str, checks: Checks) -> None:
    """All services; what was made, a path each, is taken away at the end."""
    phones = {"agent": "2119900001", "dnis": "2119900002"}
    made = [f"interact/version/2/dnis/{phone}" for phone in phones.values()]
    try:
        for name, phone in phones.items():
            with checks.part(f"{name}: zeep talks to the gateway"):
                client = Client(f"{base}/interact/version/2/{name}/soap/{name}.wsdl")
                checks.equal(client.operations(), OPERATIONS, f"{name}: the WSDL describes the four operations")
                lending(client, checks, name, phone)
                refusals(client, checks, name)
                addressing(f"{base}/interact/version/2/{name}/soap/{name}.wsdl", checks, name)
        with checks.part("own: zeep talks to the gateway"):
            client = Client(f"{base}/{OWN}")
            checks.equal(client.operations(), OWN_OPERATIONS, "own: the WSDL describes its operations")
            own_service(client, checks, phones["agent"], made)
    finally:
        for path in made:
            answer = requests.delete(f"{base}/{path}", headers=ADMINISTRATOR, timeout=30)
            checks.check(answer.ok, f"{path} is taken away", f"{answer.status_code} {answer.text}")


def main() -> int:
    base, checks = os.environ["BASE"], Checks()
    for _ in range(2):
        drive(base, checks)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
