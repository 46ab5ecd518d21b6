#!/usr/bin/env python3
"""Writes a data directory with a released binary, for the test that later releases must open it.

Starts the binary on an empty directory, tells it a fixed story over the protocols, ends it, and keeps beside this file,
under the name given, the packed files of the directory and `story.json`: what the gateway answered, and so what must be
found in the directory for ever.

usage: make.py BINARY NAME [--kill]      NAME is the release, for example 0.1.0; with --kill the gateway is killed at the end

Needs nothing beyond the standard library.
"""

import gzip
import hashlib
import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
TENANT = "story"
KEY = "story-key"
# The password is "password".
CONFIGURATION = """
[gms]
anonymous_tenant = "story"
interaction_ttl = 31536000
[interact]
allocation_timeout = 86400
[[tenant]]
id = "story"
users = [{ name = "admin", password_hash = "$argon2id$v=19$m=19456,t=2,p=1$Bon9LKDirvIhYIa4ME7ENQ$RW6yam07XUK0Im6uGx/mDBPViqYteT6SlP9hyC/WDWg" }]
applications = [{ name = "numbers", kind = "dnis", key = "story-key" }]
groups = [
    { name = "lines", policy = "round-robin" },
    { name = "resting", policy = "least-recently-freed", cool_down = 60 },
    { name = "shared", sharing = "shared" },
]
interactions = [{ id = "1-seeded" }]
numbers = [
    { number = "4930000001", dnid = "0001", group = "lines" },
    { number = "4930000002", dnid = "0002", group = "lines" },
    { number = "4930000003", dnid = "0003", group = "lines", enabled = false },
    { number = "4931000001", dnid = "1001", group = "resting" },
    { number = "4932000001", dnid = "2001", group = "shared" },
    { number = "*99#", dnid = "99" },
]
[[tenant]]
id = "other"
environments = ["prod", "test"]
users = [{ name = "admin", password_hash = "$argon2id$v=19$m=19456,t=2,p=1$Bon9LKDirvIhYIa4ME7ENQ$RW6yam07XUK0Im6uGx/mDBPViqYteT6SlP9hyC/WDWg" }]
applications = [{ name = "numbers", kind = "dnis", key = "other-key" }]
"""


