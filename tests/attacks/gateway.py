"""A gateway of its own for the attacks: the real binary, under a real limit of descriptors, with a configuration that
tells honest callers from strangers. What it takes of memory and of a processor is read from the system.

Needs nothing beyond the standard library.
"""

import functools
import os
import resource
import signal
import subprocess
import tempfile
import time
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

TENANT = "honest"
KEY = "honest-key-0001"
PASSWORD_FOR_ALL = "correct horse battery staple"
NUMBERS = 2000

ANONYMOUS_TENANT = "open"
"""The tenant of GMS callers without credentials, for attacks that need somebody who is let in."""

START_LIMIT = 30.0
"""Seconds that a start may take."""


def configuration(password_hash: str, extra: str) -> str:
    """Honest callers have a tenant with a key, a user and numbers; strangers have at most anonymous GMS."""
    numbers = ",\n".join(
        f'    {{ number = "{49301000000 + n}", dnid = "{10000 + n}", group = "lines" }}' for n in range(NUMBERS)
    )
    return f"""
{extra}
[gms]
anonymous_tenant = "{ANONYMOUS_TENANT}"

[[tenant]]
id = "{TENANT}"
users = [{{ name = "agent", password_hash = "{password_hash}" }}]
applications = [{{ name = "desk", kind = "dnis", key = "{KEY}" }}]
groups = [{{ name = "lines", policy = "round-robin" }}]
numbers = [
{numbers}
]

[tenant.aicc]
applications = [{{ app_key = "honest-aicc", app_secret = "honest-secret-0001" }}]

[[tenant]]
id = "{ANONYMOUS_TENANT}"
groups = [{{ name = "few", policy = "round-robin" }}]
"""


@functools.cache
def hash_of_password(binary: str) -> str:
    """The stored form of the honest callers' password."""
    command = [binary, "hash-secret"]
    return subprocess.run(command, input=PASSWORD_FOR_ALL + "\n", capture_output=True, text=True, check=True).stdout.strip()


class Gateway:
    """One gateway on free ports; stopped, and its data removed, at the end.

    `descriptors` are the soft and the hard limit of open files that it starts with. `unread_log` leaves its log in a
    pipe that nobody reads. `tls` gives it a certificate of its own.
    """

    def __init__(self, binary: str, descriptors=(1024, 1024), unread_log=False, tls=None, extra=""):
        self._binary = str(Path(binary).resolve())
        self._descriptors = descriptors
        self._unread_log = unread_log
        self._folder = tempfile.TemporaryDirectory(prefix="dnis-gateway-attacks-")
        self._extra = extra
        if tls:
            certificate, key = tls
            self._extra += f'\n[server.tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
        self.port = self.admin_port = 0
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Gateway":
        folder = Path(self._folder.name)
        (folder / "gateway.toml").write_text(configuration(hash_of_password(self._binary), self._extra))
        self.log_path = folder / "log"
        log = subprocess.PIPE if self._unread_log else self.log_path.open("wb")
        command = [self._binary, "serve", "--config", str(folder / "gateway.toml"), "--data", str(folder / "data")]
        command += ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, self._descriptors),
        )
        self.port = self._announced("listening on ")
        self.admin_port = self._announced("admin on ")
        return self

    def _announced(self, what: str) -> int:
        line = self.process.stdout.readline()
        if not line.startswith(what):
            raise RuntimeError(f"expected '{what}...' on stdout, found {line!r}\n{self.log()[-2000:]}")
        return int(line.strip().rstrip("/").rsplit(":", 1)[1])

    def __exit__(self, *_exception) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(45)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        self._folder.cleanup()

    def log(self) -> str:
        """What the gateway has logged so far; nothing where the log is not read."""
        return "" if self._unread_log else self.log_path.read_text(errors="replace")

    def peak_mib(self) -> float:
        """The most memory that it was resident with since the start, or since `forget_peak`, in MiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the system tells no peak of memory")

    def forget_peak(self) -> None:
        """Lets `peak_mib` begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def processor_seconds(self) -> float:
        """The processor time that it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND

    def cores_over(self, seconds: float) -> float:
        """The processors that it keeps busy, over so many seconds from now."""
        before, began = self.processor_seconds(), time.monotonic()
        time.sleep(seconds)
        return (self.processor_seconds() - before) / (time.monotonic() - began)
