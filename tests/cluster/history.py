"""What clients of several gateways saw, and whether one store that does one thing after the other could have shown it.

A history is a list of operations, each with the time it was sent and the time its answer was there (`None`: there was no
answer, or one that leaves open what became of it; it may take effect at any time after it was sent), and with facts:

    ("began", key, holder, lasting)  the answer says that `holder` has `key` from now on, for so many seconds at most
    ("held", key, holder)            the answer says that `holder` has `key`
    ("free", key)                    the answer says that nobody has `key`
    ("gone", key, holder)            the answer says that `holder`, at least, does not have `key`
    ("ended", key, holder)           the answer says that `holder` has `key` no more, by this operation
    ("may-end", key, holder)         whatever was answered, `holder` may have lost `key` by this operation; with None,
                                     whoever has it then
    ("kept", key, holder)            the record of the past says that `holder` had `key` (or has it)

A key is a number, a number with an access code, or a called route; a holder is what has it: an interaction, a skill queue.
A holder has a key once and only one key, and never again after its end. So each holder of a key had it in one stretch of
time, and what is known of that stretch is: from the first answer that shows it, it is certain until the last request that
was still answered by it, and beyond that until somebody may have ended it or its time is over.

Needs nothing beyond the standard library.
"""

from collections import defaultdict
from dataclasses import dataclass, field

NEVER = float("inf")
CLOCKS = 0.5
"""Seconds that an answer may be later than a deadline by the clock of this machine."""


@dataclass
class Operation:
    """One request. Times are seconds of the machine's monotonic clock."""

    call: str
    gateway: int
    sent: float
    answered: float | None
    facts: list = field(default_factory=list)
    wrote: bool = False
    """Whether the answer acknowledged a change."""
    why: str = ""
    """Why there is no answer that says what happened."""

    def __str__(self) -> str:
        until = "-" if self.answered is None else f"{self.answered:.6f}"
        return f"{self.call} at gateway {self.gateway} [{self.sent:.6f}, {until}] {self.facts}"


@dataclass
class Stretch:
    """What is known of one holder of one key."""

    key: str
    holder: str
    proofs: list = field(default_factory=list)
    began: Operation | None = None
    ended: Operation | None = None
    may_end: float = NEVER
    earliest_deadline: float = NEVER
    latest_deadline: float = NEVER
    certain_from: float = NEVER
    certain_until: float = -NEVER

    def conclude(self, by_anybody: list[float]) -> None:
        """Works out when it is certain that the holder had the key. `by_anybody`: when requests were sent that may have
        ended whoever had it."""
        self.certain_from = min(proof.answered for proof in self.proofs)
        last_proof = max(proof.sent for proof in self.proofs)
        end = min([self.may_end, self.earliest_deadline, *by_anybody])
        self.certain_until = max(last_proof, end if self.began else -NEVER)

    @property
    def certain(self) -> bool:
        return self.certain_from < self.certain_until

    def encloses(self, operation: Operation) -> bool:
        return self.certain_from < operation.sent and operation.answered < self.certain_until


def violations(history: list[Operation], complete: bool = False) -> list[str]:
    """What no such store could have shown, each in words. `complete`: the history ends with a look at the record of the past
    for every key of numbers, so that what was acknowledged and is not in it is missing."""
    stretches, free, gone, by_anybody, kept = gather(history)
    found: list[str] = []
    holders: dict[str, dict[str, Operation]] = defaultdict(dict)
    for key, of_key in stretches.items():
        for stretch in of_key.values():
            stretch.conclude(by_anybody[key])
            found += alone(stretch)
            found += [denied(stretch, operation) for operation in gone[key, stretch.holder] if stretch.encloses(operation)]
            holders[stretch.holder][key] = stretch.proofs[0]
        found += together(key, list(of_key.values()), free[key])
    for holder, keys in holders.items():
        if len(keys) > 1:
            found.append(f"{holder} was given more than it asked for: " + "; ".join(f"{key} by {op}" for key, op in keys.items()))
    if complete:
        found += missing(stretches, kept)
    return found


