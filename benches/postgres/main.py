#!/usr/bin/env python3
"""The measurements of `run`, which says what they are for.

    main.py [PART...]

The programs come from BINARY and ECHO in the environment.
"""

import base64
import http.client
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "cluster"))

from database import DATABASE, PASSWORD, ROLE, Server, free_port, programs  # noqa: E402
from gateway import postgres_store  # noqa: E402

SECONDS = int(os.environ.get("SECONDS_EACH", "8"))
NUMBERS = int(os.environ.get("NUMBERS", "20000"))
CLIENTS = 64
MILLION = 1_000_000
GROUP = "bench"
# The demo's credentials, as the scripts of benches/http send them; the password is "password".
HASH = "$argon2id$v=19$m=19456,t=2,p=1$Bon9LKDirvIhYIa4ME7ENQ$RW6yam07XUK0Im6uGx/mDBPViqYteT6SlP9hyC/WDWg"


def configuration(store: str, numbers: int) -> str:
    rows = "\n".join(f'    {{ number = "{6500000000 + n}", dnid = "{n}", group = "{GROUP}" }},' for n in range(1, numbers + 1))
    return f"""{store}
[log]
level = "warn"
[[tenant]]
id = "12345678"
users = [{{ name = "admin", password_hash = "{HASH}" }}]
applications = [
    {{ name = "numbers", kind = "dnis", key = "53475e5f1463f9ab2052ead" }},
    {{ name = "channel", kind = "interaction", key = "53736e07e4b05772e6475c2d" }},
]
groups = [{{ name = "{GROUP}", policy = "round-robin" }}]
numbers = [
{rows}
]
"""


