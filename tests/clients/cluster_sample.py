#!/usr/bin/env python3
"""What `samples/cluster` says to HAProxy, to containers and to the gateway, as far as it can be checked without containers:
the files that are named exist, the services refer to each other, both configurations are valid.

usage: cluster_sample.py BINARY
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from checks import Checks

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "cluster"
ELSEWHERE = os.pathsep + "/usr/sbin"


def run(command: list, environment: dict) -> subprocess.CompletedProcess:
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)


def haproxy(checks: Checks, environment: dict, what: str) -> None:
    program = shutil.which("haproxy", path=os.environ["PATH"] + ELSEWHERE)
    if program is None:
        checks.check(False, f"HAProxy takes the configuration {what}", "haproxy is missing: install the Debian package")
        return
    # Names of containers are known inside their network alone; HAProxy resolves them when it reads its configuration.
    local = {name: value.replace("gateway-1:", "127.0.0.1:").replace("gateway-2:", "127.0.0.1:") for name, value in environment.items()}
    done = run([program, "-c", "-f", SAMPLE / "haproxy.cfg"], local)
    checks.equal(done.returncode, 0, f"HAProxy takes the configuration {what}")


def services(checks: Checks, compose: dict) -> None:
    """Everything that a service names is there."""
    for name, service in compose["services"].items():
        for needed in service.get("depends_on", []):
            checks.check(needed in compose["services"], f"compose: {name} depends on a service that there is", needed)
        for secret in service.get("secrets", []):
            checks.check(secret in compose["secrets"], f"compose: {name} has a secret that there is", secret)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = (SAMPLE / source).exists() if source.startswith(".") else source in compose["volumes"]
            checks.check(there, f"compose: {name} has a volume that there is", source)
        if build := service.get("build"):
            dockerfile = SAMPLE / build["context"] / build["dockerfile"]
            checks.check(dockerfile.resolve() == SAMPLE / "Dockerfile" and dockerfile.exists(), f"compose: {name} is built of the Dockerfile here")
        checks.check("image" in service, f"compose: {name} has an image")


def gateway(checks: Checks, binary: str, compose: dict) -> None:
    """The gateway takes the shared file with the environment of its container."""
    service = compose["services"]["gateway-1"]
    checks.check(service == compose["services"]["gateway-2"], "compose: both gateways are alike")
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write("a-password")
        secret.flush()
        local = {name: value.replace("/run/secrets/database", secret.name) for name, value in service["environment"].items()}
        done = run([binary, "check", "--config", SAMPLE / "gateway.toml"], local)
        checks.check(done.returncode == 0, "compose: the gateway takes the shared configuration and its environment", done.stderr)
    checks.check("WARN" not in done.stderr and "is not looked at" not in done.stderr, "compose: no variable is misspelt", done.stderr)


def main(binary: str) -> int:
    checks = Checks()
    with checks.part("the sample of a cluster"):
        compose = yaml.safe_load((SAMPLE / "compose.yaml").read_text())
        services(checks, compose)
        gateway(checks, binary, compose)
        haproxy(checks, compose["services"]["front"]["environment"], "of the containers")
        ports = {"FRONT": "127.0.0.1:8080", "GATEWAY_1": "127.0.0.1:8081", "GATEWAY_2": "127.0.0.1:8082", "ADMIN_1": "8083", "ADMIN_2": "8084"}
        haproxy(checks, ports, "of one machine")
    return checks.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
