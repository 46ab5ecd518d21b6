#!/usr/bin/env python3
"""Writes dnis-gateway-soapui-project.xml from the WSDLs and the samples beside it.

Run it after a WSDL or a sample has changed; `--check` only says whether the file is up to date. Needs nothing beyond
the standard library. What is in the project: a SOAP interface for each WSDL, a REST interface for Interact and one for
GMS, every operation with a request to send, and one test suite.
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SAMPLES = HERE.parent
TARGET = HERE / "dnis-gateway-soapui-project.xml"
CON = "http://eviware.com/soapui/config"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
SERVICES = {"agent": "http://com/jacada/interact/agent/soap", "dnis": "http://com/jacada/interact/dnis/soap"}
INTERACT, GMS = "/interact/version/2", "/genesys/1"
FORM, JSON, XML = "application/x-www-form-urlencoded", "application/json", "application/xml"
NO_NUMBER = "Currently there are no available phone numbers"
UNAUTHORIZED = "Request is unauthorized, missing or wrong credentials"

PROPERTIES = {
    "endpoint": "http://127.0.0.1:8080",
    "tenant": "12345678",
    "dnisKey": "53475e5f1463f9ab2052ead",
    "interactionKey": "53736e07e4b05772e6475c2d",
    "userBase64": "YWRtaW4=",
    "passwordBase64": "cGFzc3dvcmQ=",
    "interactionId": "1212-887ad635-22b1-49c5-ae7b-3b271bc10289",
    "storageId": "the _data_id of an answer",
}
"""What a tester changes to point the project at another gateway than the demo."""


def project(name: str) -> str:
    """The reference to a property of the project."""
    return f"${{#Project#{name}}}"


def case(name: str) -> str:
    """The reference to a property of the test case."""
    return f"${{#TestCase#{name}}}"


CHANNEL = {"Tenant-Id": project("tenant"), "Application-Key": project("interactionKey")}
IVR = {"Tenant-Id": project("tenant"), "Application-Key": project("dnisKey")}
USER = {**IVR, "User-Id": project("userBase64"), "User-Password": project("passwordBase64")}
WRONG = {**USER, "Application-Key": "not a key"}
SOAP_HEADERS = {"AllocateDnis": CHANNEL, "GetDnisAllocation": IVR, "FreeDnisAllocation": USER, "CreatePhone": USER}
SOAP_SAMPLES = {
    "AllocateDnis": "allocate.xml",
    "GetDnisAllocation": "get.xml",
    "FreeDnisAllocation": "free.xml",
    "CreatePhone": "create.xml",
}


# The XML of the project: elements of SoapUI's namespace under its prefix, which must not become the default namespace,
# because what an assertion is configured with must be in no namespace.


@dataclass
class Element:
    """An element with either text or children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def lines(self, indent: str = "") -> list[str]:
        attributes = "".join(f" {name}={quoteattr(value)}" for name, value in self.attributes.items())
        if self.children:
            inner = [line for child in self.children for line in child.lines(indent + "  ")]
            return [f"{indent}<{self.name}{attributes}>", *inner, f"{indent}</{self.name}>"]
        if not self.text:
            return [f"{indent}<{self.name}{attributes}/>"]
        text = f"<![CDATA[{self.text}]]>" if "\n" in self.text else escape(self.text)
        return [f"{indent}<{self.name}{attributes}>{text}</{self.name}>"]


def con(element: str, /, *children: Element, text: str = "", **attributes: str) -> Element:
    """An element of SoapUI's own; `xsi_type` stands for the attribute `xsi:type`."""
    named = {key.replace("xsi_type", "xsi:type"): value for key, value in attributes.items()}
    return Element(f"con:{element}", named, list(children), text)


def properties(values: dict[str, str]) -> Element:
    return con("properties", *(con("property", con("name", text=n), con("value", text=v)) for n, v in values.items()))


def header_settings(headers: dict[str, str]) -> Element:
    """HTTP headers, which SoapUI keeps as a setting whose text is XML."""
    entries = "".join(f"<con:entry key={quoteattr(name)} value={quoteattr(value)}/>" for name, value in headers.items())
    text = f'<xml-fragment xmlns:con="{CON}">{entries}</xml-fragment>'
    return con("settings", con("setting", id="com.eviware.soapui.impl.wsdl.WsdlRequest@request-headers", text=text))