def values(length: int) -> bytes:
    """Bytes that are never twice the same from one 4000-byte piece to the next, and pack well."""
    return bytes((place * 7 + place // 4000) % 251 for place in range(length))


class Gateway:
    """The binary on its data directory."""

    def __init__(self, binary: str, home: Path):
        (home / "gateway.toml").write_text(CONFIGURATION)
        command = [binary, "serve", "--config", home / "gateway.toml", "--data", home / "data"]
        self.log = (home / "log").open("w")
        self.process = subprocess.Popen(
            [*command, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        self.base = self.process.stdout.readline().strip().removeprefix("listening on ")

    def call(self, method: str, path: str, body=None, headers=None) -> bytes:
        request = urllib.request.Request(self.base + path, data=body, method=method, headers=headers or {})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def gms(self, path: str, once: str | None = None, **parameters) -> dict:
        body = urllib.parse.urlencode(parameters).encode()
        headers = {"Accept": "application/json"} | ({"Idempotency-Key": once} if once else {})
        answer = self.call("POST", f"/genesys/1/{path}", body, headers)
        return json.loads(answer)

    def file(self, path: str, key: str, name: str, media_type: str, content: bytes) -> dict:
        """Posts a multipart form with one file."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"; filename="{name}"\r\n'
        body = f"{head}Content-Type: {media_type}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Accept": "application/json", "Content-Type": f"multipart/form-data; boundary={boundary}"}
        return json.loads(self.call("POST", f"/genesys/1/{path}", body, headers))

    def interact(self, method: str, path: str, member=None, tenant=TENANT, environment=None) -> str:
        headers = {"Tenant-Id": tenant, "Application-Key": f"{tenant}-key", "User-Id": "YWRtaW4="}
        headers |= {"User-Password": "cGFzc3dvcmQ=", "Content-Type": "application/json"}
        if environment:
            headers["Environment-Name"] = environment
        body = None if member is None else json.dumps(member).encode()
        return self.call(method, f"/interact/version/2/dnis{path}", body, headers).decode()

    def end(self, kill: bool) -> None:
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.process.wait()
        self.log.close()


def document(data_id: str, *entries) -> dict:
    """What must be read from a document; an entry is a key, a media type or None for a text, and the bytes."""
    told = []
    for key, media_type, content in entries:
        told.append({"key": key, "media_type": media_type, "length": len(content)})
        told[-1]["sha256"] = hashlib.sha256(content).hexdigest()
    return {"id": data_id, "entries": told}


def tell(gateway: Gateway) -> dict:
    """The story; gives back what must be found."""
    note, picture = "naïve ☎ \"quoted\"", values(1 << 20)
    long_text = "long " * 1000

    # A booking with code and caller, and user data small and large.
    ann = gateway.gms(
        "service/request-interaction", _resource_group="lines", _provide_code="true", _access_code_length="4",
        _phone_number="+4930111", _booking_expiration_timeout="1800", _ttl="86400", note=note, long=long_text,
    )
    instance = gateway.gms(f"service/{ann['_id']}/update", more="later")
    # Two on one shared number, told apart by code and by caller.
    first = gateway.gms(
        "service/request-interaction", "living", _resource_group="shared", _provide_code="true",
        _booking_expiration_timeout="1800", who="first",
    )
    second = gateway.gms(
        "service/request-access", _id="1-seeded", _resource_group="shared", _phone_number="+4930222",
        _booking_expiration_timeout="1800",
    )
    # One that came back, whose number rests.
    gone = gateway.gms("service/request-interaction", "spent", _resource_group="resting")
    gateway.gms("service/match-interaction", _access_number=gone["_access_number"], _delete_service="true")
    # Data on their own.
    stored = gateway.file("storage/86400", "picture", "a picture.png", "image/png", picture)["id"]
    dropped = gateway.file("storage/86400", "picture", "x.png", "image/png", values(9000))["id"]
    gateway.call("DELETE", f"/genesys/1/storage/{dropped}")
    # Numbers over the other protocol, and one lent there.
    gateway.interact("POST", "", {"phoneNumber": "4930000009", "dnId": "0009", "groupName": "new"})
    lent = gateway.interact("POST", "/allocate/new", {"id": "unique 3", "group": "new"})
    gateway.interact("POST", "", {"phoneNumber": "111", "dnId": "1"}, "other", "prod")
    gateway.interact("POST", "", {"phoneNumber": "111", "dnId": "2"}, "other", "test")

    def number(number, dnid, group, state="free", enabled=True, tenant=TENANT, environment=None):
        told = {"tenant": tenant, "environment": environment, "number": number, "dnid": dnid, "group": group}
        return told | {"enabled": enabled, "state": state}

    exclusive = ann["_access_number"]
    return {
        "numbers": [
            number("4930000001", "0001", "lines", "lent" if exclusive == "4930000001" else "free"),
            number("4930000002", "0002", "lines", "lent" if exclusive == "4930000002" else "free"),
            number("4930000003", "0003", "lines", enabled=False),
            number("4931000001", "1001", "resting"),
            number("4932000001", "2001", "shared", "lent"),
            number("*99#", "99", None),
            number("4930000009", "0009", "new", "lent"),
            number("111", "1", None, tenant="other", environment="prod"),
            number("111", "2", None, tenant="other", environment="test"),
        ],
        "calls": [
            {"number": exclusive, "code": ann["_access_code"], "caller": "+4930111", "interaction": ann["_id"]},
            {"number": first["_access_number"], "code": first["_access_code"], "interaction": first["_id"]},
            {"number": second["_access_number"], "caller": "+4930222", "interaction": "1-seeded"},
            {"number": "4930000009", "interaction": "unique 3"},
        ],
        "documents": [
            document(
                instance["_data_id"], ("long", None, long_text.encode()), ("more", None, b"later"),
                ("note", None, note.encode()),
            ),
            document(stored, ("picture", "image/png", picture)),
        ],
        "gone": {"interaction": gone["_id"], "document": dropped},
        "lent_over_interact": lent,
        "keys": ["living", "spent"],
        "history": [{"number": gone["_access_number"], "interaction": gone["_id"]}],
    }


def main(arguments: list[str]) -> int:
    kill = "--kill" in arguments
    arguments = [argument for argument in arguments if argument != "--kill"]
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    binary, name = str(Path(arguments[0]).resolve()), arguments[1]
    kept = HERE / name
    kept.mkdir()
    with tempfile.TemporaryDirectory() as home:
        gateway = Gateway(binary, Path(home))
        try:
            story = tell(gateway)
        except urllib.error.HTTPError as error:
            print(error.url, error.code, error.read().decode(errors="replace"), file=sys.stderr)
            print((Path(home) / "log").read_text(), file=sys.stderr)
            return 1
        finally:
            gateway.end(kill)
        version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        head = {"written_by": version, "ended": "killed" if kill else "stopped", "told_ms": int(time.time() * 1000)}
        (kept / "story.json").write_text(json.dumps(head | story, indent=2) + "\n")
        for file in sorted((Path(home) / "data").iterdir()):
            if file.is_file():
                # No time and no name inside, so that the same files are packed the same.
                (kept / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
