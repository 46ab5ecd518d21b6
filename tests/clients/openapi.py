#!/usr/bin/env python3
"""Drives the gateway's own API with requests made of its OpenAPI document, against a fresh demo gateway.

usage: demo.py BINARY openapi.py (BASE in the environment)

schemathesis sends what the document allows and what it forbids. No answer may be a server error, have a status or media
type that the document does not have for the operation, or not fit its schema; methods that the document does not have
are refused; nobody is let in without credentials. The requests follow from a seed, so that a finding can be repeated.
One line per operation. Files are imported by hand: schemathesis writes neither CSV nor one JSON object a line.
"""

import base64
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path
from xml.etree import ElementTree

from checks import Checks

CREDENTIALS = "admin:password"
SEED = "20250301"
EXAMPLES = "20"
"""Requests of each operation in the random phase; the phase of bounds sends about a hundred more."""

LIMIT = 600
"""Seconds after which the run is given up."""

IMPORT = "/gateway/v1/numbers/import"
CSV = "text/csv"
IMPORTS = [
    ("CSV with a heading", "", CSV, "enabled,number\ntrue,690001\n,690002\n", 200),
    ("CSV without a media type", "", None, "690003,03,DNIS,false\n", 200),
    ("one JSON object a line", "", "application/x-ndjson", '{"number": "690004"}\n{"number": "690005"}\n', 200),
    ("a number that exists", "", CSV, "690001\n", 422),
    ("a number that exists, passed over", "?existing=skip", CSV, "690001\n690006\n", 200),
    ("a row that is no number", "", CSV, "690007\nnumber seven\n", 422),
    ("a file without rows", "", CSV, "\n", 422),
    ("an unknown parameter", "?exists=skip", CSV, "690008\n", 400),
    ("a form", "", "application/x-www-form-urlencoded", "690008\n", 415),
]
"""What is imported by hand: what it is, the query, the media type, the file and the status of the answer."""


def run(base: str, report: Path) -> subprocess.CompletedProcess:
    """Runs schemathesis in the folder of `report`, where it leaves what it likes; its findings go there as JUnit."""
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "--config-file", str(Path(__file__).with_name("schemathesis.toml")),
        "run", f"{base}/gateway/v1/openapi.json",
        "--url", base,
        "--auth", CREDENTIALS,
        "--seed", SEED,
        "--max-examples", EXAMPLES,
        "--generation-deterministic",
        "--phases", "examples,coverage,fuzzing",
        "--suppress-health-check", "all",
        "--report", "junit",
        "--report-junit-path", str(report),
        "--exclude-path", IMPORT,
        "--no-color",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, cwd=report.parent)


def ask(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, str, bytes]:
    """The status, the media type and the body of an answer. Unlike urllib, this states no media type of its own."""
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=LIMIT)
    with contextlib.closing(connection):
        connection.request(method, url.removeprefix(f"{address.scheme}://{address.netloc}"), body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()


def check_imports(base: str, checks: Checks) -> None:
    """Imports files, and holds the answers against the document."""
    document = json.loads(ask("GET", f"{base}/gateway/v1/openapi.json", {})[2])
    known = document["paths"][IMPORT]["post"]["responses"]
    let_in = {"Authorization": "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()}
    for what, query, media_type, file, wanted in IMPORTS:
        headers = let_in | ({"Content-Type": media_type} if media_type else {})
        status, answered, body = ask("POST", base + IMPORT + query, headers, file.encode())
        checks.equal(status, wanted, f"importing {what} is a {wanted}")
        described = answered in known.get(str(status), {}).get("content", {})
        checks.check(described, f"the document has the answer to {what}", f"{status} {answered}: {body[:500]!r}")
    checks.equal(ask("POST", base + IMPORT, {"Content-Type": CSV}, b"690009\n")[0], 401, "nobody imports without credentials")


def main() -> int:
    checks = Checks()
    check_imports(os.environ["BASE"], checks)
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        outcome = run(os.environ["BASE"], report)
        cases = ElementTree.parse(report).getroot().iter("testcase") if report.exists() else ()
        for case in cases:
            findings = [finding.get("message") or finding.text or "" for finding in case if finding.tag in ("failure", "error")]
            checks.check(not findings, f"{case.get('name')} answers as the document says", " | ".join(findings)[:2000])
    if not checks.equal(outcome.returncode, 0, "schemathesis finds nothing"):
        print(outcome.stdout[-20000:], outcome.stderr[-2000:])
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
