"""Gateways of one cluster: the real binary, one configuration, one database, each on ports of its own that stay when it is
started again.

Needs nothing beyond the standard library.
"""

import functools
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from database import PASSWORD, free_port

TENANT, KEY, USER, USER_PASSWORD = "cluster", "cluster-key-0001", "agent", "correct horse battery staple"
APP_KEY, APP_SECRET = "cluster-aicc", "cluster-secret-0001"
HOTLINE, SKILL = "5550100", 7
NUMBERS = {"lines": 300, "few": 40}
"""Exclusive groups and how many numbers they have."""
CODES = "codes"
"""A shared group, whose calls are told apart by access codes."""
LASTING = 60
"""Seconds that the clients lend for."""
START_LIMIT = 60.0


def numbers() -> dict[str, str]:
    """Every number of an exclusive group, and its group."""
    return {f"4930{place}{n:05}": group for place, group in enumerate(NUMBERS, 1) for n in range(NUMBERS[group])}


@functools.cache
def hash_of_password(binary: str) -> str:
    command = [binary, "hash-secret"]
    return subprocess.run(command, input=USER_PASSWORD + "\n", capture_output=True, text=True, check=True).stdout.strip()


def configuration(binary: str, store: str) -> str:
    lines = [f'    {{ number = "{number}", dnid = "{number[4:]}", group = "{group}" }},' for number, group in numbers().items()]
    lines += [f'    {{ number = "49309{n:05}", dnid = "9{n:04}", group = "{CODES}" }},' for n in range(2)]
    return f"""
{store}
[interact]
allocation_timeout = {LASTING}
[access]
failures = 1000
[log]
requests = "none"
[[tenant]]
id = "{TENANT}"
users = [{{ name = "{USER}", role = "admin", password_hash = "{hash_of_password(binary)}" }}]
applications = [{{ name = "desk", kind = "dnis", key = "{KEY}" }}]
groups = [
    {{ name = "lines", policy = "round-robin" }},
    {{ name = "few", policy = "least-recently-freed" }},
    {{ name = "{CODES}", policy = "random", sharing = "shared" }},
]
numbers = [
{chr(10).join(lines)}
]
[tenant.aicc]
applications = [{{ app_key = "{APP_KEY}", app_secret = "{APP_SECRET}" }}]
access_codes = [{{ code = "{HOTLINE}", media_type = 5 }}]
skills = [{{ id = {SKILL}, name = "sales", media_type = 5 }}]
"""


def postgres_store(url: str, more: str = "") -> str:
    """The sections that make a gateway keep its state in a database."""
    return f"""
[store]
engine = "postgres"
[store.postgres]
url = "{url}"
password = "{PASSWORD}"
{more}
"""


class Gateway:
    """One gateway. It can be killed, stopped, and started again."""

    def __init__(self, binary: str, name: str, store: str, data: Path | None = None):
        self.name = name
        self.port, self.admin_port = free_port(), free_port()
        self._binary = str(Path(binary).resolve())
        self._folder = tempfile.TemporaryDirectory(prefix="dnis-gateway-cluster-")
        self.log_path = Path(self._folder.name) / "log"
        self._file = Path(self._folder.name) / "gateway.toml"
        self._file.write_text(configuration(self._binary, store))
        self._data = data or Path(self._folder.name) / "data"
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Gateway":
        self.start()
        try:
            self.wait_ready(supervised=True)
        except RuntimeError:
            self.end()
            raise
        return self

    def __exit__(self, *_exception) -> None:
        self.end()
        self._folder.cleanup()

    def start(self) -> None:
        command = [self._binary, "serve", "--config", str(self._file), "--data", str(self._data)]
        command += ["--listen", f"127.0.0.1:{self.port}", "--admin-listen", f"127.0.0.1:{self.admin_port}"]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)

    def end(self) -> None:
        """Stops it in good order."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(45)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def admin(self, path: str) -> tuple[int, str]:
        """A GET at the admin listener; status 0 where there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metric(self, name: str) -> float:
        """The sum of a metric's values."""
        lines = self.admin("/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def wait_ready(self, limit: float = START_LIMIT, supervised: bool = False) -> None:
        """Waits until it says that it is ready. `supervised`: one that ends is started again, as a supervisor does with one
        that cannot reach its database."""
        until = time.monotonic() + limit
        while (answer := self.admin("/health/ready"))[0] != 200:
            ended = self.process.poll() is not None
            if (ended and not supervised) or time.monotonic() > until:
                raise RuntimeError(f"{self.name} is not ready: {answer}\n{self.log()[-3000:]}")
            if ended:
                self.start()
            time.sleep(0.05 if not ended else 0.5)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")