def sent(headers: dict[str, str], endpoint: str, body: str, assertions: list[Element]) -> list[Element]:
    """What every kind of request holds, in the order that SoapUI's schema asks for."""
    return [
        header_settings(headers),
        con("encoding", text="UTF-8"),
        con("endpoint", text=endpoint),
        con("request", text=body),
        *assertions,
        con("credentials", con("authType", text="No Authorization")),
    ]


# Assertions. Two of SoapUI's ids say the opposite of what they do: "SOAP Fault Assertion" holds for an answer that is no
# fault, "Not SOAP Fault Assertion" for one that is.


def assertion(kind: str, name: str, **configuration: str) -> Element:
    children = [Element(key, text=value) for key, value in configuration.items()]
    return con("assertion", con("configuration", *children), type=kind, name=name)


def xpath(path: str, content: str, name: str) -> Element:
    flags = {"allowWildcards": "false", "ignoreNamspaceDifferences": "false", "ignoreComments": "false"}
    return assertion("XPath Match", name, path=path, content=content, **flags)


def json_path(path: str, content: str, name: str) -> Element:
    flags = {"allowWildcards": "false", "ignoreNamspaceDifferences": "false", "ignoreComments": "false"}
    return assertion("JsonPath Match", name, path=path, content=content, **flags)


def contains(token: str, name: str, regular: bool = False) -> Element:
    return assertion("Simple Contains", name, token=token, ignoreCase="false", useRegEx=str(regular).lower())


def status(codes: str) -> Element:
    return assertion("Valid HTTP Status Codes", f"status {codes}", codes=codes)


def answered() -> list[Element]:
    """An ordinary answer: an envelope, valid against the WSDL, and no fault."""
    return [
        assertion("SOAP Response", "is a SOAP response"),
        assertion("Schema Compliance", "complies with the schema of the WSDL"),
        assertion("SOAP Fault Assertion", "is no fault"),
        status("200"),
    ]


def result(service: str, content: str) -> Element:
    path = f"declare namespace t='{SERVICES[service]}'; //t:result"
    return xpath(path, content, "has the documented result")


def result_holds(service: str, condition: str, name: str) -> Element:
    """A condition in which `//t:result` is the result."""
    return xpath(f"declare namespace t='{SERVICES[service]}'; {condition}", "true", name)


def unauthorized() -> list[Element]:
    """The fault for wrong credentials. Its code, the vendor's own, is no QName, so no schema is asked about it."""
    return [
        assertion("Not SOAP Fault Assertion", "is a fault"),
        xpath("//faultstring", UNAUTHORIZED, "has the documented text"),
        contains("0x7000000", "has the documented code"),
        status("500"),
    ]


# SOAP.


def soap_endpoint(service: str) -> str:
    return f"{project('endpoint')}{INTERACT}/{service}/soap"


def envelope(service: str, operation: str, values: dict[str, str]) -> str:
    fields = "".join(f"      <s:{name}>{value}</s:{name}>\n" for name, value in values.items())
    return (
        f'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:s="{SERVICES[service]}">\n'
        f"  <soapenv:Header/>\n  <soapenv:Body>\n    <s:{operation}Request>\n{fields}    </s:{operation}Request>\n"
        "  </soapenv:Body>\n</soapenv:Envelope>"
    )


def soap_interface(service: str) -> Element:
    text = (ROOT / "wsdl" / f"{service}.wsdl").read_text()
    url = f"{PROPERTIES['endpoint']}{INTERACT}/{service}/soap/{service}.wsdl"
    binding = ElementTree.fromstring(text).find(f"{{{WSDL}}}binding")
    part = con("part", con("url", text=url), con("content", text=text), con("type", text=WSDL))
    return con(
        "interface",
        con("definitionCache", part, type="TEXT", rootPart=url),
        con("endpoints", con("endpoint", text=soap_endpoint(service))),
        *(soap_operation(service, operation) for operation in binding.findall(f"{{{WSDL}}}operation")),
        xsi_type="con:WsdlInterface",
        type="wsdl",
        name=binding.get("name"),
        bindingName=f"{{{SERVICES[service]}}}{binding.get('name')}",
        soapVersion="1_1",
        wsaVersion="NONE",
        anonymous="optional",
        definition=url,
    )


