#!/usr/bin/env python3
"""Validates every SOAP answer of a running demo gateway against the schema of the WSDL of its namespace.

Sends each operation with each outcome, in both service namespaces and both SOAP versions, to both addresses, and hands
the answer's payload to two validators that know nothing of the gateway (libxml2 and xmlschema). The requests are
validated too: what is sent here is what the WSDL asks for. Faults have no schema of ours, so their shape is held
against the SOAP standards' rules. Usage: with BASE set to the gateway's address, `validate.py`. One line per check.
"""

import os
import sys
from dataclasses import dataclass
from xml.sax.saxutils import escape

import requests
import xmlschema
from checks import Checks
from lxml import etree

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
MEDIA_TYPE = {SOAP11: "text/xml", SOAP12: "application/soap+xml"}
VERSION = {SOAP11: "SOAP 1.1", SOAP12: "SOAP 1.2"}
NAMESPACE = {
    "agent": "http://com/jacada/interact/agent/soap",
    "dnis": "http://com/jacada/interact/dnis/soap",
    "gateway": "urn:dnis-gateway:v1",
}
PATH = {
    "agent": "/interact/version/2/agent/soap",
    "dnis": "/interact/version/2/dnis/soap",
    "gateway": "/gateway/v1/soap",
}
XSD = "{http://www.w3.org/2001/XMLSchema}"

CREDENTIALS = {
    "Tenant-Id": "12345678",
    "Application-Key": "53475e5f1463f9ab2052ead",
    "User-Id": "YWRtaW4=",
    "User-Password": "cGFzc3dvcmQ=",
}
NO_NUMBER = "Currently there are no available phone numbers"


class Service:
    """One WSDL as served, its schema compiled by both validators."""

    def __init__(self, base: str, name: str):
        self.name = name
        self.namespace = NAMESPACE[name]
        self.url = f"{base}{PATH[name]}"
        answer = requests.get(f"{self.url}/{name}.wsdl", timeout=30)
        answer.raise_for_status()
        schemas = list(etree.fromstring(answer.content).iter(f"{XSD}schema"))
        if len(schemas) != 1 or schemas[0].get("targetNamespace") != self.namespace:
            raise ValueError(f"{name}.wsdl must have one schema, for {self.namespace}; it has {len(schemas)}")
        text = etree.tostring(schemas[0])
        self._libxml2 = etree.XMLSchema(etree.fromstring(text))
        self._xmlschema = xmlschema.XMLSchema(text.decode())

    def objection(self, payload: etree._Element) -> str:
        """Why a payload is not valid; empty when both validators accept it."""
        alone = etree.fromstring(etree.tostring(payload, with_tail=False))
        if not self._libxml2.validate(alone):
            return str(self._libxml2.error_log.last_error)
        error = next(self._xmlschema.iter_errors(alone), None)
        return "" if error is None else str(error.reason)


@dataclass
class Call:
    """A request and what its answer's `result` must be; `None` accepts any text of digits (an id)."""

    outcome: str
    operation: str
    values: dict[str, str]
    result: str | None


def calls(phone: str, group: str) -> list[Call]:
    """Every operation with every outcome, in an order that brings each outcome about."""

    def not_found(number: str) -> str:
        return f"Phone number {number} was not found"

    new = {"phoneNumber": phone, "dnId": phone[-6:], "groupName": group, "enabled": "true"}
    lent = {"uniqueId": "Unique <Id> & 3", "group": group}
    return [
        Call("created", "CreatePhone", new, None),
        Call(
            "exists", "CreatePhone", new, f"Cannot create Phone '{phone}'. A phone with that name already exists"
        ),
        Call("not lent", "GetDnisAllocation", {"phone": phone}, ""),
        Call("not lent", "FreeDnisAllocation", {"phone": phone}, not_found(phone)),
        Call("lent", "AllocateDnis", lent, phone),
        Call("none left", "AllocateDnis", {"uniqueId": "another", "group": group}, NO_NUMBER),
        Call("unknown group", "AllocateDnis", {"uniqueId": "another", "group": "no such group"}, NO_NUMBER),
        Call("lent", "GetDnisAllocation", {"phone": phone}, "Unique <Id> & 3"),
        Call("lent, by DNID", "GetDnisAllocation", {"phone": phone[-6:]}, "Unique <Id> & 3"),
        Call("freed", "FreeDnisAllocation", {"phone": phone}, "Success"),
        Call("unknown number", "GetDnisAllocation", {"phone": "998877"}, not_found("998877")),
        Call("unknown number", "FreeDnisAllocation", {"phone": "998877"}, not_found("998877")),
        Call("any group", "AllocateDnis", {"uniqueId": f"any group {phone}"}, None),
    ]


