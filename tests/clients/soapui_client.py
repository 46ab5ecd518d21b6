#!/usr/bin/env python3
"""Checks the SoapUI project of the samples and runs it against a running demo gateway.

SoapUI itself is not to be had everywhere, so its part is played here: properties are expanded, the saved requests and
then every step of the test suite are sent as SoapUI would send them, and the assertions are judged as it judges them.
The suite runs five times, as fast as it can, since a tester clicks as often as there is something to look at. Usage: with BASE set to the gateway's address, `soapui_client.py`.
Prints one line per check, exits 1 when one failed.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import elementpath
import requests
from checks import Checks
from lxml import etree
from soapui_project import EXPANSION, Assertion, Case, Interface, Operation, Project, Request, RestMethod
from soapui_write import TARGET, whole_project

ROOT = Path(__file__).resolve().parents[2]
WSDLS = {
    "AgentPortBinding": ROOT / "wsdl" / "agent.wsdl",
    "DnisPortBinding": ROOT / "wsdl" / "dnis.wsdl",
    "GatewayPortBinding": ROOT / "wsdl" / "gateway.wsdl",
}
SOAP11 = "{http://schemas.xmlsoap.org/soap/envelope/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"
DECLARED = re.compile(r"\s*declare\s+namespace\s+(\w+)\s*=\s*'([^']*)'\s*;")
SPOILT = {
    "a step with an unknown operation": ("<con:operation>CreatePhone<", "<con:operation>CreateFone<"),
    "a step with an unknown interface": ("<con:interface>AgentPortBinding<", "<con:interface>AgentBinding<"),
    "a REST step with an unknown path": ('resourcePath="/interact/version/2/dnis"', 'resourcePath="/dnis"'),
    "a REST step with an unknown method": ('methodName="Allocate"', 'methodName="allocate"'),
    "an assertion of an unknown type": ('type="SOAP Response"', 'type="SOAP Answer"'),
    "an assertion without a path": ("<path>//faultstring</path>", "<path/>"),
    "a namespaced configuration": ("<codes>500</codes>", "<con:codes>500</con:codes>"),
    "an undefined property": ("${#Project#tenant}", "${#Project#tenantId}"),
    "an answer of a step that comes later": ("${get a token#ResponseAsXml", "${find it later#ResponseAsXml"),
    "a bare property": ("${#TestCase#number}", "${number}"),
    "a value for an undeclared parameter": ('<con:entry key="phone"', '<con:entry key="number"'),
    "an action that is not the WSDL's": ('soap/AllocateDnis" type', 'soap/Allocate" type'),
    "another WSDL": ('name="uniqueId" type="xs:string"', 'name="uniqueId" type="xs:token"'),
}
"""Ways to spoil the project, each a replacement in its text, that the reader must object to."""


@dataclass
class Answer:
    """An answer, and its document when it is one."""

    status: int
    text: str
    document: etree._Element | None

    @classmethod
    def of(cls, answer: requests.Response) -> "Answer":
        try:
            document = etree.fromstring(answer.content)
        except etree.XMLSyntaxError:
            document = None
        return cls(answer.status_code, answer.content.decode(), document)


    def as_xml(self) -> etree._Element:
        """A JSON answer as SoapUI turns it into XML: members are elements, items of a list are called `e`."""
        return element_of("Response", json.loads(self.text))


def element_of(name: str, value) -> etree._Element:
    element = etree.Element(name)
    if isinstance(value, dict):
        element.extend(element_of(member, inner) for member, inner in value.items())
    elif isinstance(value, list):
        element.extend(element_of("e", inner) for inner in value)
    else:
        element.text = shown(value)
    return element


class Player:
    """Sends requests of a project as SoapUI does."""

    def __init__(self, project: Project, endpoint: str):
        self.project = project
        self.properties = {**project.properties, "endpoint": endpoint}
        self._schemas = {
            interface.name: schema_of(interface) for interface in project.interfaces.values() if interface.wsdl
        }

    def expand(self, text: str, case: Case | None, answers: dict[str, Answer]) -> str:
        """The text with its properties replaced; what is not defined raises."""

        def value(match: re.Match) -> str:
            scope, name = match[1].split("#", 1)
            kind, rest = name.split("#", 1)
            if scope:
                document = answers[scope].as_xml() if kind == "ResponseAsXml" else answers[scope].document
                [found] = select(document, self.expand(rest, case, answers))
                return found.text if isinstance(found, etree._Element) else str(found)
            return {"Project": self.properties, "TestCase": case.properties if case else {}}[kind][rest]

        return EXPANSION.sub(value, text)

    def send(self, target: Operation | RestMethod, request: Request, case: Case | None, answers: dict) -> Answer:
        def expanded(text: str) -> str:
            return self.expand(text, case, answers)

        endpoint, body = expanded(request.endpoint), expanded(request.body)
        headers = {name: expanded(value) for name, value in request.headers.items()}
        if isinstance(target, Operation):
            headers |= {"Content-Type": "text/xml;charset=UTF-8", "SOAPAction": f'"{target.action}"'}
            return Answer.of(requests.post(endpoint, data=body.encode(), headers=headers, timeout=30))
        values = {name: expanded(value) for name, value in request.values.items()}
        path = re.sub(r"{(\w+)}", lambda match: quote(values[match[1]], safe=""), target.full_path)
        query = {name: values[name] for name, style in target.parameters.items() if style == "QUERY" and name in values}
        if request.accept:
            headers["Accept"] = request.accept
        if target.verb in ("POST", "PUT"):
            headers["Content-Type"] = request.media_type
        url = endpoint + path
        sent = requests.request(target.verb, url, params=query, data=body.encode(), headers=headers, timeout=30)
        return Answer.of(sent)

    def objection(self, assertion: Assertion, interface: Interface, answer: Answer, expand) -> str:
        """Why an assertion does not hold; empty when it does."""
        configuration = {name: expand(value) for name, value in assertion.configuration.items()}
        fault = answer.document is not None and answer.document.find(f"{SOAP11}Body/{SOAP11}Fault") is not None
        match assertion.kind:
            case "SOAP Response":
                envelope = answer.document is not None and answer.document.tag == f"{SOAP11}Envelope"
                return "" if envelope else "is no envelope"
            case "Schema Compliance":
                return self._schemas[interface.name](answer.document)
            case "SOAP Fault Assertion":
                return "is a fault" if fault else ""
            case "Not SOAP Fault Assertion":
                return "" if fault else "is no fault"
            case "XPath Match":
                return compare([shown(found) for found in select(answer.document, configuration["path"])], configuration)
            case "JsonPath Match":
                return compare([shown(json_path(json.loads(answer.text), configuration["path"]))], configuration)
            case "Simple Contains" if configuration["useRegEx"] == "true":
                return "" if re.fullmatch(configuration["token"], answer.text) else "does not match"
            case "Simple Contains":
                return "" if configuration["token"] in answer.text else "does not contain it"
            case "Valid HTTP Status Codes":
                codes = [int(code) for code in configuration["codes"].split(",")]
                return "" if answer.status in codes else f"answered {answer.status}"
        raise ValueError(f"no assertion has the type {assertion.kind}")


def schema_of(interface: Interface):
    """What says why the payload of an envelope is not valid; empty when it is."""
    [element] = etree.fromstring(interface.wsdl.encode()).iter(f"{XSD}schema")
    schema = etree.XMLSchema(etree.fromstring(etree.tostring(element)))

    def objection(envelope: etree._Element) -> str:
        [payload] = envelope.find(f"{SOAP11}Body")
        alone = etree.fromstring(etree.tostring(payload, with_tail=False))
        return "" if schema.validate(alone) else str(schema.error_log.last_error)

    return objection


def select(document: etree._Element | None, expression: str) -> list:
    """What an expression of XPath 2 with SoapUI's declarations in front of it finds."""
    if document is None:
        raise ValueError("the answer is no XML")
    namespaces = {}
    while declared := DECLARED.match(expression):
        namespaces[declared[1]] = declared[2]
        expression = expression[declared.end() :]
    found = elementpath.select(document.getroottree(), expression.strip(), namespaces, parser=elementpath.XPath2Parser)
    return found if isinstance(found, list) else [found]


