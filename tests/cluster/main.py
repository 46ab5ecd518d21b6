#!/usr/bin/env python3
"""Several gateways on one PostgreSQL, used by clients of all dialects, while gateways, sessions, the network and the server
fail; what the clients saw is held against what one store could have shown them (`history.py`).

    main.py BINARY [FAULTS [SEED]]

FAULTS (default 20) are shared between a cluster of two and one of three gateways. Checked are: no number held by two at a
time, no read older than an answer that came before it was sent, nothing acknowledged missing, no answer that no client
should get; with one gateway stopped, killed or cut off at any point, all others acknowledge changes again within 5 s;
everything comes back by itself. Then: a database that lost its last records (a backup that was restored) is noticed.
Then: a backup is moved from a data directory into a database and back (MOVED, a count, adds so many numbers to it).
And a control: two gateways that share nothing are found to be wrong by the same clients and the same check.

Prints a line for each check, figures behind it, and the seed. Needs PostgreSQL (the Debian package `postgresql`) and
nothing else beyond the standard library.
"""

import base64
import http.client
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients")]

import faults  # noqa: E402
from checks import Checks  # noqa: E402
from clients import Load  # noqa: E402
from database import Server  # noqa: E402
from gateway import USER, USER_PASSWORD, Gateway, configuration, postgres_store  # noqa: E402
from history import Operation, longest_pause, violations  # noqa: E402
from proxy import Proxy  # noqa: E402

OTHERS_LIMIT = 5.0
"""Seconds after which gateways that were not hit must have acknowledged a change again."""
BACK_LIMIT = 60.0
"""Seconds after which a gateway that was hit must be ready again."""
CONTROL_ATTEMPTS = 60
"""Seconds after which gateways that share nothing must have lent one number twice."""
COMMIT_LIMIT = 10.0
"""Seconds to wait for the next COMMIT of a gateway."""


class Cluster:
    """A server, and gateways that reach it by a proxy each."""

    def __init__(self, binary: str, count: int, more: str = ""):
        self._stack = ExitStack()
        self._binary, self._count, self._more = binary, count, more

    def __enter__(self) -> "Cluster":
        with ExitStack() as stack:
            self.server = stack.enter_context(Server())
            self.proxies = [Proxy(self.server.port) for _ in range(self._count)]
            for proxy in self.proxies:
                stack.callback(proxy.close)
            self.gateways = []
            for n, proxy in enumerate(self.proxies, 1):
                url = self.server.url(proxy.port) + f"?application_name=gateway-{n}"
                self.gateways.append(stack.enter_context(Gateway(self._binary, f"gateway-{n}", postgres_store(url, self._more))))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception) -> None:
        for proxy in self.proxies:
            proxy.delay(0)
            proxy.release()
        self._stack.close()

    @property
    def ports(self) -> list[int]:
        return [gateway.port for gateway in self.gateways]

    def at_commit(self, gateway: int, what: str) -> None:
        """Does something at the next COMMIT of a gateway, and returns when it is done."""
        proxy = self.proxies[gateway]
        seen, until = proxy.commits_cut, time.monotonic() + COMMIT_LIMIT
        proxy.at_commit(what)
        while proxy.commits_cut == seen:
            if time.monotonic() > until:
                raise RuntimeError(f"{self.gateways[gateway].name} sent no COMMIT for {COMMIT_LIMIT} s")
            time.sleep(0.005)


def schedule(count: int, chance: random.Random) -> list:
    """Every kind of fault about as often as every other."""
    kinds: list = []
    while len(kinds) < count:
        kinds += chance.sample(faults.ALL, len(faults.ALL))
    return kinds[:count]


def under_faults(checks: Checks, binary: str, gateways: int, kinds: list, seed: int) -> None:
    """One cluster, its clients, and faults one after the other; then the history is judged."""
    name, chance = f"{gateways} gateways", random.Random(seed)
    with Cluster(binary, gateways) as cluster, Load(seed, cluster.ports) as load:
        time.sleep(1)
        spans = []
        for kind in kinds:
            began = time.monotonic()
            hit = kind(cluster, chance)
            over = time.monotonic()
            all_ready(cluster.gateways)
            time.sleep(chance.uniform(0.2, 0.6))
            spans.append((kind.__name__, hit, began, over, time.monotonic()))
        load.tell("stop")
        load.tell("audit")
        history, strange = load.history()
        if not judge(checks, name, history, strange, spans, gateways):
            print(f"  the history is kept in {load.keep()}; the gateways' logs end:")
            for gateway in cluster.gateways:
                print(gateway.log()[-3000:])


