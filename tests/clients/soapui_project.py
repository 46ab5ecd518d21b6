"""Reads a SoapUI project file and finds what SoapUI would pass over without a word.

SoapUI disables a step whose operation, resource or method it cannot find, drops an assertion of a type it does not know,
takes an undefined property for an empty string, and calls the run a success. Here each of these is an objection.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

CON = "http://eviware.com/soapui/config"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
WSDL_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
HEADERS = "com.eviware.soapui.impl.wsdl.WsdlRequest@request-headers"
EXPANSION = re.compile(r"\$\{([^}]*)\}")
REQUEST_ORDER = ["settings", "description", "encoding", "endpoint", "request", "assertion", "credentials", "parameters"]

# Each type that SoapUI knows and this project uses, with what its configuration must hold: an empty one passes always.
ASSERTIONS = {
    "SOAP Response": [],
    "Schema Compliance": [],
    "SOAP Fault Assertion": [],
    "Not SOAP Fault Assertion": [],
    "XPath Match": ["path", "content"],
    "JsonPath Match": ["path", "content"],
    "Simple Contains": ["token"],
    "Valid HTTP Status Codes": ["codes"],
}


def con(name: str) -> str:
    return f"{{{CON}}}{name}"


@dataclass
class Assertion:
    """An assertion of a step."""

    kind: str
    name: str
    configuration: dict[str, str]


@dataclass
class Request:
    """A request with everything that goes out still unexpanded."""

    name: str
    endpoint: str
    headers: dict[str, str]
    body: str
    media_type: str
    accept: str
    values: dict[str, str]
    assertions: list[Assertion]
    description: str


@dataclass
class Operation:
    """An operation of a WSDL interface."""

    name: str
    action: str
    saved: list[Request]


@dataclass
class RestMethod:
    """A method of a REST resource; `parameters` are the styles of the declared ones."""

    name: str
    verb: str
    full_path: str
    parameters: dict[str, str]
    saved: list[Request]


@dataclass
class Interface:
    """An interface; it has operations or methods."""

    name: str
    wsdl: str = ""
    operations: dict[str, Operation] = field(default_factory=dict)
    methods: dict[tuple[str, str], RestMethod] = field(default_factory=dict)


@dataclass
class Step:
    """A step of a test case and what it names."""

    name: str
    kind: str
    interface: str
    operation: str | tuple[str, str]
    request: Request


@dataclass
class Case:
    """A test case."""

    name: str
    properties: dict[str, str]
    steps: list[Step]


def text(element: etree._Element, name: str) -> str:
    return element.findtext(con(name)) or ""


def read_properties(parent: etree._Element) -> dict[str, str]:
    return {text(each, "name"): text(each, "value") for each in parent.iterfind(f"{con('properties')}/{con('property')}")}


def read_request(element: etree._Element) -> Request:
    headers = {}
    for setting in element.iterfind(f"{con('settings')}/{con('setting')}"):
        if setting.get("id") == HEADERS:
            fragment = etree.fromstring(setting.text)
            headers = {entry.get("key"): entry.get("value") for entry in fragment.iterfind(con("entry"))}
    entries = element.iterfind(f"{con('parameters')}/{con('entry')}")
    return Request(
        name=element.get("name"),
        endpoint=text(element, "endpoint"),
        headers=headers,
        body=text(element, "request"),
        media_type=element.get("mediaType", ""),
        accept=element.get("accept", ""),
        values={entry.get("key"): entry.get("value") for entry in entries},
        assertions=[read_assertion(each) for each in element.iterfind(con("assertion"))],
        description=text(element, "description"),
    )


def read_assertion(element: etree._Element) -> Assertion:
    """Only what is in no namespace is read, as SoapUI reads it."""
    children = element.iterfind(f"{con('configuration')}/*")
    configuration = {child.tag: child.text or "" for child in children if etree.QName(child).namespace is None}
    return Assertion(element.get("type"), element.get("name"), configuration)


def read_interface(element: etree._Element) -> Interface:
    interface = Interface(element.get("name"))
    if element.get(XSI_TYPE) == "con:WsdlInterface":
        interface.wsdl = element.findtext(f"{con('definitionCache')}/{con('part')}/{con('content')}")
        for each in element.iterfind(con("operation")):
            saved = [read_request(call) for call in each.iterfind(con("call"))]
            interface.operations[each.get("name")] = Operation(each.get("name"), each.get("action"), saved)
    for resource in element.iterfind(con("resource")):
        declared = resource.iterfind(f"{con('parameters')}/{con('parameter')}")
        parameters = {text(each, "name"): text(each, "style") for each in declared}
        path = element.get("basePath") + resource.get("path")
        for each in resource.iterfind(con("method")):
            saved = [read_request(request) for request in each.iterfind(con("request"))]
            method = RestMethod(each.get("name"), each.get("method"), path, parameters, saved)
            interface.methods[(path, method.name)] = method
    return interface


def read_step(element: etree._Element) -> Step:
    config = element.find(con("config"))
    if config.get(XSI_TYPE) == "con:RequestStep":
        interface, operation = text(config, "interface"), text(config, "operation")
        request = config.find(con("request"))
    else:
        interface, operation = config.get("service"), (config.get("resourcePath"), config.get("methodName"))
        request = config.find(con("restRequest"))
    return Step(element.get("name"), element.get("type"), interface, operation, read_request(request))


class Project:
    """A project file that could be read; `objections` says what is wrong with it."""

    def __init__(self, document: bytes):
        self.root = etree.fromstring(document)
        self.properties = read_properties(self.root)
        self.interfaces = {each.get("name"): read_interface(each) for each in self.root.iterfind(con("interface"))}
        self.cases = [
            Case(case.get("name"), read_properties(case), [read_step(step) for step in case.iterfind(con("testStep"))])
            for case in self.root.iterfind(f"{con('testSuite')}/{con('testCase')}")
        ]

    def requests(self) -> list[tuple[str, Interface, Operation | RestMethod, Request]]:
        """The saved requests of every interface, each with what it is for."""
        return [
            (f"{interface.name}, {each.name}", interface, each, request)
            for interface in self.interfaces.values()
            for each in [*interface.operations.values(), *interface.methods.values()]
            for request in each.saved
        ]

    def objections(self, wsdls: dict[str, Path]) -> list[str]:
        """Everything that SoapUI would not mention. `wsdls` are the documents by the names of their bindings."""
        return [
            *self._about_the_file(),
            *self._about_interfaces(wsdls),
            *self._about_steps(),
            *self._about_assertions(),
            *self._about_properties(),
            *self._about_coverage(),
        ]

    def _about_the_file(self):
        if self.root.tag != con("soapui-project") or self.root.prefix != "con":
            yield "the root is no con:soapui-project"
        for element in self.root.iter(etree.Element):
            if None in element.nsmap:
                yield f"{element.tag} declares a default namespace"
            if etree.QName(element).namespace is None and etree.QName(element.getparent()).localname != "configuration":
                yield f"{element.tag} is in no namespace"
            if element.get("disabled") == "true":
                yield f"{element.get('name')} is disabled"
        for kind in ("call", "request", "restRequest"):
            for element in self.root.iter(con(kind)):
                names = [etree.QName(child).localname for child in element]
                if names and sorted(names, key=REQUEST_ORDER.index) != names:
                    yield f"{element.get('name')}: {names} is out of order"
        for parent in self.root.iter(con("soapui-project"), con("testSuite"), con("testCase"), con("resource")):
            names = Counter((child.tag, child.get("name")) for child in parent if child.get("name"))
            yield from (f"{name} is there {count} times" for (_, name), count in names.items() if count > 1)

    def _about_interfaces(self, wsdls: dict[str, Path]):
        for element in self.root.iterfind(con("interface")):
            name = element.get("name")
            if element.get(XSI_TYPE) not in ("con:WsdlInterface", "con:RestService"):
                yield f"{name} is an interface of an unknown type"
            if element.get(XSI_TYPE) == "con:WsdlInterface":
                if name not in wsdls:
                    yield f"{name} is the binding of no WSDL"
                    continue
                cache = element.find(con("definitionCache"))
                if {cache.get("rootPart"), text(cache.find(con("part")), "url")} != {element.get("definition")}:
                    yield f"{name}: the cached definition is not the one of the interface"
                yield from self._about_wsdl(element, self.interfaces[name], wsdls[name])
            for resource in element.iterfind(con("resource")):
                declared = resource.iterfind(f"{con('parameters')}/{con('parameter')}")
                template = {text(each, "name") for each in declared if text(each, "style") == "TEMPLATE"}
                if template != set(re.findall(r"{(\w+)}", resource.get("path"))):
                    yield f"{resource.get('path')}: its template parameters are {template}"

    def _about_wsdl(self, element: etree._Element, interface: Interface, wsdl: Path):
        committed = wsdl.read_text()
        if normal(interface.wsdl) != normal(committed):
            yield f"{interface.name}: the embedded WSDL is not {wsdl.name}"
        root = etree.fromstring(committed.encode())
        binding = root.find(f"{WSDL}binding")
        if element.get("bindingName") != f"{{{root.get('targetNamespace')}}}{binding.get('name')}":
            yield f"{interface.name}: the bindingName is {element.get('bindingName')}"
        actions = {
            each.get("name"): each.find(f"{WSDL_SOAP}operation").get("soapAction")
            for each in binding.iterfind(f"{WSDL}operation")
        }
        found = {each.get("bindingOperationName"): each.get("action") for each in element.iterfind(con("operation"))}
        if found != actions or set(interface.operations) != set(actions):
            yield f"{interface.name}: the operations are {found}, the WSDL has {actions}"

    def method_of(self, step: Step) -> Operation | RestMethod | None:
        """What a step sends its request to; `None` where SoapUI would disable it."""
        interface = self.interfaces.get(step.interface)
        if interface is None:
            return None
        wanted = {"request": interface.operations, "restrequest": interface.methods}.get(step.kind, {})
        return wanted.get(step.operation)

    def _about_steps(self):
        for case in self.cases:
            if not case.steps:
                yield f"{case.name} has no steps"
            for step in case.steps:
                if self.method_of(step) is None:
                    yield f"{case.name}, {step.name}: {step.interface} {step.operation} does not resolve"
                if not step.request.assertions:
                    yield f"{case.name}, {step.name} asserts nothing"
        every = [(name, each, request) for name, _, each, request in self.requests()]
        every += [(step.name, self.method_of(step), step.request) for case in self.cases for step in case.steps]
        for name, each, request in every:
            if isinstance(each, RestMethod):
                if unknown := set(request.values) - set(each.parameters):
                    yield f"{name}: {unknown} are no declared parameters"
                template = {key for key, style in each.parameters.items() if style == "TEMPLATE"}
                if missing := template - set(request.values):
                    yield f"{name}: {missing} have no value"

    def _about_assertions(self):
        for case in self.cases:
            for step in case.steps:
                for assertion in step.request.assertions:
                    where = f"{case.name}, {step.name}, {assertion.name}"
                    if assertion.kind not in ASSERTIONS:
                        yield f"{where}: no assertion has the type '{assertion.kind}'"
                        continue
                    for key in ASSERTIONS[assertion.kind]:
                        if not assertion.configuration.get(key):
                            yield f"{where}: {key} is empty, so it would always hold"

    def _about_properties(self):
        for case in [None, *self.cases]:
            names = [step.name for step in case.steps] if case else []
            if case:
                texts = [(step.name, each) for step in case.steps for each in texts_of(step.request)]
            else:
                texts = [(name, each) for name, _, _, request in self.requests() for each in texts_of(request)]
            for name, each in texts:
                for expansion in EXPANSION.findall(each):
                    scope, _, rest = expansion.partition("#")
                    earlier = names[: names.index(name)] if case else []
                    known = (
                        (scope == "" and rest.startswith("Project#") and rest[8:] in self.properties)
                        or (scope == "" and case and rest.startswith("TestCase#") and rest[9:] in case.properties)
                        or (scope in earlier and rest.startswith(("Response#", "ResponseAsXml#")))
                    )
                    if not known:
                        yield f"{case.name if case else 'saved requests'}, {name}: '${{{expansion}}}' is nothing"
        yield from (f"the property {name} is empty" for name, value in self.properties.items() if not value)

    def _about_coverage(self):
        tested = {(step.interface, step.operation) for case in self.cases for step in case.steps}
        for interface in self.interfaces.values():
            for key, each in [*interface.operations.items(), *interface.methods.items()]:
                if not each.saved:
                    yield f"{interface.name}, {each.name} has no saved request"
                if (interface.name, key) not in tested:
                    yield f"{interface.name}, {each.name} is in no test case"


def normal(wsdl: str) -> str:
    """A WSDL without what the server replaces in it."""
    return re.sub(r'<soap:address location="[^"]*"', "<soap:address", wsdl).strip()


def texts_of(request: Request) -> list[str]:
    """Every text of a request in which SoapUI expands properties."""
    contents = [value for assertion in request.assertions for value in assertion.configuration.values()]
    return [request.endpoint, request.body, *request.headers.values(), *request.values.values(), *contents]