def soap_operation(service: str, operation: ElementTree.Element) -> Element:
    name = operation.get("name")
    sample = (SAMPLES / "interact" / SOAP_SAMPLES[name]).read_text().strip()
    for namespace in SERVICES.values():
        sample = sample.replace(f'"{namespace}"', f'"{SERVICES[service]}"')
    call = sent(SOAP_HEADERS[name], soap_endpoint(service), sample, [])
    return con(
        "operation",
        con("call", *call, name="Sample"),
        name=name,
        bindingOperationName=name,
        action=operation.find(f"{{{WSDL_SOAP}}}operation").get("soapAction"),
        type="Request-Response",
        isOneWay="false",
        inputName="",
        sendsAttachments="false",
        receivesAttachments="false",
        anonymous="optional",
    )


def soap_step(
    name: str,
    service: str,
    operation: str,
    values: dict[str, str],
    assertions: list[Element],
    headers: dict[str, str] | None = None,
) -> Element:
    headers = SOAP_HEADERS[operation] if headers is None else headers
    body = envelope(service, operation, values)
    config = con(
        "config",
        con("interface", text=f"{service.capitalize()}PortBinding"),
        con("operation", text=operation),
        con("request", *sent(headers, soap_endpoint(service), body, assertions), name=name),
        xsi_type="con:RequestStep",
    )
    return con("testStep", config, type="request", name=name)


# REST.


@dataclass
class Method:
    """A method of a resource and what its request is, as a sample and in the tests."""

    service: str
    path: str
    name: str
    verb: str
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = JSON
    accept: str = ""
    query: tuple[str, ...] = ()
    body: str = ""
    values: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return GMS if self.service == "GMS" else INTERACT


def sample(path: str) -> str:
    """A sample's text; GMS samples name the demo's interaction, which is a property here."""
    return (SAMPLES / path).read_text().strip().replace(PROPERTIES["interactionId"], project("interactionId"))


INTERACT_METHODS = [
    Method("Interact REST", "/dnis", "Create", "POST", USER, body=sample("interact/create.json")),
    Method("Interact REST", "/dnis", "List", "GET", USER, query=("group", "offset", "limit"), values={"group": "test"}),
    Method("Interact REST", "/dnis/{phone}", "Read", "GET", USER, values={"phone": "2111234567"}),
    Method(
        "Interact REST", "/dnis/{phone}", "Update", "PUT", USER, body='{"enabled":true}', values={"phone": "2111234567"}
    ),
    Method("Interact REST", "/dnis/{phone}", "Delete", "DELETE", USER, values={"phone": "2111234567"}),
    Method("Interact REST", "/dnis/allocate/new", "Allocate", "POST", CHANNEL, body=sample("interact/allocate.json")),
    Method("Interact REST", "/dnis/allocate/get/{phone}", "Get", "GET", IVR, values={"phone": "380974520200"}),
    Method("Interact REST", "/dnis/allocate/free/{phone}", "Free", "POST", USER, values={"phone": "380974520200"}),
]

GMS_METHODS = [
    Method("GMS", "/service/request-interaction", "request-interaction", "POST", media_type=FORM, accept=XML,
           body=sample("gms/request-interaction.txt")),
    Method("GMS", "/service/request-access", "request-access", "POST", media_type=FORM, accept=XML,
           body=sample("gms/request-access.txt").replace("\n", "&")),
    Method("GMS", "/service/match-interaction", "match-interaction", "POST", media_type=FORM, accept=XML,
           body=sample("gms/match-interaction-data.txt")),
    Method("GMS", "/storage/{ttl}", "create", "POST", media_type=FORM, accept=XML, body="customer_name=Ann",
           values={"ttl": "60"}),
    Method("GMS", "/storage/{id}", "read", "GET", accept=XML, values={"id": project("storageId")}),
    Method("GMS", "/storage/{id}", "delete", "DELETE", accept=XML, values={"id": project("storageId")}),
    Method("GMS", "/storage/{id}/{ttl}", "merge", "POST", media_type=FORM, accept=XML, body="language=fr",
           values={"id": project("storageId"), "ttl": "60"}),
    Method("GMS", "/storage/{id}/{key}", "read key", "GET", accept=XML,
           values={"id": project("storageId"), "key": "customer_name"}),
]  # fmt: skip


