"""A PostgreSQL server of its own, from Debian's package, in a temporary folder, as an unprivileged user.

Needs nothing beyond the standard library and `postgresql` (13 or later).
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

USER = "postgres"
"""Who runs the server where the caller is root, which PostgreSQL refuses. Debian's package makes this user."""

ROLE, PASSWORD, DATABASE = "gateway", "a-password-of-tests", "numbers"
START_LIMIT = 60.0
"""Seconds that a start, with recovery after a kill, may take."""


def free_port(count: int = 1) -> int:
    """The first of so many ports of loopback that nobody uses, below those that the system gives to outgoing connections: a
    server that is killed finds its own free again."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        if all(is_free(port + n) for n in range(count)):
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def programs() -> Path:
    """Where the newest PostgreSQL of the machine has its programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL is missing: install the Debian package postgresql")
    return Path(on_path).resolve().parent


def unprivileged() -> dict:
    """Arguments of `subprocess` that run a program as a user whom PostgreSQL accepts."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam(USER)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": user.pw_dir}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "env": environment, "cwd": "/"}


def folder_for_all(prefix: str) -> tempfile.TemporaryDirectory:
    """A temporary folder that belongs to who runs the server."""
    folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    if os.getuid() == 0:
        shutil.chown(folder.name, USER)
    return folder


class Server:
    """One server; stopped, and its data removed, at the end. `settings` are beyond the usual ones."""

    def __init__(self, *settings: str):
        self.port = free_port()
        self._folder = folder_for_all("dnis-gateway-database-")
        self._settings = settings
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Server":
        command = [programs() / "initdb", "-D", self.data, "-U", "owner", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256"]
        made = subprocess.run(command, capture_output=True, text=True, **unprivileged())
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        self.start()
        self.sql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'", "postgres")
        self.sql(f"GRANT pg_read_all_stats TO {ROLE}", "postgres")
        self.sql(f"CREATE DATABASE {DATABASE} OWNER {ROLE}", "postgres")
        return self

    def __exit__(self, *_exception) -> None:
        self.stop(signal.SIGQUIT)
        self._folder.cleanup()

    @property
    def data(self) -> str:
        return f"{self._folder.name}/data"

    @property
    def log_path(self) -> Path:
        return Path(self._folder.name) / "log"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        command = [str(programs() / "postgres"), "-D", self.data]
        for setting in (
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self._folder.name}",
            "max_connections=200",
            *self._settings,
        ):
            command += ["-c", setting]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **unprivileged())
        until = time.monotonic() + START_LIMIT
        while self._psql("SELECT 1", "postgres").returncode:
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError(f"the server did not start:\n{self.log_path.read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stops the server: SIGINT ends all sessions in good order, SIGQUIT leaves everything as a crash would."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        self.stop(how)
        self.start()

    def _psql(self, statement: str, database: str) -> subprocess.CompletedProcess:
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self._folder.name, "-p", str(self.port)]
        return subprocess.run([*command, "-U", "owner", database, "-c", statement], capture_output=True, text=True)

    def sql(self, statement: str, database: str = DATABASE) -> list[list[str]]:
        """The rows of one statement, done by the server's owner."""
        done = self._psql(statement, database)
        if done.returncode:
            raise RuntimeError(f"{statement}: {done.stderr}")
        return [line.split("|") for line in done.stdout.splitlines()]

    def end_sessions(self, application: str | None = None) -> int:
        """Ends the sessions of all gateways, or of one by its application name, as an administrator would; how many there were."""
        condition = f"usename = '{ROLE}'" + (f" AND application_name = '{application}'" if application else "")
        return len(self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {condition}"))

    def url(self, port: int | None = None) -> str:
        """Where a gateway finds the database, perhaps by a proxy's port."""
        return f"postgresql://{ROLE}@127.0.0.1:{port or self.port}/{DATABASE}"