def payload_text(namespace: str, call: Call) -> str:
    children = "".join(f"<s:{name}>{escape(value)}</s:{name}>" for name, value in call.values.items())
    return f'<s:{call.operation}Request xmlns:s="{namespace}">{children}</s:{call.operation}Request>'


def envelope(version: str, body: str, header: str = "") -> bytes:
    text = f'<e:Envelope xmlns:e="{version}"><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>'
    return text.encode()


def post(url: str, version: str, body: bytes, headers: dict) -> requests.Response:
    headers = {**headers, "Content-Type": f"{MEDIA_TYPE[version]}; charset=utf-8"}
    if version == SOAP11:
        headers["SOAPAction"] = '""'
    return requests.post(url, data=body, headers=headers, timeout=30)


def body_of(answer: requests.Response, version: str) -> list[etree._Element]:
    """The children of the Body of an answer, which must be an envelope of this version under its media type."""
    media_type = answer.headers.get("Content-Type", "").split(";")[0].strip()
    if media_type != MEDIA_TYPE[version]:
        raise ValueError(f"answered {answer.status_code} {media_type!r}: {answer.text[:200]!r}")
    root = etree.fromstring(answer.content)
    if root.tag != f"{{{version}}}Envelope":
        raise ValueError(f"the root is {root.tag}")
    return list(root.find(f"{{{version}}}Body"))


def answers(service: Service, url: str, version: str, phone: str, checks: Checks) -> None:
    """Every operation and outcome in one namespace and version."""
    for call in calls(phone, f"validated {phone}"):
        what = f"{service.name}, {VERSION[version]}: {call.operation} ({call.outcome})"
        with checks.part(what):
            text = payload_text(service.namespace, call)
            why_not = service.objection(etree.fromstring(text))
            checks.check(not why_not, f"{what} request is valid", why_not)
            answer = post(url, version, envelope(version, text), CREDENTIALS)
            [payload] = body_of(answer, version)
            why_not = service.objection(payload)
            if payload.tag != f"{{{service.namespace}}}{call.operation}Response" or answer.status_code != 200:
                why_not = f"{answer.status_code} {payload.tag}"
            checks.check(not why_not, f"{what} answer is valid", why_not)
            result = payload.findtext(f"{{{service.namespace}}}result")
            if call.result is None:
                checks.check(bool(result) and result.isdecimal(), f"{what} answers digits", repr(result))
            else:
                checks.equal(result, call.result, f"{what} answers the documented text")


def fault_objection(fault: etree._Element, version: str, services: dict[str, Service]) -> str:
    """Why a fault is not what its SOAP version allows; empty when it is."""
    names = [child.tag for child in fault]
    if version == SOAP11:
        allowed, needed = ["faultcode", "faultstring", "faultactor", "detail"], ["faultcode", "faultstring"]
    else:
        allowed = [f"{{{SOAP12}}}{name}" for name in ("Code", "Reason", "Node", "Role", "Detail")]
        needed = allowed[:2]
    if fault.tag != f"{{{version}}}Fault":
        return f"the Body has {fault.tag}"
    if names != [name for name in allowed if name in names] or not set(needed) <= set(names):
        return f"the Fault's children are {names}"
    for detail in fault.findall(allowed[-1]):
        for entry in detail:
            service = services.get(etree.QName(entry).namespace or "")
            if service and (why_not := service.objection(entry)):
                return f"in the detail: {why_not}"
    return ""


