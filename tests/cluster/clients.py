"""The clients of `load.py` as seen by a test: a process of their own, and what they wrote down.

Needs nothing beyond the standard library.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from history import Operation

CLIENTS = 10
"""Beside one for each gateway that lends and frees there alone."""
PROGRAM = Path(__file__).resolve().parent / "load.py"


class Load:
    """The clients, a process of their own, and what they wrote down."""

    def __init__(self, seed: int, ports: list[int], clients: int = CLIENTS):
        self._file = tempfile.NamedTemporaryFile(prefix="dnis-gateway-history-", suffix=".jsonl")
        command = [sys.executable, PROGRAM, self._file.name, str(seed), str(clients), *map(str, ports)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, what: str) -> None:
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline().strip() != what:
            raise RuntimeError(f"the clients ended before they did '{what}'")

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_exception) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def keep(self) -> str:
        """A copy of what they wrote down, which stays; where it is."""
        return shutil.copy(self._file.name, tempfile.mkdtemp(prefix="dnis-gateway-history-"))

    def history(self) -> tuple[list[Operation], list[str]]:
        """All operations, and what no client should have been told."""
        entries = [json.loads(line) for line in Path(self._file.name).read_text().splitlines()]
        operations = [Operation(**entry) for entry in entries if "call" in entry]
        return operations, [entry["strange"] for entry in entries if "strange" in entry]
