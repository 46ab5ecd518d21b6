#!/usr/bin/env python3
"""Runs every command of the documentation against a fresh demo gateway, one gateway a page.

A ```sh block is a command; the ```text block that follows it is what it must print, where `...` stands for anything. More
```text blocks right behind that one are what a repetition may print. The commands of a page run in one shell as far as
its variables go, as for a reader who copies them into one terminal. The pages of REPEATED run twice, and before that all
samples have run: a newcomer tries things in any order.
The addresses of the demo in a command are replaced by those of the gateway that was started, and the ways to start the
program (`cargo run --release --quiet --`, `dnis-gateway`) by the binary under test. A ```console block is a command that
does not end by itself or is this very run; such a block is not run here, so each one is listed in NOT_RUN with who runs
it instead.

usage: docs.py BINARY
"""

import itertools
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import Checks
from demo import Demo, DemoError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cluster"))

from database import free_port  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "samples/README.md", "samples/cluster/README.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

REPEATED = ["README.md", "samples/README.md"]

BACKUP_BOTH_WAYS = """dnis-gateway backup --url http://127.0.0.1:9090 --to gateway.ndjson
dnis-gateway restore --from gateway.ndjson --config gateway.toml"""
NOT_RUN = {
    "cargo run --release -- serve --demo": "every check starts the demo",
    "tests/run": "is what runs this",
    "cargo test --test wsi -- --nocapture": "cargo test runs it",
    "cargo test --test crash -- --nocapture": "cargo test runs it",
    "benches/http/run": "a measurement of minutes",
    BACKUP_BOTH_WAYS: "tests/cluster/main.py moves a backup from one engine to the other and back",
}
"""The commands that are shown but not run here."""


def blocks(page: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page as (language, text)."""
    return [(match[1], match[2].strip()) for match in BLOCK.finditer((ROOT / page).read_text())]


def runnable(command: str, gateway: Demo, binary: str) -> str:
    """The command with the demo's addresses and the program replaced by those under test."""
    command = command.replace("http://127.0.0.1:8080", gateway.base).replace("http://127.0.0.1:9090", gateway.admin)
    command = command.replace("cargo run --release --quiet --", binary)
    return re.sub(r"(^|\| )dnis-gateway ", rf"\g<1>{binary} ", command, flags=re.MULTILINE)


def fits(expected: str, printed: str) -> bool:
    """Whether the output is the expected one, `...` being anything."""
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


class Terminal:
    """Runs commands one after the other, each with the variables that the ones before have set."""

    def __init__(self, gateway: Demo, binary: str):
        self._kept = tempfile.NamedTemporaryFile(prefix="dnis-gateway-docs-")
        self._environment = {"BASE": gateway.base, "PATH": "/usr/local/bin:/usr/bin:/bin"}
        # For samples/cluster/run: the program, and the first of five ports.
        self._environment |= {"DNIS_GATEWAY": binary, "CLUSTER_PORT": str(free_port(5))}

    def run(self, command: str) -> subprocess.CompletedProcess:
        kept = self._kept.name
        script = f"set -a; . {kept}; trap 'export -p >{kept}' EXIT\n{command}"
        arguments = ["bash", "-euc", script]
        return subprocess.run(arguments, cwd=ROOT, env=self._environment, capture_output=True, text=True)


def answers(found: list[tuple[str, str]], index: int) -> list[str]:
    """What the command at this place may print: the first time, and then."""
    behind = itertools.takewhile(lambda block: block[0] == "text", found[index + 1 :])
    return [text for _, text in behind]


def check_page(page: str, gateway: Demo, binary: str, checks: Checks, repeated: bool = False) -> None:
    """Runs the commands of one page in their order."""
    found = blocks(page)
    terminal = Terminal(gateway, binary)
    for index, (language, text) in enumerate(found):
        first_line = text.splitlines()[0]
        if language == "console":
            checks.check(text in NOT_RUN, f"{page}: '{first_line}' is run elsewhere", "not listed in NOT_RUN")
        if language != "sh":
            continue
        run = terminal.run(runnable(text, gateway, binary))
        printed = run.stdout.strip()
        if not checks.equal(run.returncode, 0, f"{page}: '{first_line}' succeeds"):
            print(run.stderr)
            continue
        expected = answers(found, index)
        allowed = expected if repeated else expected[:1]
        if allowed:
            why_not = f"expected {allowed!r}, found {printed!r}"
            holds = any(fits(one, printed) for one in allowed)
            checks.check(holds, f"{page}: '{first_line}' prints what the page says", why_not)


def check_repeated(binary: str, checks: Checks) -> None:
    """The pages that a newcomer follows, after all samples, twice."""
    with Demo(binary) as gateway:
        environment = dict(os.environ, BASE=gateway.base)
        for script in sorted(ROOT.glob("samples/*/*.sh")):
            subprocess.run(["sh", str(script)], env=environment, capture_output=True, check=True)
        for page in REPEATED * 2:
            check_page(page, gateway, binary, checks, repeated=True)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: docs.py BINARY", file=sys.stderr)
        return 2
    checks = Checks()
    binary = str(Path(arguments[0]).resolve())
    for page in PAGES:
        try:
            with Demo(binary) as gateway:
                check_page(page, gateway, binary, checks)
        except (DemoError, OSError) as error:
            checks.check(False, f"{page} can be checked", str(error))
    try:
        check_repeated(binary, checks)
    except (DemoError, OSError, subprocess.CalledProcessError) as error:
        checks.check(False, "the pages of a newcomer can be repeated", str(error))
    return checks.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
