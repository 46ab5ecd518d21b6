#!/usr/bin/env python3
"""Kills the primary of three PostgreSQL nodes under Patroni (`synchronous_mode: true`, strict) while two gateways lend and
free, and holds what their clients saw against what one store could have shown (`../cluster/history.py`).

    main.py PATRONI_PROGRAMS BINARY KILLS

Of the kills every second hits the postmaster alone, which its Patroni starts again in its place; the others hit both, and
another node takes over. The next kill waits until all nodes have found together. The longest time in which no gateway
acknowledged a change is printed for both kinds. Then a control: with asynchronous replication, and a primary that dies
while its standbys are behind, the same check must find that something acknowledged is lost.

Prints a line for each check. Started by `run`, which says what is needed.
"""

import os
import random
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cluster"), str(HERE.parent / "clients")]

from checks import Checks  # noqa: E402
from clients import Load  # noqa: E402
from gateway import Gateway, postgres_store  # noqa: E402
from history import Operation, longest_pause, violations  # noqa: E402
from nodes import TTL, Nodes  # noqa: E402

PAUSE_LIMIT = 3.0 * TTL
"""Seconds after which changes must be acknowledged again, by themselves. The place of a silent leader is free after `TTL`."""


def gateways(stack: ExitStack, binary: str, nodes: Nodes, more: str) -> list[Gateway]:
    stores = [postgres_store(f"{nodes.url()}&application_name=gateway-{n}", more) for n in (1, 2)]
    return [stack.enter_context(Gateway(binary, f"gateway-{n}", store)) for n, store in enumerate(stores, 1)]


def pause_of_all(history: list[Operation], begin: float, end: float) -> float:
    """The longest time in which no gateway acknowledged a change."""
    return longest_pause([Operation(op.call, 0, op.sent, op.answered, wrote=op.wrote) for op in history], 0, begin, end)


def failovers(checks: Checks, patroni: str, binary: str, kills: int) -> None:
    with ExitStack() as stack:
        nodes = stack.enter_context(Nodes(patroni))
        both = gateways(stack, binary, nodes, "require_synchronous = true")
        load = stack.enter_context(Load(random.randrange(1_000_000), [gateway.port for gateway in both]))
        spans = []
        for kill in range(kills):
            leader = nodes.settled()
            time.sleep(2)
            began = time.monotonic()
            if kill % 2 == 0:
                kind = "the postmaster alone"
                nodes.new_leader(leader, leader.kill_postmaster())
            else:
                kind = "postmaster and Patroni"
                leader.kill()
                nodes.new_leader(leader)
                leader.start()
            nodes.settled()
            for gateway in both:
                gateway.wait_ready()
            time.sleep(2)
            spans.append((kind, began, time.monotonic()))
            print(f"  kill {kill + 1} of {leader.name}, {kind}: settled after {time.monotonic() - began - 2:.1f} s", flush=True)
        load.tell("stop")
        load.tell("audit")
        history, strange = load.history()
    found = violations(history, complete=True)
    checks.check(not found, f"{kills} kills: nothing acknowledged is lost, and nothing is lent twice", f"{len(found)}: " + "\n".join(found[:5]))
    checks.equal(strange[:5], [], f"{kills} kills: no client is told what it should not be told")
    for kind in dict.fromkeys(kind for kind, _, _ in spans):
        pauses = [pause_of_all(history, began, settled) for of, began, settled in spans if of == kind]
        checks.check(max(pauses) < PAUSE_LIMIT, f"{kind}: changes are acknowledged again by themselves", f"after {max(pauses):.1f} s")
        print(f"  {kind}, {len(pauses)} kills: no change was acknowledged for {min(pauses):.1f} to {max(pauses):.1f} s", flush=True)
    print(f"  {len(history)} operations, {sum(op.wrote for op in history)} changes acknowledged, {sum(op.answered is None for op in history)} left open", flush=True)


def control(checks: Checks, patroni: str, binary: str) -> None:
    """What must not happen above happens here, and is found."""
    with ExitStack() as stack:
        nodes = stack.enter_context(Nodes(patroni, synchronous=False))
        both = gateways(stack, binary, nodes, "")
        load = stack.enter_context(Load(1, [gateway.port for gateway in both]))
        time.sleep(3)
        leader = nodes.settled()
        senders = leader.freeze_senders()
        checks.equal(len(senders), 2, "control: the standbys fall behind")
        time.sleep(2)
        leader.kill()
        for sender in senders:
            os.kill(sender, signal.SIGKILL)
        nodes.new_leader(leader)
        for gateway in both:
            gateway.wait_ready(120)
        time.sleep(2)
        load.tell("stop")
        load.tell("audit")
        history, _ = load.history()
    found = violations(history, complete=True)
    checks.check(any("times in its history" in one or "and yet" in one for one in found), "control: what asynchronous replication loses is found", f"{len(found)} found")
    print(f"  {len(found)} violations, such as: {found[0] if found else '-'}")


def main(arguments: list[str]) -> int:
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    patroni, binary, kills = arguments[0], arguments[1], int(arguments[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    checks = Checks()
    with checks.part("the primary is killed again and again"):
        failovers(checks, patroni, binary, kills)
    with checks.part("control: asynchronous replication"):
        control(checks, patroni, binary)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