def judge(checks: Checks, name: str, history: list[Operation], strange: list[str], spans: list, gateways: int) -> bool:
    found = violations(history, complete=True)
    sound = checks.check(not found, f"{name}: the history is one that a single store could show", f"{len(found)}: " + "\n".join(found[:5]))
    checks.equal(strange[:5], [], f"{name}: no client is told what it should not be told")
    slow, longest = [], 0.0
    for kind, hit, began, _over, settled in spans:
        for gateway in set(range(gateways)) - set(hit):
            pause = longest_pause(history, gateway, began, settled)
            longest = max(longest, pause)
            if pause > OTHERS_LIMIT:
                slow.append(f"{kind} of {hit}: gateway {gateway} paused {pause:.1f} s")
    checks.check(not slow, f"{name}: whoever is not hit acknowledges changes again within {OTHERS_LIMIT:.0f} s", "; ".join(slow))
    acknowledged = [sum(op.wrote for op in history if op.gateway == gateway) for gateway in range(gateways)]
    checks.check(min(acknowledged) > 10 * len(spans), f"{name}: every gateway acknowledged changes", str(acknowledged))
    unknown = sum(op.answered is None for op in history)
    kinds = sorted({span[0] for span in spans})
    slowest = max((settled - over, kind) for kind, _, _, over, settled in spans)
    print(
        f"  {len(spans)} faults of {len(kinds)} kinds, {len(history)} operations, {sum(acknowledged)} changes acknowledged, "
        f"{unknown} left open; the others paused {longest:.1f} s at most, everybody was ready "
        f"{slowest[0]:.1f} s after a fault at most ({slowest[1]})",
        flush=True,
    )
    return sound


def records_lost(checks: Checks, binary: str, overtaken: bool) -> None:
    """A backup of the database is restored below running gateways: what came after it is gone, and nobody is told of it again.
    `overtaken`: one gateway cannot reach the database meanwhile, and the other writes more than was lost, so that the
    log is not shorter than the first one remembers, but another one."""
    what = "a restored backup that another gateway has gone on from" if overtaken else "a restored backup"
    with Cluster(binary, 2) as cluster:
        server, (writer, other), away = cluster.server, cluster.gateways, cluster.proxies[1]
        before, _ = clients_for(cluster.gateways, 2, 71)
        server.stop(signal.SIGINT)
        copy = server.data + ".copy"
        subprocess.run(["cp", "-a", server.data, copy], check=True)
        server.start()
        all_ready(cluster.gateways)
        # They stop in the middle of what they do, so that numbers stay lent that nobody must know of later.
        lost, _ = clients_for(cluster.gateways, 1, 72, abandon=True)
        known = end_of_log(server)
        if overtaken:
            writer.kill()
            away.refuse(True)
            away.cut()
        server.stop(signal.SIGINT)
        shutil.rmtree(server.data)
        Path(copy).rename(server.data)
        server.start()
        after = []
        if overtaken:
            writer.start()
            all_ready([writer])
            while end_of_log(server) <= known:
                after += clients_for([writer], 1, 100 + len(after))[0]
            away.refuse(False)
        all_ready(cluster.gateways)
        last, strange = clients_for(cluster.gateways, 2, 73, audit=True)
        after += last
        gone = {op.facts[0][2] for op in lost if op.wrote and op.facts and op.facts[0][0] == "began"}
        told = [op for op in after for fact in op.facts if fact[0] in ("held", "kept") and fact[2] in gone]
        checks.check(gone and not told, f"{what}: nobody is told of what came after it", f"{len(told)} of {len(gone)}: {told[:3]}")
        found = violations(before + after, complete=True)
        checks.check(not found, f"{what}: what was before it and what came then are one history", "\n".join(found[:5]))
        checks.equal(strange[:5], [], f"{what}: no client is told what it should not be told")
        noticed = "everything was read anew" in other.log()
        checks.check(noticed, f"{what}: the log of a gateway that ran on says that records were lost", other.log()[-2000:])


def all_ready(gateways: list[Gateway]) -> None:
    for gateway in gateways:
        gateway.wait_ready(BACK_LIMIT, supervised=True)


def end_of_log(server: Server) -> int:
    return int(server.sql("SELECT max(seq) FROM dnis_gateway.log")[0][0])


def clients_for(gateways: list[Gateway], seconds: float, seed: int, audit: bool = False, abandon: bool = False) -> tuple[list[Operation], list[str]]:
    with Load(seed, [gateway.port for gateway in gateways], 4) as load:
        time.sleep(seconds)
        load.tell("look" if abandon else "stop")
        if audit:
            load.tell("audit")
        return load.history()


