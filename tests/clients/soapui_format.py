"""The XML of a SoapUI project file, as SoapUI reads it.

Elements of SoapUI's namespace are written with its prefix, which must not become the default namespace, because what an
assertion is configured with must be in no namespace.
"""

from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

CON = "http://eviware.com/soapui/config"


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
        text = f"<![CDATA[{self.text}]]>" if "\n" in self.text and "]]>" not in self.text else escape(self.text)
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


def sent(
    headers: dict[str, str], endpoint: str, body: str, assertions: list[Element], description: str = ""
) -> list[Element]:
    """What every kind of request holds, in the order that SoapUI's schema asks for."""
    return [
        header_settings(headers),
        *([con("description", text=description)] if description else []),
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