class Program:
    """A server under measurement."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.kill()
            raise RuntimeError(f"{command[0]} did not start: {line}")
        self.url = line.removeprefix("listening on ").strip().rstrip("/")

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+([0-9]+)", status)[1]) / 1024

    def close(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=60)


class Bench:
    """One database, and what is started beside it."""

    def __init__(self, stack: ExitStack):
        self._stack = stack
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dnis-gateway-bench-")))
        self.server = stack.enter_context(Server("max_connections=300", "shared_buffers=256MB"))
        self._psql_file(HERE / "pool.sql")

    def _psql_file(self, file: Path) -> None:
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file), self._login()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def _login(self) -> str:
        return f"postgresql://{ROLE}:{PASSWORD}@127.0.0.1:{self.server.port}/{DATABASE}"

    @contextmanager
    def gateway(self, name: str, schema: str | None = "dnis_gateway", numbers: int = NUMBERS):
        """A gateway on the database, or with a data directory of its own where there is no schema."""
        store = postgres_store(self.server.url(), f'schema = "{schema}"') if schema else ""
        file = self._folder / f"{name}.toml"
        file.write_text(configuration(store, numbers))
        command = [os.environ["BINARY"], "serve", "--config", str(file), "--data", str(self._folder / name)]
        program = Program([*command, "--listen", "127.0.0.1:0", "--admin-listen", f"127.0.0.1:{free_port()}"])
        try:
            yield program
        finally:
            program.close()

    @contextmanager
    def echo(self):
        program = Program([os.environ["ECHO"], "--workers", str(os.cpu_count())])
        try:
            yield program
        finally:
            program.close()

    def pgbench(self, script: str, clients: int, *more: str) -> tuple[float, list[float]]:
        """Runs of a script a second, and how long each took, in microseconds."""
        log = self._folder / f"pgbench-{script}"
        command = [str(programs() / "pgbench"), "-n", "-f", str(HERE / f"{script}.sql"), "-c", str(clients), "-j", "2", "-T", str(SECONDS)]
        command += ["-l", "--log-prefix", str(log), *more, self._login()]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or "number of failed transactions: 0" not in done.stdout:
            raise RuntimeError(f"pgbench: {done.stdout}{done.stderr}")
        times = []
        for file in self._folder.glob(f"{log.name}*"):
            times += [float(line.split(" ", 3)[2]) for line in file.read_text().splitlines()]
            file.unlink()
        return float(re.search(r"tps = ([0-9.]+)", done.stdout)[1]), sorted(times)

    def commits(self) -> int:
        """Transactions that the database has committed so far."""
        return int(self.server.sql(f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{DATABASE}'")[0][0])


def wrk(script: str, url: str, clients: int, *arguments: str, delay_ms: int = 0) -> subprocess.Popen:
    command = ["wrk", f"-t{min(clients, 2)}", f"-c{clients}", f"-d{SECONDS}s", "--latency", "-s", str(ROOT / f"benches/http/{script}.lua"), url]
    environment = dict(os.environ, **({"DELAY_MS": str(delay_ms)} if delay_ms else {}))
    return subprocess.Popen([*command, "--", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def result_of(run: subprocess.Popen) -> dict[str, float]:
    """What a script of benches/http prints at its end; stops everything where an answer was not what it expects."""
    output, _ = run.communicate(timeout=SECONDS + 60)
    told = re.search("^RESULT (.*)$", output, re.MULTILINE)
    if told is None:
        raise RuntimeError(f"wrk gave no result: {output}")
    result = {name: float(value) for name, value in (pair.split("=") for pair in told[1].split())}
    if result["failed"] or result["wrong"]:
        raise RuntimeError(f"wrong answers: {output}")
    result["rate"] = result["requests"] * 1e6 / result["duration"]
    return result


def at(times: list[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)]


def tell(what: str, ours: str, theirs: str, ratio: float, mark: str) -> None:
    print(f"{what:<48} {ours:>14} {theirs:>26} {ratio:>7.2f} {mark:>14}", flush=True)


def pairs(bench: Bench) -> None:
    usual, _ = bench.pgbench("pair", CLIENTS)
    with bench.gateway("one") as gateway:
        ours = result_of(wrk("soap_allocate_free", gateway.url, CLIENTS, GROUP, "pairs"))["rate"] / 2
    tell(f"lend + free, {CLIENTS} clients, pairs a second", f"{ours:.0f}", f"{usual:.0f} SKIP LOCKED", ours / usual, "at least 3")


def two(bench: Bench) -> None:
    with bench.gateway("one") as one, bench.gateway("other") as other:
        alone = result_of(wrk("soap_allocate_free", one.url, CLIENTS, GROUP, "alone"))["rate"] / 2
        runs = [wrk("soap_allocate_free", gateway.url, CLIENTS, GROUP, name) for gateway, name in ((one, "t1"), (other, "t2"))]
        both = sum(result_of(run)["rate"] / 2 for run in runs)
    tell("the same, two gateways together", f"{both:.0f}", f"{alone:.0f} one gateway", both / alone, "at least 0.9")


def latency(bench: Bench) -> None:
    with bench.gateway("one") as gateway:
        rate = result_of(wrk("soap_allocate_free", gateway.url, CLIENTS, GROUP, "full"))["rate"]
        delay = max(1, round(2000 * CLIENTS / rate))
        before, began = bench.commits(), time.monotonic()
        half = result_of(wrk("soap_allocate_free", gateway.url, CLIENTS, GROUP, "half", delay_ms=delay))
        # The server counts a session's transactions once a second at the latest.
        time.sleep(1)
        commits = (bench.commits() - before) / (time.monotonic() - began)
    _, times = bench.pgbench("insert", 16, "-R", str(math.ceil(commits)))
    insert = at(times, 0.99)
    told = f"{insert / 1000:.1f} insert, {commits:.0f}/s"
    tell(f"p99 at half rate ({half['rate']:.0f} requests a second), ms", f"{half['p99'] / 1000:.1f}", told, half["p99"] / insert, "at most 5")


def reads(bench: Bench) -> None:
    with bench.gateway("one") as gateway, bench.echo() as echo, bench.gateway("sled", schema=None) as sled:
        number = lend(gateway.url)
        echoed = result_of(wrk("soap_get", echo.url, 1, number))["p50"]
        empty = at(bench.pgbench("empty", 1)[1], 0.5)
        alone = result_of(wrk("soap_get", gateway.url, 1, number))["p50"]
        told = f"{echoed:.0f} echo + {empty:.0f} query"
        tell("SOAP Get, one connection, p50 in us", f"{alone:.0f}", told, alone / (echoed + empty), "at most 1.5")
        local = result_of(wrk("soap_get", sled.url, CLIENTS, lend(sled.url)))["rate"]
        ours = result_of(wrk("soap_get", gateway.url, CLIENTS, number))["rate"]
    tell(f"SOAP Get, {CLIENTS} connections, a second", f"{ours:.0f}", f"{local:.0f} on sled", ours / local, "at least 0.5")


def million(bench: Bench) -> None:
    rows = "".join(f"{7_000_000_000 + n},{n},g{n % 1000}\n" for n in range(MILLION))
    basic = "Basic " + base64.b64encode(b"admin:password").decode()
    with bench.gateway("million", schema="million", numbers=1) as gateway:
        connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=1200)
        began = time.monotonic()
        connection.request("POST", "/gateway/v1/numbers/import", "number,dnid,group\n" + rows, {"Content-Type": "text/csv", "Authorization": basic})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"the import was answered {answer.status}: {answer.read().decode()}")
        imported = time.monotonic() - began
    began = time.monotonic()
    with bench.gateway("million", schema="million", numbers=1) as gateway:
        took = time.monotonic() - began
        resident = gateway.resident_mib()
    print(f"a million numbers: imported in {imported:.0f} s; a start takes {took:.1f} s (at most 20) and {resident:.0f} MiB (at most 700)", flush=True)


def lend(url: str) -> str:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    headers = {"Tenant-Id": "12345678", "Application-Key": "53475e5f1463f9ab2052ead", "Content-Type": "application/json"}
    connection.request("POST", "/interact/version/2/dnis/allocate/new", f'{{"id":"Unique Id 3","group":"{GROUP}"}}', headers)
    answer = connection.getresponse()
    number = answer.read().decode()
    if answer.status != 200 or not number.isdecimal():
        raise RuntimeError(f"no number was lent: {answer.status} {number}")
    return number


PARTS = {"pairs": pairs, "two": two, "latency": latency, "reads": reads, "million": million}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    print(f"{'':<48} {'gateway':>14} {'against':>26} {'ratio':>7} {'mark':>14}")
    with ExitStack() as stack:
        bench = Bench(stack)
        for name in wanted or PARTS:
            PARTS[name](bench)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
