#!/usr/bin/env python3
"""Runs every script under `samples/` against fresh demo gateways and checks the documented answer.

Usage: `samples.py BINARY`. The scripts run exactly as a reader runs them, with only BASE set; those that need a number
or a code from an earlier answer get it as their argument. A script that no check here ran is a failed check, so that no
sample can rot unseen. One line per check.
"""

import json
import os
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
NUMBER = re.compile(r"650466413[0-9]")
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
    """Runs sample scripts against one gateway and remembers which."""

    ran: set[Path] = set()

    def __init__(self, base: str):
        self._environment = dict(os.environ, BASE=base)

    def __call__(self, name: str, *arguments: str) -> Answer:
        head, _, body = self.printed(name, *arguments).partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return Answer(int(status.split()[1]), {name.lower(): value for name, value in headers.items()}, body)

    def printed(self, name: str, *arguments: str) -> str:
        """Everything that a script prints."""
        script = SAMPLES / f"{name}.sh"
        Runner.ran.add(script)
        command = ["sh", str(script), *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, timeout=60, check=False)
        if done.returncode != 0:
            raise OSError(f"{script.name} exited with {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()


def request_access(run: Runner, checks: Checks) -> None:
    answer = run("gms/request-access")
    members = answer.xml("request-access")
    checks.equal(answer.status, 200, "request-access, the documentation's example, answers 200")
    checks.equal(
        list(members),
        ["_access_number", "_expiration_time", "_id"],
        "request-access answers number, time and id, as in the documentation's example",
    )
    checks.check(bool(NUMBER.fullmatch(members["_access_number"])), "request-access lends a number of DNIS", answer.body)
    checks.check(members["_expiration_time"] in ("29", "30"), "request-access books for 30 s by default", answer.body)
    checks.equal(members["_id"], INTERACTION, "request-access answers the interaction's id")

    answer = run("gms/match-interaction", members["_access_number"])
    matched = answer.xml("match-interaction")
    checks.equal(list(matched), ["_data_id", "_id"], "match-interaction answers id and data id")
    checks.equal(matched["_id"], INTERACTION, "match-interaction recognises the interaction")
    answer = run("gms/match-interaction", members["_access_number"])
    checks.equal(answer.status, 404, "a second match-interaction finds nothing: the number is free again")


def access_code(run: Runner, checks: Checks) -> None:
    answer = run("gms/request-access-code")
    lent = answer.xml("request-access")
    checks.check(bool(re.fullmatch("[0-9]{4}", lent.get("_access_code", ""))), "a code of four digits", answer.body)
    checks.check(lent["_expiration_time"] in ("119", "120"), "the booking lasts as long as asked for", answer.body)
    wrong = "1111" if lent["_access_code"] != "1111" else "2222"
    answer = run("gms/match-interaction-code", lent["_access_number"], wrong)
    checks.equal(answer.status, 404, "match-interaction with a wrong code finds nothing")
    answer = run("gms/match-interaction-code", lent["_access_number"], lent["_access_code"])
    matched = answer.xml("match-interaction")
    checks.equal(matched["_id"], INTERACTION, "match-interaction recognises by number, code and caller")


def several_matches(run: Runner, checks: Checks) -> None:
    lent = run("gms/request-access").xml("request-access")
    answer = run("gms/match-interaction-multiple", lent["_access_number"])
    checks.check("json" in answer.headers.get("content-type", ""), "the list of matches is JSON", str(answer.headers))
    matches = json.loads(answer.body)
    found = [match["_id"] for match in matches["matches"]]
    checks.equal((list(matches), found), (["matches"], [INTERACTION]), "match-interaction lists the one match")


def user_data(run: Runner, checks: Checks) -> None:
    started = run("gms/request-interaction").xml("request-interaction")
    checks.check(
        bool(INSTANCE_ID.fullmatch(started["_id"]) and NUMBER.fullmatch(started["_access_number"])),
        "request-interaction starts an interaction and lends it a number",
        str(started),
    )
    checks.check(bool(re.fullmatch("[0-9]{6}", started["_access_code"])), "its code has six digits", str(started))
    matched = json.loads(run("gms/match-interaction-data", started["_access_number"]).body)
    expected = {"customer_name": "Ann", "language": "fr"}
    checks.equal(
        (matched["_id"], matched["user_data"]),
        (started["_id"], expected),
        "match-interaction gives back the user data that request-interaction brought",
    )


def deleted_service(run: Runner, checks: Checks) -> None:
    lent = run("gms/request-access").xml("request-access")
    answer = run("gms/match-interaction-delete", lent["_access_number"])
    checks.equal(answer.xml("match-interaction")["_id"], INTERACTION, "match-interaction recognises and deletes")
    answer = run("gms/request-access")
    checks.equal(answer.status, 404, "after that the interaction is unknown to request-access")


def interact_rest(run: Runner, checks: Checks) -> None:
    answer = run("interact/create")
    checks.check(answer.status == 200 and answer.body.isdecimal(), "REST Create answers the number's id", answer.body)
    answer = run("interact/create")
    checks.equal(
        (answer.status, answer.body),
        (409, "Cannot create Phone '2111234567'. A phone with that name already exists"),
        "REST Create of the same number again is refused",
    )
    answer = run("interact/free")
    checks.equal((answer.status, answer.body), (200, ""), "REST Free of a number that is not lent is an empty 200")
    answer = run("interact/allocate")
    checks.check(
        answer.status == 200 and bool(re.fullmatch("38097452020[0-9]|2111234567", answer.body)),
        "REST Allocate lends a number of the group test",
        f"{answer.status} {answer.body}",
    )
    phone = answer.body
    answer = run("interact/get", phone)
    checks.equal((answer.status, answer.body), (200, "Unique Id 3"), "REST Get answers the unique id")
    answer = run("interact/free", phone)
    checks.equal((answer.status, answer.body), (200, ""), "REST Free is an empty 200")
    answer = run("interact/get", phone)
    checks.equal((answer.status, answer.body), (200, ""), "after it REST Get is an empty 200")
    for name in ("get", "free"):
        answer = run(f"interact/{name}", "999000")
        checks.equal(
            (answer.status, answer.body),
            (404, "Phone number 999000 was not found"),
            f"REST {name.title()} of an unknown number is a 404 that says so",
        )


def interact_soap(run: Runner, checks: Checks) -> None:
    result = run("interact/create-soap").soap_result("CreatePhone")
    checks.check(result.isdecimal(), "SOAP Create answers the number's id", result)
    free = run("interact/free-soap")
    checks.equal(
        free.soap_result("FreeDnisAllocation"),
        "Phone number 222 was not found",
        "SOAP Free of a number that is not lent gives the documentation's text",
    )
    checks.equal(run("interact/get-soap").soap_result("GetDnisAllocation"), "", "SOAP Get of a free number is empty")
    lent = run("interact/allocate-soap").soap_result("AllocateDnis")
    checks.check(lent in ("111", "222", "2111234560"), "SOAP Allocate lends a number of the group samples", lent)
    answer = run("interact/get", lent)
    checks.equal(answer.body, "Unique Id 3", "REST sees what SOAP lent")
    # The documentation's envelope frees 222, so lend until it is that one's turn.
    with_222 = lend_222(run)
    checks.check(with_222, "222 can be lent")
    result = run("interact/free-soap").soap_result("FreeDnisAllocation")
    checks.equal(result, "Success", "SOAP Free, the documentation's envelope, answers Success")


def lend_222(run: Runner) -> bool:
    """Frees and lends again, one interaction having one number at a time, until the number lent is 222."""
    for _ in range(10):
        lent = run("interact/allocate-soap").soap_result("AllocateDnis")
        if lent == "222":
            return True
        run("interact/free", lent)
    return False


def aicc_routes(run: Runner, checks: Checks) -> None:
    granted = json.loads(run("aicc/token").body)
    checks.equal(
        (granted["ApplyType"], granted["Expires"], granted["UserID"]),
        ("Bearer", "600", "Anonymous"),
        "tokenByAkSk grants a token for the time asked for",
    )
    answer = run("aicc/create")
    checks.equal(
        (answer.status, json.loads(answer.body)),
        (200, {"returnCode": "0", "description": "data create success"}),
        "createCalledRoute, the documentation's example, gives the documentation's answer",
    )
    answer = run("aicc/create")
    checks.equal(
        (answer.status, json.loads(answer.body)["returnCode"]), (500, "120002"), "the same number again is refused"
    )
    listed = json.loads(run("aicc/query").body)["data"]
    [route] = listed["calledRouteList"]
    checks.equal(
        (listed["total"], route["extCode"], route["deviceId"], route["mediatypeId"]),
        (1, "11", 1, 19),
        "queryCalledRoute lists the route",
    )
    answer = run("aicc/modify", route["id"])
    checks.equal(json.loads(answer.body)["description"], "data update success", "modifyCalledRoute answers as documented")
    answer = run("aicc/delete", f"{route['dnid']},99")
    checks.equal(
        (answer.status, json.loads(answer.body)["data"]["content"]),
        (500, "Success:991141111,Failed:99"),
        "deleteCalledRoute tells what it deleted and what not",
    )
    checks.equal(json.loads(run("aicc/query").body)["data"]["total"], 0, "after it there is no route")


def aicc_lists(run: Runner, checks: Checks) -> None:
    codes = json.loads(run("aicc/access-codes").body)["data"]
    checks.equal([code["accessCode"] for code in codes["calledRouteList"]], ["5550100"], "the access codes are listed")
    skills = json.loads(run("aicc/skills").body)
    checks.equal([skill["name"] for skill in skills["data"]], ["sales-voice"], "the skill queue is listed")
    flows = json.loads(run("aicc/ivr-flows").body)
    checks.equal(
        (flows["retCode"], [flow["description"] for flow in flows["result"]]), ("0", ["main-menu"]), "the flows are listed"
    )
    made = str(json.loads(run("aicc/create-skill").body)["data"]["skillId"])
    for name, description in (("modify-skill", "data update success"), ("delete-skill", "Success")):
        answer = run(f"aicc/{name}", made)
        checks.equal(json.loads(answer.body)["description"], description, f"{name} answers as documented")


def gateway_soap(run: Runner, checks: Checks) -> None:
    lent = run("gateway/request-access-soap")
    checks.check("<ns2:number>6504664130<" in lent.body, "RequestAccess lends the first number of DNIS", lent.body)
    seen = json.loads(run("gateway/resolve-call").body)
    [candidate] = seen["candidates"]
    checks.equal(
        (candidate["interaction"], candidate["data"], candidate["reason"], seen["taken"]),
        (INTERACTION, {"first_name": "Ann"}, "number", False),
        "a call is resolved over JSON with the user data, and not taken",
    )
    answer = run("gateway/resolve-call-soap")
    checks.check(f"<ns2:interaction>{INTERACTION}<" in answer.body, "ResolveCall tells the same", answer.body)
    answer = run("gateway/match-interaction-soap")
    checks.check(f"<ns2:interaction>{INTERACTION}<" in answer.body, "MatchInteraction recognises it", answer.body)
    answer = run("gateway/match-interaction-soap")
    checks.check(
        answer.status == 500 and "<f:reason>no_match<" in answer.body, "and not a second time: a fault", answer.body
    )
    checks.equal(run("gateway/resolve-call").status, 404, "a number that nobody holds and no route names is a 404")
    answer = run("gateway/create-called-route-soap")
    checks.check("<ns2:kind>skill<" in answer.body, "CreateCalledRoute makes the route", answer.body)


def call_flow(run: Runner, checks: Checks) -> None:
    printed = run.printed("gateway/call-flow")
    for expected in (
        "lent by GMS: 5550100 with the code ",
        '"description":"data create success"',
        '"data":{"first_name":"Ann"}',
        '"access_code":"5550100"',
        "<ns2:taken>true<",
        "<ns2:value>Ann<",
        "<ns2:accessCode>5550100<",
    ):
        checks.check(expected in printed, f"the call flow prints {expected}", printed)
def many_numbers(run: Runner, checks: Checks) -> None:
    answer = run("native/import")
    checks.equal(
        (answer.status, json.loads(answer.body)),
        (200, {"rows": 6, "created": 6, "skipped": 0}),
        "the sample file of numbers is imported",
    )
    answer = run("native/import")
    problem = json.loads(answer.body)
    checks.equal((answer.status, problem["bad_rows"]["total"]), (422, 6), "a second time every row is a bad one")
    checks.equal(problem["bad_rows"]["rows"][0]["line"], 2, "and is told with its line")
    lines = run("native/export", "test").body.splitlines()
    checks.equal(len(lines), 13, "an export of a group has its numbers and a heading")
    checks.equal(lines[-1], "380974520301,380974520301,test,true", "and shows what was left out in the file")


def native(run: Runner, checks: Checks) -> None:
    """The gateway's own API: a number is made, lent and freed, the groups tell of it, a route is made."""
    made = run("native/create")
    checks.equal(made.status, 201, "a number is made over the gateway's own API")
    checks.equal(made.headers.get("location"), "/gateway/v1/numbers/6504664150", "the answer says where it is")
    lent = run("native/lend")
    checks.equal(lent.status, 201, "a number is lent over the gateway's own API")
    allocation = json.loads(lent.body)
    checks.check(len(allocation["code"]) == 4, "the access code has the four digits asked for", lent.body)
    groups = {group["group"]: group for group in json.loads(run("native/groups").body)["items"]}
    checks.equal(groups["DNIS"]["counts"]["allocated"], 1, "the group tells of the number that is lent")
    checks.equal(groups["DNIS"]["numbers"], 11, "the group has the number that was made")
    checks.equal(run("native/free", allocation["id"]).status, 204, "the number is freed by the allocation's id")
    checks.equal(json.loads(run("native/route").body)["skill"], 7, "a called route leads to the skill queue")


def main(binary: str) -> int:
    checks = Checks()
    stories = (
        request_access,
        access_code,
        several_matches,
        user_data,
        deleted_service,
        interact_rest,
        interact_soap,
        aicc_routes,
        aicc_lists,
        gateway_soap,
        call_flow,
        many_numbers,
        native,
    )
    for story in stories:
        try:
            with Demo(binary) as gateway, checks.part(f"sample story {story.__name__} runs to its end"):
                story(Runner(gateway.base), checks)
        except DemoError as error:
            checks.check(False, f"a demo gateway for {story.__name__}", str(error))
    never = sorted(str(script.relative_to(SAMPLES)) for script in set(SAMPLES.rglob("*.sh")) - Runner.ran)
    checks.equal(never, [], "every sample script was run")
    return checks.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