def parameters(method: Method) -> Element:
    """The declared parameters: a value for a parameter that is not declared would be ignored without a word."""
    styles = {name: "TEMPLATE" for name in re.findall(r"{(\w+)}", method.path)} | dict.fromkeys(method.query, "QUERY")
    declared = [con("parameter", con("name", text=n), con("value"), con("style", text=s)) for n, s in styles.items()]
    return con("parameters", *declared)


def rest_request(element: str, method: Method, name: str, assertions: list[Element], **changes) -> Element:
    values = changes.get("values", method.values)
    entries = con("parameters", *(con("entry", key=key, value=value) for key, value in values.items()))
    body = changes.get("body", method.body)
    attributes = {"name": name, "mediaType": method.media_type} | ({"accept": method.accept} if method.accept else {})
    parts = sent(changes.get("headers", method.headers), project("endpoint"), body, assertions)
    return con(element, *parts, entries, **attributes)


def rest_interface(name: str, base: str, methods: list[Method]) -> Element:
    resources = []
    # A resource declares the parameters of its own path, so methods share one only with the same path and query.
    for path in dict.fromkeys(method.path for method in methods):
        own = [method for method in methods if method.path == path]
        declared = max((parameters(method) for method in own), key=lambda element: len(element.children))
        resources.append(
            con(
                "resource",
                declared,
                *(
                    con("method", rest_request("request", method, "Sample", []), name=method.name, method=method.verb)
                    for method in own
                ),
                name=path,
                path=path,
            )
        )
    return con(
        "interface",
        con("endpoints", con("endpoint", text=project("endpoint"))),
        *resources,
        xsi_type="con:RestService",
        type="rest",
        wadlVersion="http://wadl.dev.java.net/2009/02",
        name=name,
        basePath=base,
    )


def rest_step(name: str, service: str, method_name: str, assertions: list[Element], **changes) -> Element:
    [method] = [m for m in INTERACT_METHODS + GMS_METHODS if (m.service, m.name) == (service, method_name)]
    config = con(
        "config",
        rest_request("restRequest", method, name, assertions, **changes),
        service=service,
        resourcePath=method.base + method.path,
        methodName=method.name,
        xsi_type="con:RestRequestStep",
    )
    return con("testStep", config, type="restrequest", name=name)


# The test suite. Every case begins by removing what an earlier run that was broken off may have left, and removes its
# own numbers at the end, so that it can be run again and again.


def test_case(name: str, values: dict[str, str], steps: list[Element]) -> Element:
    return con(
        "testCase",
        *steps,
        properties(values),
        name=name,
        failOnError="false",
        failTestCaseOnErrors="true",
        keepSession="false",
        maxResults="0",
        searchProperties="true",
    )


def remove_leftovers() -> list[Element]:
    phone = {"phone": case("number")}
    return [
        rest_step("free what an earlier run left", "Interact REST", "Free", [status("200,404")], values=phone),
        rest_step("delete what an earlier run left", "Interact REST", "Delete", [status("200,404")], values=phone),
    ]


def remove_number() -> list[Element]:
    return [rest_step("delete the number", "Interact REST", "Delete", [status("200")], values={"phone": case("number")})]


