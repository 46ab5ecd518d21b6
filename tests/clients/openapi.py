#!/usr/bin/env python3
"""Drives the gateway's own API with requests made of its OpenAPI document, against a fresh demo gateway.

usage: demo.py BINARY openapi.py (BASE in the environment)

schemathesis sends what the document allows and what it forbids. No answer may be a server error, have a status or media
type that the document does not have for the operation, or not fit its schema; methods that the document does not have
are refused; nobody is let in without credentials. The requests follow from a seed, so that a finding can be repeated.
One line per operation. Imported files are left out: schemathesis writes no CSV.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from checks import Checks

CREDENTIALS = "admin:password"
SEED = "20250301"
EXAMPLES = "20"
"""Requests of each operation in the random phase; the phase of bounds sends about a hundred more."""

LIMIT = 600
"""Seconds after which the run is given up."""


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
        "--no-color",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, cwd=report.parent)


def main() -> int:
    checks = Checks()
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
