#!/usr/bin/env python3
"""Starts a fresh demo gateway, for the checks beside this file.

As a module: `with Demo(binary) as gateway: ... gateway.base ...`.
As a command: `demo.py BINARY COMMAND [ARGUMENT...]` runs the command with BASE (and ADMIN) in its environment, so that
`node`, `sh` and anything else can be pointed at a gateway of its own. Exits with the command's status, and with 1 when
the gateway did not stop cleanly.

Needs nothing beyond the standard library.
"""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

START_LIMIT = 30.0
"""Seconds a gateway may take from start until it has printed both its addresses."""

STOP_LIMIT = 30.0
"""Seconds a gateway may take to stop after SIGTERM."""


class DemoError(Exception):
    """The gateway did not start or did not stop as promised."""


class Demo:
    """One gateway on free ports with the demo's data in a directory of its own, stopped and removed at the end."""

    def __init__(self, binary: str):
        self.base = ""
        self.admin = ""
        self.wsdl_urls: list[str] = []
        self._binary = str(Path(binary).resolve())
        self._data = tempfile.TemporaryDirectory(prefix="dnis-gateway-demo-")
        self._log = Path(self._data.name) / "stderr.log"
        self._process: subprocess.Popen | None = None
        self._lines: queue.Queue = queue.Queue()

    def __enter__(self) -> "Demo":
        self._start()
        return self

    def restart(self) -> None:
        """Stops the gateway and starts it again on the same data; its addresses are new."""
        self._stop()
        self._lines = queue.Queue()
        self._start()

    def _start(self) -> None:
        command = [self._binary, "serve", "--demo", "--listen", "127.0.0.1:0", "--data", f"{self._data.name}/data"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        threading.Thread(target=self._read_lines, args=(self._process, self._lines), daemon=True).start()
        try:
            self.base = self._address("listening on ")
            self.admin = self._address("admin on ")
        except DemoError:
            self._process.kill()
            self._process.wait()
            raise

    def __exit__(self, *_exception) -> None:
        self._stop()
        self._data.cleanup()

    def _stop(self) -> None:
        process = self._process
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise DemoError(f"the gateway was still running {STOP_LIMIT:.0f} s after SIGTERM") from None
        if status != 0:
            raise DemoError(f"the gateway stopped with status {status} after SIGTERM, 0 was promised\n{self.log()}")

    def log(self) -> str:
        """What the gateway has written to stderr so far."""
        return self._log.read_text(errors="replace")

    @staticmethod
    def _read_lines(process: subprocess.Popen, lines: queue.Queue) -> None:
        for line in process.stdout:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    def _address(self, announcement: str) -> str:
        """The address in the next line of stdout, which must begin with `announcement`."""
        try:
            line = self._lines.get(timeout=START_LIMIT)
        except queue.Empty:
            raise DemoError(f"no line '{announcement}...' within {START_LIMIT:.0f} s\n{self.log()}") from None
        if line is None:
            raise DemoError(f"the gateway ended before it printed '{announcement}...'\n{self.log()}")
        if not line.startswith(announcement):
            raise DemoError(f"expected '{announcement}...' on stdout, found '{line}'")
        return line.removeprefix(announcement).rstrip("/")


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print("usage: demo.py BINARY COMMAND [ARGUMENT...]", file=sys.stderr)
        return 2
    try:
        with Demo(arguments[0]) as gateway:
            environment = dict(os.environ, BASE=gateway.base, ADMIN=gateway.admin)
            status = subprocess.call(arguments[1:], env=environment)
    except (DemoError, OSError) as error:
        print(f"not ok - demo gateway: {error}")
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