def fault_cases(namespace: str, version: str) -> list[tuple[str, bytes, dict]]:
    """What must be answered by a fault: name, body, headers."""
    get = payload_text(namespace, Call("", "GetDnisAllocation", {"phone": "111"}, ""))
    nothing = f'<s:GetDnisAllocationRequest xmlns:s="{namespace}"/>'
    unknown = f'<s:NoSuchRequest xmlns:s="{namespace}"/>'
    must = f'<h:extra xmlns:h="urn:unknown" xmlns:e="{version}" e:mustUnderstand="1"/>'
    cases = [
        ("wrong credentials", envelope(version, get), {**CREDENTIALS, "Application-Key": "wrong"}),
        ("missing phone", envelope(version, nothing), CREDENTIALS),
        ("unknown operation", envelope(version, unknown), CREDENTIALS),
        ("empty Body", envelope(version, ""), CREDENTIALS),
        ("header that must be understood", envelope(version, get, must), CREDENTIALS),
    ]
    if version == SOAP11:
        # No envelope was read in these, so the answer is in the version that every client understands.
        cases += [
            ("malformed XML", envelope(version, get)[:-4], CREDENTIALS),
            ("DTD", b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + envelope(version, get), CREDENTIALS),
            ("root that is no envelope", b"<foo/>", CREDENTIALS),
        ]
    return cases


def faults(service: Service, version: str, services: dict[str, Service], checks: Checks) -> None:
    """Every kind of fault, asked for in one namespace and version."""
    for outcome, body, headers in fault_cases(service.namespace, version):
        what = f"{service.name}, {VERSION[version]}: {outcome} is answered by a well-formed fault under 500"
        with checks.part(what):
            answer = post(service.url, version, body, headers)
            children = body_of(answer, version)
            why_not = fault_objection(children[0], version, services)
            if len(children) != 1 or answer.status_code != 500:
                why_not = f"{answer.status_code}, {len(children)} children in the Body"
            checks.check(not why_not, what, why_not)


def own_calls(phone: str, line: str) -> list[tuple[str, str, str, bool]]:
    """The gateway's own operations: outcome, operation, the fields as XML, whether it is answered by a fault."""

    def number(name: str) -> str:
        return f"<s:{name}>{phone}</s:{name}>"

    entry = "<s:entry><s:key>a &amp; b</s:key><s:value> &lt;1&gt; </s:value></s:entry>"
    lend = "<s:group>own {}</s:group><s:seconds>60</s:seconds><s:codeLength>4</s:codeLength><s:caller>5</s:caller>"
    lend = lend.format(phone) + "<s:renew>false</s:renew>" + entry * 2
    route = "<s:accessCode>5550100</s:accessCode><s:extension>{}</s:extension>".format(line)
    route += "<s:mediaType>5</s:mediaType><s:kind>{}</s:kind><s:id>{}</s:id>"
    return [
        ("free", "ResolveCall", number("dialled"), True),
        ("lent", "RequestAccess", lend, False),
        ("none left", "RequestAccess", lend, True),
        ("seen", "ResolveCall", number("dialled") + "<s:caller>5</s:caller>", False),
        ("wrong code", "ResolveCall", number("dialled") + "<s:code>x</s:code>", True),
        ("made", "CreateCalledRoute", route.format("skill", 7), False),
        ("exists", "CreateCalledRoute", route.format("ivr", 12), True),
        ("routed", "ResolveCall", f"<s:dialled>5550100{line}</s:dialled>", False),
        ("matched", "MatchInteraction", number("number") + "<s:all>true</s:all>", False),
        ("not again", "MatchInteraction", number("number"), True),
        ("lent again", "RequestAccess", lend, False),
        ("taken", "ResolveCall", number("dialled") + "<s:take>1</s:take>", False),
        ("unknown group", "RequestAccess", "<s:group>no such group</s:group>", True),
    ]


