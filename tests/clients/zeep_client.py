#!/usr/bin/env python3
"""Drives a running demo gateway with zeep, generated from the WSDLs that it serves.

zeep reads answers strictly: an element too many, out of order or in the wrong namespace raises. Usage: with BASE set to
the gateway's address, `zeep_client.py`. FAULT_CODE is the code that wrong credentials are expected to have, the
vendor's unless set. Prints one line per check, exits 1 when one failed.
"""

import os
import sys

import zeep
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

    def __init__(self, wsdl: str):
        self.zeep = zeep.Client(wsdl)

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


def main() -> int:
    base, checks = os.environ["BASE"], Checks()
    for name, phone in (("agent", "2119900001"), ("dnis", "2119900002")):
        with checks.part(f"{name}: zeep talks to the gateway"):
            client = Client(f"{base}/interact/version/2/{name}/soap/{name}.wsdl")
            checks.equal(client.operations(), OPERATIONS, f"{name}: the WSDL describes the four operations")
            lending(client, checks, name, phone)
            refusals(client, checks, name)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
