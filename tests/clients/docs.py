#!/usr/bin/env python3
"""Runs every command of the documentation against a fresh demo gateway, one gateway a page.

A ```sh block is a command; the ```text block that follows it is what it must print, where `...` stands for anything.
The addresses of the demo in a command are replaced by those of the gateway that was started, and the ways to start the
program (`cargo run --release --quiet --`, `dnis-gateway`) by the binary under test. A ```console block is a command that
does not end by itself or is this very run; such a block is not run here, so each one is listed in NOT_RUN with who runs
it instead.

usage: docs.py BINARY
"""

import re
import subprocess
import sys
from pathlib import Path

from checks import Checks
from demo import Demo, DemoError

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "samples/README.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

NOT_RUN = {
    "cargo run --release -- serve --demo": "every check starts the demo",
    "tests/run": "is what runs this",
    "cargo test --test wsi -- --nocapture": "cargo test runs it",
    "cargo test --test crash -- --nocapture": "cargo test runs it",
    "benches/http/run": "a measurement of minutes",
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


def check_page(page: str, binary: str, checks: Checks) -> None:
    """Runs the commands of one page in their order."""
    found = blocks(page)
    with Demo(binary) as gateway:
        for index, (language, text) in enumerate(found):
            first_line = text.splitlines()[0]
            if language == "console":
                checks.check(text in NOT_RUN, f"{page}: '{first_line}' is run elsewhere", "not listed in NOT_RUN")
            if language != "sh":
                continue
            environment = {"BASE": gateway.base, "PATH": "/usr/local/bin:/usr/bin:/bin"}
            command = runnable(text, gateway, binary)
            run = subprocess.run(["bash", "-euc", command], cwd=ROOT, env=environment, capture_output=True, text=True)
            printed = run.stdout.strip()
            follows = found[index + 1] if index + 1 < len(found) else ("", "")
            if not checks.equal(run.returncode, 0, f"{page}: '{first_line}' succeeds"):
                print(run.stderr)
            elif follows[0] == "text":
                why_not = f"expected {follows[1]!r}, found {printed!r}"
                checks.check(fits(follows[1], printed), f"{page}: '{first_line}' prints what the page says", why_not)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: docs.py BINARY", file=sys.stderr)
        return 2
    checks = Checks()
    binary = str(Path(arguments[0]).resolve())
    for page in PAGES:
        try:
            check_page(page, binary, checks)
        except (DemoError, OSError) as error:
            checks.check(False, f"{page} can be checked", str(error))
    return checks.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
