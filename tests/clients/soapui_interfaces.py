"""The interfaces of the SoapUI project: what is called, and a request for each operation with the samples' content."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from soapui_format import Element, con, sent

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
SERVICES = {
    "agent": "http://com/jacada/interact/agent/soap",
    "dnis": "http://com/jacada/interact/dnis/soap",
    "gateway": "urn:dnis-gateway:v1",
}
INTERACT, GMS = "/interact/version/2", "/genesys/1"
# AICC's two prefixes have nothing in common, so its resources hold their whole paths.
AICC, MANAGEMENT = "", "/apiaccess/rest/cc-management/v1"
BASES = {"Interact REST": INTERACT, "GMS": GMS, "AICC": AICC}
FORM, JSON, XML = "application/x-www-form-urlencoded", "application/json", "application/xml"

PROPERTIES = {
    "endpoint": "http://127.0.0.1:8080",
    "tenant": "12345678",
    "dnisKey": "53475e5f1463f9ab2052ead",
    "interactionKey": "53736e07e4b05772e6475c2d",
    "userBase64": "YWRtaW4=",
    "passwordBase64": "cGFzc3dvcmQ=",
    "interactionId": "1212-887ad635-22b1-49c5-ae7b-3b271bc10289",
    "appKey": "demo-key-0001",
    "appSecret": "demo-secret-0001",
    "lentNumber": "6504664130",
    "storageId": "the id of an answer to create",
    "aiccToken": "the AccessToken of an answer to tokenByAkSk",
    "routeId": "the id of a route in an answer to queryCalledRoute",
    "routeDnid": "the dnid of a route in an answer to queryCalledRoute",
    "skillId": "the skillId of an answer to createSkill",
}
"""What a tester changes to point the project at another gateway than the demo; and below, what comes from answers."""


def project(name: str) -> str:
    """The reference to a property of the project."""
    return f"${{#Project#{name}}}"


FIRST = {
    "lentNumber": "RequestAccess (or request-interaction) first, and put the number that it lends",
    "storageId": "create first, and put the id of its answer",
    "aiccToken": "tokenByAkSk first, and put the AccessToken of its answer",
    "routeId": "createCalledRoute and queryCalledRoute first, and put the id of the route",
    "routeDnid": "createCalledRoute and queryCalledRoute first, and put the dnid of the route",
    "skillId": "createSkill first, and put the skillId of its answer",
}
"""Where a property comes from that no tester can know: what to send first, and what of its answer to put into it."""
MADE_FIRST = {
    "Read": "Send Create first: it makes the number 2111234567.",
    "Update": "Send Create first: it makes the number 2111234567.",
    "Delete": "Send Create first: it makes the number 2111234567. It must not be lent.",
}
"""Requests that want something to be there that the demo does not have from its start."""


def description(name: str, *texts: str) -> str:
    """What must be done before a saved request can succeed; nothing where the first click does."""
    used = [key for key in FIRST if any(project(key) in text for text in texts)]
    wanted = [f"Send {FIRST[key]} into the project's property {key}." for key in used]
    return " ".join([*wanted, *([MADE_FIRST[name]] if name in MADE_FIRST else [])])


def saved_name(needs: str) -> str:
    """The name in the tree: whoever does not open the description sees that there is one."""
    return "Sample, see its description first" if needs else "Sample"


CHANNEL = {"Tenant-Id": project("tenant"), "Application-Key": project("interactionKey")}
IVR = {"Tenant-Id": project("tenant"), "Application-Key": project("dnisKey")}
USER = {**IVR, "User-Id": project("userBase64"), "User-Password": project("passwordBase64")}
SOAP_SAMPLES = {
    "AllocateDnis": "interact/allocate.xml",
    "GetDnisAllocation": "interact/get.xml",
    "FreeDnisAllocation": "interact/free.xml",
    "CreatePhone": "interact/create.xml",
    "ResolveCall": "gateway/resolve-call.xml",
    "RequestAccess": "gateway/request-access.xml",
    "MatchInteraction": "gateway/match-interaction.xml",
    "CreateCalledRoute": "gateway/create-called-route.xml",
}
SOAP_HEADERS = dict.fromkeys(SOAP_SAMPLES, USER) | {"AllocateDnis": CHANNEL, "GetDnisAllocation": IVR}


# SOAP.


def soap_path(service: str) -> str:
    return "/gateway/v1/soap" if service == "gateway" else f"{INTERACT}/{service}/soap"


def soap_endpoint(service: str) -> str:
    return f"{project('endpoint')}{soap_path(service)}"


def soap_interface(service: str) -> Element:
    text = (ROOT / "wsdl" / f"{service}.wsdl").read_text()
    url = f"{PROPERTIES['endpoint']}{soap_path(service)}/{service}.wsdl"
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
    envelope = sample(SOAP_SAMPLES[name])
    for namespace in SERVICES.values():
        envelope = envelope.replace(f'"{namespace}"', f'"{SERVICES[service]}"')
    needs = description(name, envelope)
    call = sent(SOAP_HEADERS[name], soap_endpoint(service), envelope, [], needs)
    return con(
        "operation",
        con("call", *call, name=saved_name(needs)),
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
        return BASES[self.service]


def sample(path: str) -> str:
    """A sample's text; the demo's interaction, number, key and secret, which samples name, are properties here."""
    text = (SAMPLES / path).read_text().strip()
    for name in ("interactionId", "appKey", "appSecret", "lentNumber"):
        text = text.replace(PROPERTIES[name], project(name))
    return text


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
    Method("GMS", "/storage/{id}/{ttl}", "merge", "POST", media_type=FORM, accept=XML, body="language=fr",
           values={"id": project("storageId"), "ttl": "60"}),
    Method("GMS", "/storage/{id}/{key}", "read key", "GET", accept=XML,
           values={"id": project("storageId"), "key": "customer_name"}),
    Method("GMS", "/storage/{id}", "read", "GET", accept=XML, values={"id": project("storageId")}),
    Method("GMS", "/storage/{id}", "delete", "DELETE", accept=XML, values={"id": project("storageId")}),
]  # fmt: skip


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "X-APP-Key": project("appKey")}


def aicc(path: str, body: str) -> Method:
    """An operation of AICC that needs a token."""
    return Method("AICC", f"{MANAGEMENT}/{path}", path.rpartition("/")[2], "POST", bearer(project("aiccToken")), body=body)


AICC_METHODS = [
    Method("AICC", "/apigovernance/api/oauth/tokenByAkSk", "tokenByAkSk", "POST", {"X-Token-Expire": "600"},
           body=sample("aicc/token.json")),
    aicc("calledRoute/createCalledRoute", sample("aicc/create.json")),
    aicc("calledRoute/queryCalledRoute", sample("aicc/query.json")),
    aicc("calledRoute/modifyCalledRoute", f'{{"id":"{project("routeId")}","devicetype":1,"deviceId":1}}'),
    aicc("calledRoute/deleteCalledRoute", f'{{"dnids":"{project("routeDnid")}"}}'),
    aicc("accessCodeInfo/queryAccessCodeList", sample("aicc/access-codes.json")),
    aicc("skill/querySkills", sample("aicc/skills.json")),
    aicc("skill/createSkill", sample("aicc/create-skill.json")),
    aicc("skill/modifySkill", f'{{"skillId":{project("skillId")},"maxWaitTime":120}}'),
    aicc("skill/deleteSkill", f'{{"skillIds":"{project("skillId")}"}}'),
    aicc("ivrFlow/queryIVRFlowList", "{}"),
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
    headers, needs = changes.get("headers", method.headers), changes.get("needs", "")
    parts = sent(headers, project("endpoint"), body, assertions, needs)
    return con(element, *parts, entries, **attributes)


def saved_request(method: Method) -> Element:
    needs = description(method.name, method.body, *method.values.values(), *method.headers.values())
    return rest_request("request", method, saved_name(needs), [], needs=needs)


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
                *(con("method", saved_request(method), name=method.name, method=method.verb) for method in own),
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
