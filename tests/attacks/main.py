#!/usr/bin/env python3
"""Attacks a gateway as strangers do, beside honest callers, and checks that these notice nothing.

    main.py BINARY [SECONDS [short]]

1. All attacks at a time, as much as a fifth of one core can do, from other addresses than the honest callers': 50 of them
   are served as before (more than 99 % of their requests, the 99th percentile of their waiting below ten times the usual),
   and everything works afterwards without a restart. With a limit of descriptors of 1 024, soft and hard, and with a soft
   limit alone.
2. Each attack alone: memory stays below 300 MiB, and everything works afterwards.
3. Handshakes that never begin, on a listener with TLS; a log that nobody reads.

SECONDS is how long the attacks of part 1 go on (default 90: idle connections are closed after 75); each of the others
takes a tenth of that. With the word `short` behind it, part 1 has one limit of descriptors, and part 2 those attacks alone
that aim at memory, at the log and at the processor. Prints a line for each check, and figures behind it.

Needs nothing beyond the standard library, `openssl` for the certificate of part 3, and root or a high hard limit of
descriptors for itself.
"""

import asyncio
import json
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))

import attacks  # noqa: E402
import honest  # noqa: E402
from checks import Checks  # noqa: E402
from gateway import Gateway  # noqa: E402

HERE = Path(__file__).resolve().parent
HONEST_CLIENTS = 50
SHARE = 0.2
"""What all attackers together may take of one core."""
MEMORY_MIB = 300
COSTLY = ("uploads_that_stop_short", "answers_unread", "pipelines_unread", "long_paths", "compressed_floods")
"""The attacks that aim at memory, at the log or at the processor."""
ANSWER_LIMIT = 10.0
"""Seconds that any single answer may take."""


def beside(script: str, *arguments) -> subprocess.Popen:
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def report_of(process: subprocess.Popen) -> dict:
    output, _ = process.communicate(timeout=600)
    return json.loads(output)


def callers(gateway: Gateway, clients: int, seconds: float) -> dict:
    return report_of(beside("honest.py", gateway.port, clients, seconds))


async def http_get(port: int, path: str, tls: ssl.SSLContext | None = None) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read(1024)
    writer.close()
    return int(answer[9:12])


def status_of(port: int, path: str, tls: ssl.SSLContext | None = None) -> int | str:
    """The status of a GET, or what kept it from being answered in time."""
    try:
        return asyncio.run(asyncio.wait_for(http_get(port, path, tls), ANSWER_LIMIT))
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        return type(error).__name__


def everything_works(checks: Checks, gateway: Gateway, after: str) -> None:
    """Reads, durable writes and the admin listener answer as on the first day."""
    seen = callers(gateway, 5, 1)
    checks.check(seen["requests"] > 5 and seen["failed"] == 0, f"after {after} callers are served without a restart", str(seen))
    checks.equal(status_of(gateway.admin_port, "/health/ready"), 200, f"after {after} the gateway is ready")
    checks.equal(status_of(gateway.admin_port, "/metrics"), 200, f"after {after} metrics are told")


def all_at_a_time(checks: Checks, binary: str, seconds: float, descriptors: tuple[int, int]) -> None:
    """Part 1."""
    soft, hard = descriptors
    what = f"all attacks at a time (descriptors: {soft} soft, {hard} hard)"
    with Gateway(binary, descriptors) as gateway:
        usual = callers(gateway, HONEST_CLIENTS, 10)
        checks.equal(usual["failed"], 0, f"{HONEST_CLIENTS} callers are served before {what}")
        before = gateway.processor_seconds()
        attack = beside("attacks.py", gateway.port, seconds, SHARE, *attacks.PLAIN)
        time.sleep(1)
        seen = callers(gateway, HONEST_CLIENTS, seconds - 2)
        admin = status_of(gateway.admin_port, "/health/ready")
        done = report_of(attack)
        # Other work on the machine comes and goes: the usual is measured on both sides of the attack, and the slower counts.
        usual = max(usual, callers(gateway, HONEST_CLIENTS, 10), key=lambda callers: callers["p99_ms"])
        rate = 1 - seen["failed"] / max(seen["requests"], 1)
        checks.check(rate > 0.99, f"more than 99 % of requests succeed beside {what}", f"{rate:.2%}: {seen['why']}")
        limit = 10 * usual["p99_ms"]
        checks.check(seen["p99_ms"] < limit, f"p99 stays below ten times the usual beside {what}", f"{usual} {seen}")
        checks.equal(admin, 200, f"the admin listener answers beside {what}")
        checks.check(done["share_of_a_core"] <= SHARE * 1.1, "the attackers kept to their share", str(done))
        print(f"  usual {usual}\n  attacked {seen}\n  gateway {gateway.processor_seconds() - before:.1f} s of processor time in all, "
              f"at most {gateway.peak_mib():.0f} MiB\n  attackers {done}", flush=True)
        everything_works(checks, gateway, what)