def json_path(value, path: str):
    """The value at a path of members and indices."""
    for member, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        value = value[member] if member else value[int(index)]
    return value


def shown(value) -> str:
    """A value as an assertion's expected content spells it."""
    if isinstance(value, etree._Element):
        return value.text or ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def compare(found: list[str], configuration: dict[str, str]) -> str:
    return "" if found == [configuration["content"]] else f"expected {configuration['content']!r}, found {found!r}"


LEARNT = {
    "GMS, request-interaction": {"lentNumber": r"<_access_number>(\d+)<"},
    "GMS, create": {"storageId": r"<id>([^<]+)<"},
    "AICC, tokenByAkSk": {"aiccToken": r'"AccessToken":"([^"]+)"'},
    "AICC, queryCalledRoute": {"routeId": r'"id":"(\d+)"', "routeDnid": r'"dnid":(\d+)'},
    "AICC, createSkill": {"skillId": r'"skillId":(\d+)'},
    "GatewayPortBinding, RequestAccess": {"lentNumber": r"number>(\d+)<"},
}
"""What the descriptions of saved requests have a tester take from the answers to these."""


def saved_requests(player: Player, checks: Checks) -> None:
    """What a tester sends by hand. Each succeeds when what its description says was done, and where nothing is said, at
    once. They are sent from top to bottom, but for a request that others name as the first one to send."""
    own = "GatewayPortBinding"
    in_order = sorted(player.project.requests(), key=lambda found: found[1].name == own and found[0] not in LEARNT)
    learnt = {key for keys in LEARNT.values() for key in keys}
    for name, interface, target, request in in_order:
        sent = [request.body, *request.values.values(), *request.headers.values()]
        silent = [
            key
            for key in learnt
            if any(f"${{#Project#{key}}}" in text for text in sent) and f"property {key}." not in request.description
        ]
        checks.equal(silent, [], f"saved request of {name} says where each of its values comes from")
        with checks.part(f"saved request of {name} is answered"):
            answer = player.send(target, request, None, {})
            why_not = f"{answer.status} {answer.text[:300]}"
            checks.check(answer.status == 200, f"saved request of {name} succeeds", why_not)
            for key, pattern in LEARNT.get(name, {}).items():
                player.properties[key] = re.search(pattern, answer.text)[1]