def soap_case(service: str, number: str) -> Element:
    phone, unique_id = {"phone": case("number")}, {"uniqueId": case("uniqueId"), "group": case("group")}
    new = {"phoneNumber": case("number"), "dnId": case("dnId"), "groupName": case("group"), "enabled": "true"}
    exists = f"Cannot create Phone '{case('number')}'. A phone with that name already exists"
    not_found = f"Phone number {case('number')} was not found"
    digits = result_holds(service, "matches(//t:result, '^[0-9]+$')", "is an id")
    nothing = result_holds(service, "count(//t:result[. = '']) = 1", "has an empty result")

    def step(name: str, operation: str, values: dict[str, str], *about_result: Element) -> Element:
        return soap_step(name, service, operation, values, [*answered(), *about_result])

    steps = [
        step("create the number", "CreatePhone", new, digits),
        step("create it again", "CreatePhone", new, result(service, exists)),
        step("get before it is lent", "GetDnisAllocation", phone, nothing),
        step("free before it is lent", "FreeDnisAllocation", phone, result(service, not_found)),
        step("allocate", "AllocateDnis", unique_id, result(service, case("number"))),
        step("allocate when none is left", "AllocateDnis", {**unique_id, "uniqueId": "another"},
             result(service, NO_NUMBER)),
        step("get", "GetDnisAllocation", phone, result(service, case("uniqueId"))),
        step("get by DNID", "GetDnisAllocation", {"phone": case("dnId")}, result(service, case("uniqueId"))),
        step("get what was answered to allocate", "GetDnisAllocation",
             {"phone": f"${{allocate#Response#declare namespace t='{SERVICES[service]}'; //t:result}}"},
             result(service, case("uniqueId"))),
        step("free", "FreeDnisAllocation", phone, result(service, "Success")),
        step("get after it was freed", "GetDnisAllocation", phone, nothing),
        step("get an unknown number", "GetDnisAllocation", {"phone": "999000"},
             result(service, "Phone number 999000 was not found")),
        soap_step("free with a wrong key", service, "FreeDnisAllocation", phone, unauthorized(), WRONG),
        soap_step("get without a number", service, "GetDnisAllocation", {}, wrong_request()),
    ]  # fmt: skip
    values = {"number": number, "dnId": number[-5:], "group": f"soapui {service}", "uniqueId": f"Unique Id {service}"}
    return test_case(f"SOAP {service}", values, [*remove_leftovers(), *steps, *remove_number()])


def wrong_request() -> list[Element]:
    """The fault for a request that its schema does not allow."""
    return [
        assertion("Not SOAP Fault Assertion", "is a fault"),
        xpath("ends-with(string(//faultcode), ':Client')", "true", "says that the client has to change something"),
        contains("phone", "names the parameter"),
        status("500"),
    ]


def interact_case(number: str) -> Element:
    phone, unknown = {"phone": case("number")}, {"phone": "999000"}
    new = f'{{"phoneNumber":"{case("number")}","dnId":"{case("dnId")}","groupName":"{case("group")}","enabled":true}}'
    lend = f'{{"group":"{case("group")}","id":"{case("uniqueId")}"}}'

    def step(name: str, method: str, assertions: list[Element], **changes) -> Element:
        return rest_step(name, "Interact REST", method, assertions, **changes)

    steps = [
        step("create the number", "Create", [status("200"), contains("^[0-9]+$", "is an id", regular=True)], body=new),
        step("create it again", "Create", [status("409"), contains("already exists", "says why")], body=new),
        step("read it", "Read", [
            status("200"),
            json_path("$.groupName", case("group"), "is in its group"),
            json_path("$.allocated", "false", "is not lent"),
        ], values=phone),
        step("list its group", "List", [
            status("200"),
            json_path("$.total", "1", "has one number"),
            json_path("$.phones[0].phoneNumber", case("number"), "is the number"),
        ], values={"group": case("group"), "limit": "10"}),
        step("allocate", "Allocate", [status("200"), contains(case("number"), "is the number")], body=lend),
        step("allocate when none is left", "Allocate", [status("403"), contains(NO_NUMBER, "says why")],
             body=lend.replace(case("uniqueId"), "another")),
        step("get", "Get", [status("200"), contains(case("uniqueId"), "is the unique id")], values=phone),
        step("get by DNID", "Get", [status("200"), contains(case("uniqueId"), "is the unique id")],
             values={"phone": case("dnId")}),
        step("delete while it is lent", "Delete", [status("409"), contains("free it first", "says what to do")],
             values=phone),
        step("free", "Free", [status("200")], values=phone),
        step("get an unknown number", "Get",
             [status("404"), contains("Phone number 999000 was not found", "says so")], values=unknown),
        step("disable it", "Update", [status("200"), json_path("$.enabled", "false", "is disabled")],
             values=phone, body='{"enabled":false}'),
        step("allocate when none is enabled", "Allocate", [status("403"), contains(NO_NUMBER, "says why")], body=lend),
        step("free with a wrong key", "Free", [
            status("401"),
            json_path("$.code", "0x7000000", "has the documented code"),
            json_path("$.message", UNAUTHORIZED, "has the documented text"),
        ], values=phone, headers=WRONG),
    ]  # fmt: skip
    values = {"number": number, "dnId": number[-5:], "group": "soapui rest", "uniqueId": "Unique Id REST"}
    return test_case("Interact REST", values, [*remove_leftovers(), *steps, *remove_number()])