def each_alone(checks: Checks, binary: str, seconds: float, chosen: dict) -> None:
    """Part 2."""
    for name, attack in chosen.items():
        what = f"`{name}`"
        with checks.part(what), Gateway(binary) as gateway:
            done = report_of(beside("attacks.py", gateway.port, seconds, SHARE, name))
            peak = gateway.peak_mib()
            checks.check(peak < MEMORY_MIB, f"memory stays below {MEMORY_MIB} MiB under {what}", f"{peak:.0f} MiB: {attack.__doc__}")
            print(f"  {name}: at most {peak:.0f} MiB, log of {gateway.log_path.stat().st_size / 2**20:.1f} MiB, {done}", flush=True)
            checks.check(gateway.log_path.stat().st_size < 64 * 2**20, f"the log stays short under {what}")
            everything_works(checks, gateway, what)


def pipelines_keep_no_core_busy(checks: Checks, binary: str) -> None:
    """While the connections of `pipelines_unread` are full and open, nothing is done for them."""
    with Gateway(binary) as gateway:
        attack = beside("attacks.py", gateway.port, 16, SHARE, "pipelines_unread")
        time.sleep(8)
        busy = gateway.cores_over(6)
        report_of(attack)
        checks.check(busy < 0.3, "pipelines of which nothing is read keep no core busy", f"{busy:.2f} cores")


def handshakes(checks: Checks, binary: str, seconds: float) -> None:
    """Part 3: silent handshakes delay nobody."""
    with tempfile.TemporaryDirectory(prefix="dnis-gateway-tls-") as folder:
        certificate, key = f"{folder}/c.pem", f"{folder}/k.pem"
        command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
        subprocess.run(command.split(), check=True, capture_output=True)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with Gateway(binary, tls=(certificate, key)) as gateway:
            attack = beside("attacks.py", gateway.port, seconds, SHARE, "silent_handshakes")
            time.sleep(2)
            waits = []
            while attack.poll() is None:
                began = time.monotonic()
                answered = status_of(gateway.port, "/interact/version/2/agent/soap?wsdl", context)
                waits.append((time.monotonic() - began, answered))
                time.sleep(0.1)
            slow = [wait for wait in waits if wait[0] > 1 or wait[1] != 200]
            checks.check(len(waits) > 5 and not slow, "handshakes that never begin delay nobody by a second", f"{slow[:5]} of {len(waits)}")
            checks.check(gateway.peak_mib() < MEMORY_MIB, "and memory stays bounded", f"{gateway.peak_mib():.0f} MiB")


def unread_log(checks: Checks, binary: str, seconds: float) -> None:
    """Part 3: a reader of the log that stands still stops nobody."""
    with Gateway(binary, unread_log=True) as gateway:
        attack = beside("attacks.py", gateway.port, seconds, SHARE, "long_paths", "keys_guessed")
        seen = callers(gateway, 10, seconds)
        report_of(attack)
        checks.check(seen["failed"] == 0 and seen["requests"] > 10, "a log that nobody reads stops nobody", str(seen))
        checks.check(gateway.peak_mib() < MEMORY_MIB, "and takes bounded memory", f"{gateway.peak_mib():.0f} MiB")


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 3 or arguments[2:] not in ([], ["short"]):
        print(__doc__, file=sys.stderr)
        return 2
    binary, seconds, short = arguments[0], float(arguments[1]) if len(arguments) > 1 else 90.0, len(arguments) == 3
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    checks = Checks()
    for descriptors in ((1024, 1024), (1024, min(hard, 4096)))[: 1 if short else 2]:
        with checks.part(f"all attacks at a time, {descriptors}"):
            all_at_a_time(checks, binary, seconds, descriptors)
    each_alone(checks, binary, seconds / 10, {name: attacks.PLAIN[name] for name in (COSTLY if short else attacks.PLAIN)})
    with checks.part("pipelines that are open"):
        pipelines_keep_no_core_busy(checks, binary)
    with checks.part("handshakes"):
        handshakes(checks, binary, seconds / 10)
    with checks.part("a log that nobody reads"):
        unread_log(checks, binary, seconds / 10)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