def run_case(player: Player, case: Case, run: str, checks: Checks) -> None:
    answers: dict[str, Answer] = {}
    for step in case.steps:
        what = f"{run}, {case.name}: {step.name}"
        with checks.part(what):
            target, interface = player.project.method_of(step), player.project.interfaces[step.interface]
            answer = answers[step.name] = player.send(target, step.request, case, answers)
            for assertion in step.request.assertions:

                def expand(text: str) -> str:
                    return player.expand(text, case, answers)

                why_not = player.objection(assertion, interface, answer, expand)
                checks.check(not why_not, f"{what}: {assertion.name}", f"{why_not}\n{answer.text[:500]}")


def main() -> int:
    base, checks = os.environ["BASE"], Checks()
    document = TARGET.read_bytes()
    current = document.decode() == whole_project()
    checks.check(current, "the project is what its WSDLs and samples give", "run tests/clients/soapui_write.py")
    project = Project(document)
    objections = project.objections(WSDLS)
    checks.check(not objections, "everything in the project resolves", "; ".join(objections))
    for what, (before, after) in SPOILT.items():
        spoilt = document.replace(before.encode(), after.encode(), 1)
        refused = spoilt != document and Project(spoilt).objections(WSDLS)
        checks.check(bool(refused), f"the reader objects to {what}")
    player = Player(project, base)
    saved_requests(player, checks)
    for run in ("first run", "second run", "third run", "fourth run", "fifth run"):
        for case in project.cases:
            run_case(player, case, run, checks)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
