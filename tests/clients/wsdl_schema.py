#!/usr/bin/env python3
"""Validates the WSDLs, committed and served, against the schemas of WSDL 1.1 and its SOAP binding.

These are rules R2028 and R2029 of the WS-I Basic Profile 1.1; the other rules are in `tests/wsi`. The descriptions for
SOAP 1.2, which the profile does not know, are held against the schema of that binding as well. The schemas are those
inside Apache CXF's core library. Usage: with BASE set to the gateway's address and JAVA_CLIENTS to the folder of the
Java libraries, `wsdl_schema.py`. One line per check.
"""

import os
import sys
import zipfile
from pathlib import Path

import requests
from checks import Checks
from lxml import etree

WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP_BINDING = "http://schemas.xmlsoap.org/wsdl/soap/"
SOAP12_BINDING = "http://schemas.xmlsoap.org/wsdl/soap12/"
SCHEMAS = {
    WSDL: "schemas/wsdl/wsdl.xsd",
    SOAP_BINDING: "schemas/wsdl/soap-binding.xsd",
    SOAP12_BINDING: "schemas/wsdl/soap12-binding.xsd",
}
SERVICES = {
    "agent": "/interact/version/2/agent/soap",
    "dnis": "/interact/version/2/dnis/soap",
    "gateway": "/gateway/v1/soap",
}
ROOT = Path(__file__).resolve().parents[2]


class FromJar(etree.Resolver):
    """Resolves the schema locations made up below to the entries of the library."""

    def __init__(self, jar: zipfile.ZipFile):
        super().__init__()
        self._jar = jar

    def resolve(self, url, _public_id, context):
        return self.resolve_string(self._jar.read(url.removeprefix("jar:")), context)


def schema(jar: zipfile.ZipFile) -> etree.XMLSchema:
    """The schemas as one. The bindings' own imports of WSDL name no location, so WSDL comes first."""
    imports = "".join(f'<xs:import namespace="{name}" schemaLocation="jar:{path}"/>' for name, path in SCHEMAS.items())
    parser = etree.XMLParser()
    parser.resolvers.add(FromJar(jar))
    text = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>'
    return etree.XMLSchema(etree.fromstring(text, parser))


def main() -> int:
    base, checks = os.environ["BASE"], Checks()
    [library] = Path(os.environ["JAVA_CLIENTS"], "cxf", "lib").glob("cxf-core-*.jar")
    with zipfile.ZipFile(library) as jar:
        valid = schema(jar)
    for name, path in SERVICES.items():
        with checks.part(f"{name}.wsdl can be read"):
            committed = (ROOT / "wsdl" / f"{name}.wsdl").read_bytes()
            answer = requests.get(f"{base}{path}/{name}.wsdl", timeout=30)
            answer.raise_for_status()
            for which, document in (("committed", committed), ("served", answer.content)):
                root = etree.fromstring(document)
                why_not = "" if valid.validate(root) else str(valid.error_log.last_error)
                checks.check(not why_not, f"R2028, R2029: the {which} {name}.wsdl is valid WSDL 1.1", why_not)
            answer = requests.get(f"{base}{path}?wsdl12", timeout=30)
            answer.raise_for_status()
            root = etree.fromstring(answer.content)
            why_not = "" if valid.validate(root) else str(valid.error_log.last_error)
            checks.check(not why_not, f"the description of {name} for SOAP 1.2 is valid WSDL 1.1", why_not)
            for what, from_, to in (
                ("R2028", b"<wsdl:portType name=", b"<wsdl:portType title="),
                ("R2029", b'use="literal"', b'use="liberal"'),
            ):
                spoilt = etree.fromstring(committed.replace(from_, to, 1))
                checks.check(not valid.validate(spoilt), f"{what}: a spoilt {name}.wsdl is refused")
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
