#!/usr/bin/env python3
"""Runs every script under `samples/` as a newcomer does, and checks the documented answer.

Usage: `samples.py BINARY [SEED]`. All scripts run on one demo gateway in a random order, then in another one, and once more
after a restart on the same data: each prints success or the documented answer to a repetition, and at the end nothing is
lent. Then those that take an argument get one. A script without a check is a failed check, so that no sample can rot
unseen. One line per check; the seed of the order is among them.
"""

import json
import os
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from checks import Checks
from demo import Demo, DemoError

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
INTERACTION = "1212-887ad635-22b1-49c5-ae7b-3b271bc10289"
NUMBER = re.compile(r"6504664[0-9]{3}")
INSTANCE_ID = re.compile(r"[0-9]+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass
class Answer:
    """What `curl -i` printed."""

    status: int
    headers: dict[str, str]
    body: str

    def xml(self, service: str) -> dict[str, str]:
        """The members of a GMS answer, which must be a `Response` in the namespace of its service."""
        root = ElementTree.fromstring(self.body)
        namespace = f"{{http://127.0.0.1/genesys/1/service/{service}}}"
        if root.tag != f"{namespace}Response":
            raise ValueError(f"the root is {root.tag}")
        return {member.tag.removeprefix(namespace): member.text or "" for member in root}

    def soap_result(self, operation: str) -> str:
        """The `result` of a SOAP 1.1 answer of this operation."""
        root = ElementTree.fromstring(self.body)
        [payload] = root.find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
        namespace, name = payload.tag[1:].split("}")
        if name != f"{operation}Response":
            raise ValueError(f"the payload is {payload.tag}")
        return payload.findtext(f"{{{namespace}}}result") or ""


class Runner:
    """Runs sample scripts against one gateway."""

    def __init__(self, base: str):
        self.environment = dict(os.environ, BASE=base)

    def keeping(self, name: str) -> Answer:
        """The answer of a script that leaves lent what it lends."""
        self.environment["KEEP"] = "1"
        try:
            return self(name)
        finally:
            del self.environment["KEEP"]

    def __call__(self, name: str, *arguments: str) -> Answer:
        return self.answer(self.printed(name, *arguments))

    @staticmethod
    def answer(printed: str) -> Answer:
        """What a script printed that shows one answer with its headers; the line break at its end is the script's."""
        head, _, body = printed.partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return Answer(int(status.split()[1]), {name.lower(): value for name, value in headers.items()}, body.removesuffix("\n"))

    def printed(self, name: str, *arguments: str) -> str:
        """Everything that a script prints."""
        script = SAMPLES / f"{name}.sh"
        command = ["sh", str(script), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, timeout=60, check=False)
        if done.returncode != 0:
            raise OSError(f"{script.name} exited with {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()


def gms_lent(answer: Answer, service: str, code: str | None = None) -> None:
    """A number of DNIS was lent, with a code of this form or none."""
    members = answer.xml(service)
    expected = ["_access_number", "_expiration_time", "_id"] if code is None else [
        "_access_code", "_access_number", "_expiration_time", "_id"
    ]
    assert answer.status == 200 and list(members) == expected, members
    assert NUMBER.fullmatch(members["_access_number"]), members
    assert code is None or re.fullmatch(code, members["_access_code"]), members


def gms_matched(answer: Answer) -> None:
    """The interaction of the demo was recognised."""
    members = answer.xml("match-interaction")
    assert answer.status == 200 and list(members) == ["_data_id", "_id"] and members["_id"] == INTERACTION, members


def request_interaction(answer: Answer) -> None:
    gms_lent(answer, "request-interaction", "[0-9]{6}")
    assert INSTANCE_ID.fullmatch(answer.xml("request-interaction")["_id"])


def match_data(answer: Answer) -> None:
    matched = json.loads(answer.body)
    assert INSTANCE_ID.fullmatch(matched["_id"]) and matched["user_data"] == {"customer_name": "Ann", "language": "fr"}


def match_multiple(answer: Answer) -> None:
    assert "json" in answer.headers["content-type"]
    assert [match["_id"] for match in json.loads(answer.body)["matches"]] == [INTERACTION]


def match_delete(answer: Answer) -> None:
    assert INSTANCE_ID.fullmatch(answer.xml("match-interaction")["_id"])


def is_empty_200(answer: Answer) -> None:
    assert (answer.status, answer.body) == (200, "")


def says(text: str, status: int = 200):
    """A check that an answer has this body."""

    def check(answer: Answer) -> None:
        assert (answer.status, answer.body) == (status, text)

    return check


def rest_create(answer: Answer) -> None:
    exists = (409, "Cannot create Phone '2111234567'. A phone with that name already exists")
    assert (answer.status == 200 and answer.body.isdecimal()) or (answer.status, answer.body) == exists


def soap_create(answer: Answer) -> None:
    result = answer.soap_result("CreatePhone")
    assert result.isdecimal() or result == "Cannot create Phone '2111234568'. A phone with that name already exists"


def rest_allocate(answer: Answer) -> None:
    assert answer.status == 200 and re.fullmatch("380974520[0-9]{3}|211123456[78]", answer.body)


def soap_allocate(answer: Answer) -> None:
    assert answer.soap_result("AllocateDnis") in ("111", "222", "2111234560")


def soap_says(operation: str, result: str):
    """A check that a SOAP answer has this result."""

    def check(answer: Answer) -> None:
        assert answer.soap_result(operation) == result

    return check


def token(answer: Answer) -> None:
    granted = json.loads(answer.body)
    assert (granted["ApplyType"], granted["Expires"], granted["UserID"]) == ("Bearer", "600", "Anonymous")


def aicc(description: str, repeated: bool = False):
    """A check that an AICC answer is success with this description, or where that is documented a repetition."""

    def check(answer: Answer) -> None:
        told = json.loads(answer.body)
        if repeated and answer.status == 500:
            assert told["returnCode"] == "120002"
        else:
            assert (answer.status, told["returnCode"], told["description"]) == (200, "0", description)

    return check


def aicc_query(answer: Answer) -> None:
    [route] = json.loads(answer.body)["data"]["calledRouteList"]
    assert (route["accessCode"], route["extCode"], route["deviceId"]) == ("9911411", "11", 1)


def aicc_delete(answer: Answer) -> None:
    assert json.loads(answer.body)["data"]["content"] == "991141111"


def aicc_codes(answer: Answer) -> None:
    assert [code["accessCode"] for code in json.loads(answer.body)["data"]["calledRouteList"]] == ["5550100"]


def aicc_skills(answer: Answer) -> None:
    assert [skill["name"] for skill in json.loads(answer.body)["data"]] == ["sales-voice"]


def aicc_flows(answer: Answer) -> None:
    flows = json.loads(answer.body)
    assert (flows["retCode"], [flow["description"] for flow in flows["result"]]) == ("0", ["main-menu"])


def has(*texts: str):
    """A check that an answer is a success with these texts in it."""

    def check(answer: Answer) -> None:
        assert answer.status == 200 and all(text in answer.body for text in texts)

    return check


def resolved(answer: Answer) -> None:
    seen = json.loads(answer.body)
    [candidate] = seen["candidates"]
    found = (candidate["interaction"], candidate["data"], candidate["reason"], seen["taken"])
    assert found == (INTERACTION, {"first_name": "Ann"}, "number", False)


def soap_route(answer: Answer) -> None:
    assert "<ns2:kind>skill<" in answer.body or (answer.status == 500 and "<f:reason>route_exists<" in answer.body)


def call_flow(printed: str) -> None:
    for expected in (
        "lent by GMS: 5550100 with the code ",
        '"data":{"first_name":"Ann"}',
        '"access_code":"5550100"',
        "<ns2:taken>true<",
        "<ns2:value>Ann<",
        "<ns2:accessCode>5550100<",
    ):
        assert expected in printed, expected
    assert '"description":"data create success"' in printed or '"returnCode":"120002"' in printed


def native_create(answer: Answer) -> None:
    if answer.status != 409:
        assert (answer.status, answer.headers["location"]) == (201, "/gateway/v1/numbers/6504664150")


def native_lend(answer: Answer) -> None:
    assert answer.status == 201 and len(json.loads(answer.body)["code"]) == 4


def native_route(answer: Answer) -> None:
    told = json.loads(answer.body)
    assert (answer.status, told.get("skill")) == (201, 7) or (answer.status == 409 and "routed already" in told["detail"])


def native_import(answer: Answer) -> None:
    told = json.loads(answer.body)
    if answer.status == 422:
        assert (told["bad_rows"]["total"], told["bad_rows"]["rows"][0]["line"]) == (6, 2)
    else:
        assert (answer.status, told) == (200, {"rows": 6, "created": 6, "skipped": 0})


def native_export(answer: Answer) -> None:
    lines = answer.body.splitlines()
    assert lines[0] == "number,dnid,group,enabled" and "380974520209,0209,test,true" in lines


def native_groups(answer: Answer) -> None:
    groups = {group["group"]: group["counts"] for group in json.loads(answer.body)["items"]}
    assert all(groups[name]["allocated"] == 0 for name in ("DNIS", "test", "samples")), groups


def freed(answer: Answer) -> None:
    assert answer.status == 204


CHECKS = {
    "gms/request-access": lambda answer: gms_lent(answer, "request-access"),
    "gms/request-access-code": lambda answer: gms_lent(answer, "request-access", "[0-9]{4}"),
    "gms/request-interaction": request_interaction,
    "gms/match-interaction": gms_matched,
    "gms/match-interaction-code": gms_matched,
    "gms/match-interaction-data": match_data,
    "gms/match-interaction-multiple": match_multiple,
    "gms/match-interaction-delete": match_delete,
    "interact/create": rest_create,
    "interact/create-soap": soap_create,
    "interact/allocate": rest_allocate,
    "interact/allocate-soap": soap_allocate,
    "interact/get": says("Unique Id 3"),
    "interact/get-soap": soap_says("GetDnisAllocation", "Unique Id 3"),
    "interact/free": is_empty_200,
    "interact/free-soap": soap_says("FreeDnisAllocation", "Success"),
    "aicc/token": token,
    "aicc/create": aicc("data create success", repeated=True),
    "aicc/query": aicc_query,
    "aicc/modify": aicc("data update success"),
    "aicc/delete": aicc_delete,
    "aicc/access-codes": aicc_codes,
    "aicc/skills": aicc_skills,
    "aicc/ivr-flows": aicc_flows,
    "aicc/create-skill": aicc("data create success", repeated=True),
    "aicc/modify-skill": aicc("data update success"),
    "aicc/delete-skill": aicc("Success"),
    "gateway/request-access-soap": has("<ns2:number>6504664", "<ns2:code>"),
    "gateway/match-interaction-soap": has(f"<ns2:interaction>{INTERACTION}<"),
    "gateway/resolve-call": resolved,
    "gateway/resolve-call-soap": has(f"<ns2:interaction>{INTERACTION}<"),
    "gateway/create-called-route-soap": soap_route,
    "gateway/call-flow": call_flow,
    "native/create": native_create,
    "native/lend": native_lend,
    "native/free": freed,
    "native/groups": native_groups,
    "native/route": native_route,
    "native/import": native_import,
    "native/export": native_export,
}
"""What every script prints, whatever ran before it; an assertion that fails says that it is something else."""


def in_any_order(run: Runner, order: list[str], when: str, checks: Checks) -> None:
    """Runs the scripts in this order, and looks whether one of them left a number lent."""
    for name in order:
        printed = ""
        try:
            printed = run.printed(name)
            CHECKS[name](printed if name == "gateway/call-flow" else run.answer(printed))
            checks.check(True, f"{when}: {name} prints what is documented")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with an answer is a finding, never the end of the run
            why_not = f"{type(error).__name__} {error}: {printed}"
            checks.check(False, f"{when}: {name} prints what is documented", why_not)
    with checks.part(f"{when}: no script leaves a number lent"):
        native_groups(run("native/groups"))


def gms_arguments(run: Runner, checks: Checks) -> None:
    lent = run.keeping("gms/request-access").xml("request-access")
    checks.check(lent["_expiration_time"] in ("29", "30"), "request-access books for 30 s by default", str(lent))
    gms_matched(run("gms/match-interaction", lent["_access_number"]))
    answer = run("gms/match-interaction", lent["_access_number"])
    checks.equal(answer.status, 404, "a second match-interaction finds nothing: the number is free again")
    lent = run.keeping("gms/request-access-code").xml("request-access")
    checks.check(lent["_expiration_time"] in ("119", "120"), "the booking lasts as long as asked for", str(lent))
    wrong = "1111" if lent["_access_code"] != "1111" else "2222"
    answer = run("gms/match-interaction-code", lent["_access_number"], wrong)
    checks.equal(answer.status, 404, "match-interaction with a wrong code finds nothing")
    gms_matched(run("gms/match-interaction-code", lent["_access_number"], lent["_access_code"]))
    started = run.keeping("gms/request-interaction").xml("request-interaction")
    matched = json.loads(run("gms/match-interaction-data", started["_access_number"]).body)
    checks.equal(matched["_id"], started["_id"], "the interaction that was started is the one that is recognised")


def interact_arguments(run: Runner, checks: Checks) -> None:
    phone = run.keeping("interact/allocate").body
    checks.equal(run("interact/get", phone).body, "Unique Id 3", "REST Get answers the unique id")
    soap = run("interact/get-soap", phone).soap_result("GetDnisAllocation")
    checks.equal(soap, "Unique Id 3", "and so does SOAP Get")
    is_empty_200(run("interact/free", phone))
    checks.equal(run("interact/get", phone).body, "", "after Free REST Get is an empty 200")
    free = run("interact/free-soap", "222").soap_result("FreeDnisAllocation")
    checks.equal(free, "Phone number 222 was not found", "SOAP Free of a number that is not lent: the documentation's text")
    for name in ("get", "free"):
        answer = run(f"interact/{name}", "999000")
        checks.equal(
            (answer.status, answer.body),
            (404, "Phone number 999000 was not found"),
            f"REST {name.title()} of an unknown number is a 404 that says so",
        )


def aicc_arguments(run: Runner, checks: Checks) -> None:
    run("aicc/create")
    [route] = json.loads(run("aicc/query").body)["data"]["calledRouteList"]
    aicc("data update success")(run("aicc/modify", route["id"]))
    answer = run("aicc/delete", f"{route['dnid']},99")
    checks.equal(
        (answer.status, json.loads(answer.body)["data"]["content"]),
        (500, "Success:991141111,Failed:99"),
        "deleteCalledRoute tells what it deleted and what not",
    )
    skills = json.loads(run("aicc/create-skill").body)
    checks.equal(skills["returnCode"], "120002", "a queue of the same name is refused")


def gateway_arguments(run: Runner, checks: Checks) -> None:
    lent = run.keeping("gateway/request-access-soap")
    number = re.search("<ns2:number>([0-9]+)<", lent.body)[1]
    resolved(run("gateway/resolve-call", number))
    has(f"<ns2:interaction>{INTERACTION}<")(run("gateway/match-interaction-soap", number))
    answer = run("gateway/match-interaction-soap", number)
    checks.check(
        answer.status == 500 and "<f:reason>no_match<" in answer.body, "a second match is a fault that says so", answer.body
    )
    checks.equal(run("gateway/resolve-call", number).status, 404, "a number that nobody holds and no route names is a 404")


def native_arguments(run: Runner, checks: Checks) -> None:
    allocation = json.loads(run.keeping("native/lend").body)
    freed(run("native/free", allocation["id"]))
    answer = run("native/free", allocation["id"])
    checks.equal(answer.status, 404, "an allocation that has ended is not there any more")
    lines = run("native/export", "night, weekend".replace(" ", "%20")).body.splitlines()
    checks.equal(lines[-1], '2111234600,4600,"night, weekend",true', "an export of a group has its numbers")


def usage_is_told(script: Path) -> bool:
    """Whether a script says in its first lines what it takes."""
    return any(line.startswith("# Usage: ") for line in script.read_text().splitlines()[:5])


def main(binary: str, seed: int) -> int:
    checks = Checks()
    scripts = {str(script.relative_to(SAMPLES).with_suffix("")): script for script in SAMPLES.glob("*/*.sh")}
    checks.equal(sorted(scripts), sorted(CHECKS), "every sample script has its check")
    silent = sorted(name for name, script in scripts.items() if not usage_is_told(script))
    checks.equal(silent, [], "every script says what it takes")
    print(f"the orders are those of the seed {seed}")
    chance = random.Random(seed)
    order = sorted(scripts)
    try:
        with Demo(binary) as gateway:
            for when in ("the first time", "the second time"):
                chance.shuffle(order)
                in_any_order(Runner(gateway.base), order, when, checks)
            gateway.restart()
            chance.shuffle(order)
            in_any_order(Runner(gateway.base), order, "after a restart", checks)
            for story in (gms_arguments, interact_arguments, aicc_arguments, gateway_arguments, native_arguments):
                with checks.part(f"sample story {story.__name__} runs to its end"):
                    story(Runner(gateway.base), checks)
    except DemoError as error:
        checks.check(False, "a demo gateway for the samples", str(error))
    return checks.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1_000_000)))