def own(base: str, service: Service, version: str, phone: str, checks: Checks) -> None:
    """Every operation and outcome of the gateway's own service: answers and details of faults are as its WSDL says."""
    new = {"phoneNumber": phone, "dnId": phone[-6:], "groupName": f"own {phone}", "enabled": "true"}
    created = payload_text(NAMESPACE["dnis"], Call("", "CreatePhone", new, None))
    post(f"{base}{PATH['dnis']}", version, envelope(version, created), CREDENTIALS)
    for outcome, operation, fields, refused in own_calls(phone, phone[-4:]):
        what = f"{service.name}, {VERSION[version]}: {operation} ({outcome})"
        with checks.part(what):
            text = f'<s:{operation}Request xmlns:s="{service.namespace}">{fields}</s:{operation}Request>'
            why_not = service.objection(etree.fromstring(text))
            checks.check(not why_not, f"{what} request is valid", why_not)
            answer = post(service.url, version, envelope(version, text), CREDENTIALS)
            [payload] = body_of(answer, version)
            if refused:
                why_not = fault_objection(payload, version, {service.namespace: service})
                detailed = f"{{{service.namespace}}}problem" in [element.tag for element in payload.iter()]
                if answer.status_code != 500 or not detailed:
                    why_not = why_not or f"{answer.status_code}, detail {detailed}"
                checks.check(not why_not, f"{what} is a fault with the problem that the WSDL describes", why_not)
            else:
                why_not = service.objection(payload)
                if payload.tag != f"{{{service.namespace}}}{operation}Response" or answer.status_code != 200:
                    why_not = f"{answer.status_code} {payload.tag}"
                checks.check(not why_not, f"{what} answer is valid", why_not)


WSA = ("http://www.w3.org/2005/08/addressing", "http://schemas.xmlsoap.org/ws/2004/08/addressing")
MESSAGE_ID = "urn:uuid:6f1b5c1e-0d52-4a3c-8f5e-2f7f4f0b7c11"


def addressed(service: Service, operation: str, fields: str, checks: Checks) -> None:
    """An answer to a request with WS-Addressing headers has its own, and a Body as without them; a fault has them too."""
    asked = f'<s:{operation}Request xmlns:s="{service.namespace}">{fields}</s:{operation}Request>'
    for version in (SOAP11, SOAP12):
        for edition in WSA:
            what = f"{service.name}, {VERSION[version]}: {operation}, addressed as of {edition.split('/')[-3]}"
            blocks = f'<a:Action xmlns:a="{edition}" e:mustUnderstand="1">{service.namespace}/{operation}</a:Action>'
            blocks += f'<a:MessageID xmlns:a="{edition}">{MESSAGE_ID}</a:MessageID>'
            for outcome, credentials in (("answer", CREDENTIALS), ("fault", {"Tenant-Id": "nobody"})):
                with checks.part(f"{what}: {outcome}"):
                    answer = post(service.url, version, envelope(version, asked, blocks), credentials)
                    [payload] = body_of(answer, version)
                    if outcome == "answer":
                        why_not = service.objection(payload)
                    else:
                        why_not = fault_objection(payload, version, {service.namespace: service})
                    checks.check(not why_not, f"{what}: the Body of the {outcome} is valid", why_not)
                    header = etree.fromstring(answer.content).find(f"{{{version}}}Header")
                    told = {block.tag: block.text for block in header}
                    names = {f"{{{edition}}}Action", f"{{{edition}}}RelatesTo"}
                    checks.equal(set(told), names, f"{what}: the {outcome} has the headers of its request's edition")
                    checks.equal(told.get(f"{{{edition}}}RelatesTo"), MESSAGE_ID, f"{what}: {outcome} and request")


def main() -> int:
    base, checks = os.environ["BASE"], Checks()
    phone = 2118800000
    with checks.part("both WSDLs have a schema that both validators compile"):
        services = {NAMESPACE[name]: Service(base, name) for name in ("agent", "dnis")}
        checks.check(True, "both WSDLs have a schema that both validators compile")
        for service in services.values():
            for address in services.values():
                for version in (SOAP11, SOAP12):
                    phone += 1
                    answers(service, address.url, version, str(phone), checks)
            for version in (SOAP11, SOAP12):
                faults(service, version, services, checks)
            addressed(service, "GetDnisAllocation", "<s:phone>998877</s:phone>", checks)
    with checks.part("gateway.wsdl has a schema that both validators compile"):
        service = Service(base, "gateway")
        for version in (SOAP11, SOAP12):
            phone += 1
            own(base, service, version, str(phone), checks)
        addressed(service, "ResolveCall", f"<s:dialled>5550100{str(phone)[-4:]}</s:dialled>", checks)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
