"""Three PostgreSQL nodes under Patroni, with one etcd, on loopback, in a temporary folder.

Needs PostgreSQL and etcd (the Debian packages `postgresql` and `etcd-server`) and Patroni's programs.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cluster"))

from database import DATABASE, PASSWORD, ROLE, folder_for_all, free_port, programs, unprivileged  # noqa: E402

SETTLED_LIMIT = 180.0
"""Seconds after which all nodes must have found together."""
TTL = 20
"""Seconds after which a leader that is silent has lost its place; Patroni takes nothing shorter."""


class Node:
    """One PostgreSQL and the Patroni that looks after it."""

    def __init__(self, folder: Path, patroni: Path, name: str, etcd_port: int):
        self.name, self.port, self.api_port = name, free_port(), free_port()
        self._folder, self._patroni, self._etcd_port = folder / name, patroni, etcd_port
        self.process: subprocess.Popen | None = None

    def prepare(self, synchronous: bool) -> None:
        self._folder.mkdir(mode=0o700)
        self._file.write_text(json.dumps(self._configuration(synchronous)))
        if os.getuid() == 0:
            for path in (self._folder, self._file):
                shutil.chown(path, "postgres", "postgres")

    @property
    def _file(self) -> Path:
        return self._folder / "patroni.yml"

    def _configuration(self, synchronous: bool) -> dict:
        address = f"127.0.0.1:{self.port}"
        mode = {"synchronous_mode": True, "synchronous_mode_strict": True} if synchronous else {"synchronous_mode": False}
        user = lambda name: {"username": name, "password": PASSWORD}  # noqa: E731
        return {
            "scope": "numbers",
            "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self.api_port}", "connect_address": f"127.0.0.1:{self.api_port}"},
            "etcd3": {"host": f"127.0.0.1:{self._etcd_port}"},
            "watchdog": {"mode": "off"},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL,
                    "loop_wait": 1,
                    "retry_timeout": 3,
                    **mode,
                    "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": {"wal_log_hints": "on", "timezone": "UTC"}},
                },
                "initdb": ["data-checksums", {"encoding": "UTF8"}, {"locale": "C.UTF-8"}],
            },
            "postgresql": {
                "listen": address,
                "connect_address": address,
                "data_dir": str(self._folder / "data"),
                "bin_dir": str(programs()),
                "pgpass": str(self._folder / "pgpass"),
                "authentication": {"superuser": user("owner"), "replication": user("replicator"), "rewind": user("rewinder")},
                "parameters": {"unix_socket_directories": str(self._folder)},
                "pg_hba": ["local all all trust", "host all all 127.0.0.1/32 scram-sha-256", "host replication replicator 127.0.0.1/32 scram-sha-256"],
            },
        }

    def start(self) -> None:
        with (self._folder / "patroni.log").open("ab") as log:
            command = [str(self._patroni / "patroni"), str(self._file)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **unprivileged())

    def postmaster(self) -> int | None:
        try:
            return int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def kill_postmaster(self) -> int:
        """The server alone, whose processes end with it; its Patroni starts it again in its place. The id it had."""
        pid = self.postmaster()
        if pid is None:
            raise RuntimeError(f"{self.name} has no server to kill")
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill(self) -> None:
        """Patroni first, so that it does nothing about its server's end."""
        self.process.kill()
        self.process.wait()
        self.kill_postmaster()

    def freeze_senders(self) -> list[int]:
        """Stops what sends the log to the standbys, so that they fall behind; the processes."""
        senders = self._children("walsender")
        for pid in senders:
            os.kill(pid, signal.SIGSTOP)
        return senders

    def _children(self, kind: str) -> list[int]:
        """The server's processes of one kind, by the title that they give themselves."""
        parent, found = self.postmaster(), []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                fields = (path / "stat").read_text().rsplit(")", 1)[1].split()
                title = (path / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if int(fields[1]) == parent and f" {kind} " in title:
                found.append(int(path.name))
        return found

    def end(self) -> None:
        """Patroni in good order, which ends its server too; then whatever is left."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        pid = self.postmaster()
        if pid and Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGQUIT)
            time.sleep(1)

    def sql(self, statement: str, database: str = "postgres") -> list[str]:
        command = ["psql", "-X", "-q", "-A", "-t", "-h", str(self._folder), "-p", str(self.port), "-U", "owner", database, "-c", statement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{statement}: {done.stderr}")
        return done.stdout.splitlines()

    def log(self) -> str:
        return (self._folder / "patroni.log").read_text(errors="replace")


class Nodes:
    """The three of them; stopped, and everything removed, at the end."""

    def __init__(self, patroni: str, synchronous: bool = True):
        self._folder = folder_for_all("dnis-gateway-failover-")
        self._synchronous = synchronous
        self._etcd: subprocess.Popen | None = None
        self._etcd_port, self._peer_port = free_port(), free_port()
        folder = Path(self._folder.name)
        self.nodes = [Node(folder, Path(patroni), f"node-{n}", self._etcd_port) for n in (1, 2, 3)]

    def __enter__(self) -> "Nodes":
        try:
            self._start_etcd()
            for node in self.nodes:
                node.prepare(self._synchronous)
                node.start()
            leader = self.settled()
            leader.sql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
            leader.sql(f"GRANT pg_read_all_stats TO {ROLE}")
            leader.sql(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception) -> None:
        for node in self.nodes:
            node.end()
        if self._etcd:
            self._etcd.kill()
            self._etcd.wait()
        self._folder.cleanup()

    def _start_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        command = ["etcd", "--name", "one", "--data-dir", f"{self._folder.name}/etcd", "--listen-client-urls", client]
        command += ["--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        command += ["--initial-cluster", f"one={peer}"]
        with open(f"{self._folder.name}/etcd.log", "wb") as log:
            self._etcd = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **unprivileged())
        until = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{client}/health", timeout=2).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://{ROLE}@{hosts}/{DATABASE}?target_session_attrs=read-write"

    def members(self) -> list[dict]:
        """The cluster as any Patroni that answers sees it."""
        for node in self.nodes:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{node.api_port}/cluster", timeout=2) as answer:
                    return json.load(answer)["members"]
            except (OSError, ValueError, KeyError):
                continue
        return []

    def leader(self) -> Node | None:
        names = {member["name"] for member in self.members() if member["role"] == "leader" and member["state"] == "running"}
        return next((node for node in self.nodes if node.name in names), None)

    def settled(self) -> Node:
        """Waits for one leader, a synchronous standby where there must be one, and every other node streaming on the leader's
        timeline; returns the leader. Less would not do: a node that is being rewound says that it is running."""
        until = time.monotonic() + SETTLED_LIMIT
        while True:
            members = self.members()
            leaders = [member for member in members if member["role"] == "leader" and member["state"] == "running"]
            others = [member for member in members if member not in leaders]
            standby = "sync_standby" if self._synchronous else "replica"
            if (
                len(leaders) == 1
                and len(others) == len(self.nodes) - 1
                and all(other["state"] == "streaming" and other.get("timeline") == leaders[0].get("timeline") for other in others)
                and any(other["role"] == standby for other in others)
            ):
                return next(node for node in self.nodes if node.name == leaders[0]["name"])
            if time.monotonic() > until:
                raise RuntimeError(f"the nodes did not find together: {members}\n{self.nodes[0].log()[-2000:]}")
            time.sleep(0.2)

    def new_leader(self, old: Node, postmaster: int | None = None) -> Node:
        """Waits until another node leads; where the old one's postmaster is given, until it has another one will do."""
        until = time.monotonic() + SETTLED_LIMIT
        while True:
            leader = self.leader()
            if leader and (leader is not old or (postmaster and old.postmaster() not in (None, postmaster))):
                return leader
            if time.monotonic() > until:
                raise RuntimeError(f"nobody took over: {self.members()}")
            time.sleep(0.1)