def gather(history: list[Operation]):
    """Everything known of each key."""
    stretches: dict[str, dict[str, Stretch]] = defaultdict(dict)
    free, gone, by_anybody, kept = (defaultdict(list) for _ in range(4))
    for operation in history:
        for kind, key, *rest in operation.facts:
            if kind == "may-end" and rest[0] is None:
                by_anybody[key].append(operation.sent)
            elif kind == "free":
                free[key].append(operation)
            elif kind == "gone":
                gone[key, rest[0]].append(operation)
            elif kind == "kept":
                kept[key].append(rest[0])
            elif kind != "may-end":
                stretch = stretches[key].setdefault(rest[0], Stretch(key, rest[0]))
                stretch.proofs.append(operation)
                if kind == "began":
                    stretch.began = operation
                    stretch.earliest_deadline = operation.sent + rest[1]
                    stretch.latest_deadline = operation.answered + rest[1]
    endings(history, stretches)
    return stretches, free, gone, by_anybody, kept


def endings(history: list[Operation], stretches) -> None:
    """Who ended what, and who may have."""
    for operation in history:
        for kind, key, *rest in operation.facts:
            stretch = stretches[key].get(rest[0]) if rest else None
            if stretch and kind == "may-end":
                stretch.may_end = min(stretch.may_end, operation.sent)
            elif stretch and kind == "ended":
                stretch.may_end = min(stretch.may_end, operation.sent)
                if stretch.ended is None or operation.answered < stretch.ended.answered:
                    stretch.ended = operation


def alone(stretch: Stretch) -> list[str]:
    """What is wrong with one holder of a key, whatever others did."""
    found = []
    name = f"{stretch.holder} has {stretch.key}"
    for proof in stretch.proofs:
        if stretch.began and proof is not stretch.began and proof.answered < stretch.began.sent:
            found.append(f"{name} before it was asked for: {proof}, asked for by {stretch.began}")
        if stretch.ended and proof is not stretch.ended and proof.sent > stretch.ended.answered:
            found.append(f"{name} after its end was acknowledged: {proof}, ended by {stretch.ended}")
        if proof.sent > stretch.latest_deadline + CLOCKS:
            found.append(f"{name} after its time was over: {proof}, lent by {stretch.began}")
    ended = [op for op in stretch.proofs if ("ended", stretch.key, stretch.holder) in [tuple(fact) for fact in op.facts]]
    if len(ended) > 1:
        found.append(f"{name} and it was ended twice: {ended[0]} and {ended[1]}")
    return found


def together(key: str, stretches: list[Stretch], free: list[Operation]) -> list[str]:
    """What is wrong between the holders of one key."""
    found = []
    certain = sorted((stretch for stretch in stretches if stretch.certain), key=lambda stretch: stretch.certain_from)
    latest = None
    for stretch in certain:
        if latest and stretch.certain_from < latest.certain_until:
            found.append(
                f"{key} had two holders at a time: {latest.holder} from {latest.certain_from:.6f} to "
                f"{latest.certain_until:.6f} and {stretch.holder} from {stretch.certain_from:.6f}: {latest.proofs[0]}; {stretch.proofs[0]}"
            )
        if latest is None or stretch.certain_until > latest.certain_until:
            latest = stretch
    for stretch in certain:
        others = (proof for other in stretches if other is not stretch for proof in other.proofs)
        for operation in (*others, *free):
            if stretch.encloses(operation):
                found.append(denied(stretch, operation))
    return found


def denied(stretch: Stretch, operation: Operation) -> str:
    return (
        f"{stretch.key} was {stretch.holder}'s from {stretch.certain_from:.6f} to {stretch.certain_until:.6f}, shown by "
        f"{min(stretch.proofs, key=lambda proof: proof.answered)}, and yet: {operation}"
    )


def missing(stretches, kept) -> list[str]:
    """What was acknowledged and is not in the record of the past, or twice."""
    found = []
    for key, of_key in stretches.items():
        if not key.startswith("number "):
            continue
        for holder, stretch in of_key.items():
            times = kept[key].count(holder)
            if times != 1 and (stretch.began or stretch.ended):
                found.append(f"{holder} had {key} and is {times} times in its history: {stretch.proofs[0]}")
    return found


def longest_pause(history: list[Operation], gateway: int, begin: float, end: float) -> float:
    """The longest time between `begin` and `end` in which a gateway acknowledged no change."""
    times = sorted(op.answered for op in history if op.gateway == gateway and op.wrote and begin <= op.answered <= end)
    points = [begin, *times, end]
    return max(after - before for before, after in zip(points, points[1:]))
