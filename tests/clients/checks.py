"""Counts and prints checks, one line each: `ok - what holds` or `not ok - what should hold: why not`."""

import sys
import traceback
from contextlib import contextmanager


class Checks:
    """The checks of one script."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def check(self, holds: bool, what: str, why_not: str = "") -> bool:
        """One check; `why_not` is printed when it fails."""
        if holds:
            self.passed += 1
            print(f"ok - {what}", flush=True)
        else:
            self.failed += 1
            print(f"not ok - {what}" + (f": {why_not}" if why_not else ""), flush=True)
        return holds

    def equal(self, found, expected, what: str) -> bool:
        """One check that a value is exactly the expected one."""
        return self.check(found == expected, what, f"expected {expected!r}, found {found!r}")

    @contextmanager
    def part(self, what: str):
        """A part of the script whose unexpected error is a failed check and does not stop the parts after it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever a client throws is a finding, never the end of the run
            traceback.print_exc(file=sys.stderr)
            self.check(False, what, f"{type(error).__name__}: {error}")

    def status(self) -> int:
        """The exit status: 0 when something was checked and nothing failed."""
        return 0 if self.passed and not self.failed else 1