def moved(checks: Checks, binary: str) -> None:
    """A backup of a gateway with a data directory fills a database, and one of the database a data directory."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dnis-gateway-moved-")))
        server = stack.enter_context(Server())
        first, second, third = (folder / f"{n}.ndjson" for n in (1, 2, 3))
        with Gateway(binary, "sled", "") as gateway:
            clients_for([gateway], 2, 5)
            if count := int(os.environ.get("MOVED", "0")):
                add_numbers(gateway, count)
            backup(binary, gateway, first)
        store = postgres_store(server.url())
        file = folder / "gateway.toml"
        file.write_text(configuration(binary, store))
        restored = subprocess.run([binary, "restore", "--from", first, "--config", file], capture_output=True, text=True)
        checks.equal(restored.returncode, 0, "moved: a backup of a data directory fills a database")
        again = subprocess.run([binary, "restore", "--from", first, "--config", file], capture_output=True, text=True)
        checks.equal(again.returncode, 1, "moved: a database with something in it is not filled")
        with Gateway(binary, "postgres", store) as gateway:
            backup(binary, gateway, second)
        back = subprocess.run([binary, "restore", "--from", second, "--data", folder / "data"], capture_output=True, text=True)
        checks.equal(back.returncode, 0, "moved: and a backup of the database makes a data directory")
        with Gateway(binary, "back", "", folder / "data") as gateway:
            backup(binary, gateway, third)
        checks.check(len(facts_of(first)) > 400, "moved: the backup holds what clients did", restored.stderr)
        checks.equal(facts_of(second) ^ facts_of(first), set(), "moved: nothing is lost or added on the way there")
        checks.equal(facts_of(third) ^ facts_of(first), set(), "moved: nor on the way back")


def add_numbers(gateway: Gateway, count: int) -> None:
    rows = "".join(f"{7_000_000_000 + n},{n}\n" for n in range(count))
    login = "Basic " + base64.b64encode(f"{USER}:{USER_PASSWORD}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=600)
    connection.request("POST", "/gateway/v1/numbers/import", "number,dnid\n" + rows, {"Content-Type": "text/csv", "Authorization": login})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"the import was answered {answer.status}: {answer.read().decode()}")


def backup(binary: str, gateway: Gateway, to: Path) -> None:
    command = [binary, "backup", "--url", f"http://127.0.0.1:{gateway.admin_port}", "--to", to]
    subprocess.run(command, capture_output=True, check=True)


def facts_of(dump: Path) -> set[str]:
    """The lines of a dump but the first and the last, which tell when it was made, and by what."""
    return set(dump.read_text().splitlines()[1:-1])


def control(checks: Checks, binary: str) -> None:
    """Gateways that share nothing answer each request well, and are found to be wrong."""
    with Gateway(binary, "apart-1", "") as one, Gateway(binary, "apart-2", "") as other:
        with Load(1, [one.port, other.port], 4) as load:
            for _ in range(CONTROL_ATTEMPTS):
                time.sleep(1)
                load.tell("look")
                if any("two holders" in one for one in violations(load.history()[0])):
                    break
            load.tell("stop")
            load.tell("audit")
            history, _ = load.history()
    found = violations(history, complete=True)
    for words in ("two holders", "and yet", "times in its history"):
        checks.check(any(words in one for one in found), f"control: gateways that share nothing are found out ('{words}')", str(found[:3]))


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 3:
        print(__doc__, file=sys.stderr)
        return 2
    binary, count = str(Path(arguments[0]).resolve()), int(arguments[1]) if len(arguments) > 1 else 20
    seed = int(arguments[2]) if len(arguments) > 2 else random.randrange(1_000_000)
    print(f"seed {seed}")
    # A test that is told to end takes its servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    checks, kinds = Checks(), schedule(count, random.Random(seed))
    with checks.part("control: gateways that share nothing are found out"):
        control(checks, binary)
    with checks.part("two gateways under faults"):
        under_faults(checks, binary, 2, kinds[: count // 2], seed)
    with checks.part("a database that lost its last records"):
        records_lost(checks, binary, overtaken=True)
    with checks.part("three gateways under faults"):
        under_faults(checks, binary, 3, kinds[count // 2 :], seed + 1)
    with checks.part("a database that lost its last records"):
        records_lost(checks, binary, overtaken=False)
    with checks.part("a backup that is moved between engines"):
        moved(checks, binary)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