def member(step: str, name: str) -> str:
    """The reference to a member of an earlier step's answer."""
    return f"${{{step}#Response#//*[local-name()='{name}']}}"


def gms_case() -> Element:
    def step(name: str, method: str, assertions: list[Element], **changes) -> Element:
        return rest_step(name, "GMS", method, assertions, **changes)

    def has(name: str, pattern: str, what: str) -> Element:
        return xpath(f"matches(//*[local-name()='{name}'], '{pattern}')", "true", what)

    def equals(name: str, content: str, what: str) -> Element:
        return xpath(f"//*[local-name()='{name}']", content, what)

    started, stored = "start an interaction", member("keep data", "id")
    steps = [
        step(started, "request-interaction", [
            status("200"),
            has("_access_number", "^650466413[0-9]$", "lends a number of the group DNIS"),
            has("_access_code", "^[0-9]+$", "gives a code"),
        ]),
        step("recognise the call", "match-interaction", [
            status("200"),
            equals("_id", member(started, "_id"), "is that interaction"),
        ], body=f"_access_number={member(started, '_access_number')}&_access_code={member(started, '_access_code')}"
                "&_phone_number=15550100"),
        step("lend a number to a running interaction", "request-access", [
            status("200"),
            equals("_id", project("interactionId"), "is that interaction"),
        ]),
        step("recognise its call", "match-interaction", [
            status("200"),
            equals("_id", project("interactionId"), "is that interaction"),
        ], body=f"_access_number={member('lend a number to a running interaction', '_access_number')}"),
        step("recognise it again", "match-interaction", [status("404")],
             body=f"_access_number={member('lend a number to a running interaction', '_access_number')}"),
        step("keep data", "create", [status("200")]),
        step("read them", "read", [status("200"), contains("Ann", "has the value")], values={"id": stored}),
        step("add to them", "merge", [status("200")], values={"id": stored, "ttl": "60"}),
        step("read a key", "read key", [status("200"), contains("fr", "has the value")],
             values={"id": stored, "key": "language"}),
        step("delete them", "delete", [status("200")], values={"id": stored}),
        step("read what is deleted", "read", [status("404")], values={"id": stored}),
    ]  # fmt: skip
    return test_case("GMS", {}, steps)


def whole_project() -> str:
    suite = con(
        "testSuite",
        con("runType", text="SEQUENTIAL"),
        soap_case("agent", "2117700001"),
        soap_case("dnis", "2117700002"),
        interact_case("2117700003"),
        gms_case(),
        name="dnis-gateway demo",
    )
    root = con(
        "soapui-project",
        con("settings"),
        soap_interface("agent"),
        soap_interface("dnis"),
        rest_interface("Interact REST", INTERACT, INTERACT_METHODS),
        rest_interface("GMS", GMS, GMS_METHODS),
        suite,
        properties(PROPERTIES),
        **{"xmlns:con": CON, "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"},
        name="dnis-gateway",
        **{"soapui-version": "5.7.2"},
        activeEnvironment="Default",
        resourceRoot="",
        runType="SEQUENTIAL",
        abortOnError="false",
    )
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join(root.lines()) + "\n"


def main(arguments: list[str]) -> int:
    written = whole_project()
    if arguments == ["--check"]:
        up_to_date = TARGET.exists() and TARGET.read_text() == written
        print(f"{TARGET.name} is up to date" if up_to_date else f"{TARGET.name} is not what {__file__} writes")
        return 0 if up_to_date else 1
    if arguments:
        print("usage: write_project.py [--check]", file=sys.stderr)
        return 2
    TARGET.write_text(written)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
