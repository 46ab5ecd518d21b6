#!/usr/bin/env python3
"""The checker of histories, judged itself: what a correct store can show passes, and each planted violation is found."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from history import Operation, longest_pause, violations  # noqa: E402
from proxy import is_commit, messages  # noqa: E402

N = "number 1"


def op(sent, answered, *facts, wrote=False, gateway=0):
    return Operation("call", gateway, sent, answered, list(facts), wrote)


def lent(sent, answered, holder, key=N, lasting=600):
    return op(sent, answered, ("began", key, holder, lasting), wrote=True)


def freed(sent, answered, holder, key=N):
    return op(sent, answered, ("ended", key, holder), wrote=True)


def seen(sent, answered, holder, key=N):
    return op(sent, answered, ("held", key, holder) if holder else ("free", key))


class Correct(unittest.TestCase):
    """Nothing is found where nothing is wrong; most of these are close to a violation."""

    def passes(self, *history, **options):
        self.assertEqual(violations(list(history), **options), [])

    def test_one_after_the_other(self):
        self.passes(seen(0, 1, None), lent(1, 2, "x"), seen(3, 4, "x"), freed(5, 6, "x"), seen(7, 8, None), lent(8, 9, "y"), seen(10, 11, "y"))

    def test_operations_at_the_same_time_may_have_any_order(self):
        self.passes(lent(1, 5, "x"), seen(2, 3, None), seen(2, 4, "x"), freed(6, 9, "x"), lent(6.5, 7, "y"), seen(6.6, 8, "x"))

    def test_an_ending_without_an_answer_may_have_happened_or_not(self):
        ending = op(3, None, ("may-end", N, "x"))
        self.passes(lent(1, 2, "x"), ending, seen(4, 5, None), lent(6, 7, "y"))
        self.passes(lent(1, 2, "x"), ending, seen(4, 5, "x"), seen(8, 9, "x"))

    def test_a_free_by_number_without_an_answer_may_end_whoever_comes_later(self):
        ending = op(3, None, ("may-end", N, None))
        self.passes(lent(1, 2, "x"), ending, seen(4, 5, None), lent(6, 7, "y"), seen(8, 9, None))

    def test_a_lend_without_an_answer_may_show_later(self):
        self.passes(op(1, None), seen(2, 3, None), seen(4, 5, "x"), freed(6, 7, "x"), seen(8, 9, None))

    def test_time_that_is_over_ends(self):
        self.passes(lent(1, 2, "x", lasting=5), seen(6.5, 7, None), lent(7, 8, "y"))
        self.passes(lent(1, 2, "x", lasting=5), seen(6.5, 7, "x"))

    def test_the_record_of_the_past_is_complete(self):
        self.passes(lent(1, 2, "x"), freed(3, 4, "x"), op(9, 10, ("kept", N, "x")), complete=True)


class Planted(unittest.TestCase):
    """Each history has one thing in it that no correct store shows."""

    def fails(self, words, *history, **options):
        found = violations(list(history), **options)
        self.assertTrue(any(words in one for one in found), f"'{words}' was not found: {found}")

    def test_two_holders(self):
        self.fails("two holders", lent(1, 2, "x"), lent(3, 4, "y"), freed(5, 6, "x"), freed(7, 8, "y"))

    def test_two_holders_of_whom_one_lost_its_answer(self):
        self.fails("and yet", lent(1, 2, "x"), op(1, None), seen(3, 4, "y"), seen(5, 6, "x"))

    def test_a_read_that_misses_what_was_acknowledged(self):
        self.fails("and yet", lent(1, 2, "x"), seen(3, 4, None), freed(5, 6, "x"))

    def test_a_refusal_that_misses_what_was_acknowledged(self):
        self.fails("and yet", lent(1, 2, "x"), op(3, 4, ("free", N)), freed(5, 6, "x"))

    def test_a_holder_told_that_it_has_nothing(self):
        self.fails("and yet", lent(1, 2, "x"), op(3, 4, ("gone", N, "x")), freed(5, 6, "x"))

    def test_a_read_that_misses_what_another_read_has_shown(self):
        self.fails("and yet", op(1, None), seen(2, 3, "x"), seen(4, 5, None), seen(6, 7, "x"))

    def test_a_read_of_what_has_ended(self):
        self.fails("after its end", lent(1, 2, "x"), freed(3, 4, "x"), seen(5, 6, "x"))

    def test_an_ending_told_twice(self):
        self.fails("ended twice", lent(1, 2, "x"), freed(3, 6, "x"), freed(4, 5, "x"))

    def test_a_read_of_the_holder_before(self):
        self.fails("and yet", lent(1, 2, "x"), op(3, None, ("may-end", N, "x")), lent(4, 5, "y"), seen(6, 7, "x"), seen(8, 9, "y"))

    def test_a_read_of_what_nobody_has_asked_for_yet(self):
        self.fails("before it was asked for", seen(1, 2, "x"), lent(3, 4, "x"))

    def test_a_read_after_the_time_is_over(self):
        self.fails("after its time", lent(1, 2, "x", lasting=5), seen(8, 9, "x"))

    def test_a_retry_that_lends_twice(self):
        self.fails("more than it asked for", lent(1, 2, "x"), seen(3, 4, "x", key="number 2"))

    def test_an_acknowledged_lend_that_is_gone(self):
        self.fails("0 times in its history", lent(1, 2, "x"), freed(3, 4, "x"), complete=True)
        self.fails("and yet", lent(1, 2, "x"), seen(500, 501, None))

    def test_a_lend_that_is_remembered_twice(self):
        self.fails("2 times", lent(1, 2, "x"), op(5, 6, ("kept", N, "x")), op(5, 6, ("kept", N, "x")), complete=True)

    def test_an_acknowledged_route_that_is_gone(self):
        self.fails("and yet", op(1, 2, ("began", "route 7", "r", float("inf"))), seen(3, 4, None, key="route 7"))


class Pauses(unittest.TestCase):
    def test_the_longest_pause_counts_to_both_ends(self):
        history = [lent(1, 2, "x"), lent(2, 3, "y"), op(3, 8, gateway=1, wrote=True), seen(5, 6, "x")]
        self.assertEqual(longest_pause(history, 0, 2, 10), 7)
        self.assertEqual(longest_pause(history, 1, 2, 10), 6)
        self.assertEqual(longest_pause(history, 0, 3.5, 4), 0.5)


class ProxyReads(unittest.TestCase):
    """The proxy finds a COMMIT wherever the network cuts what a client sends."""

    def test_commit_in_pieces(self):
        startup = (9).to_bytes(4, "big") + b"\0\3\0\0\0"
        query = lambda text: b"Q" + (len(text) + 5).to_bytes(4, "big") + text + b"\0"  # noqa: E731
        sent = startup + query(b"SELECT 'COMMIT'") + query(b"COMMIT") + query(b"BEGIN")
        buffer, found, begun = bytearray(), [], False
        for byte in sent:
            buffer.append(byte)
            for message in messages(buffer, begun):
                begun = True
                found.append(message)
        self.assertEqual(b"".join(found), sent)
        self.assertEqual([is_commit(message) for message in found], [False, False, True, False])


class Result(unittest.TextTestResult):
    """One line for each test, as the other scripts print them."""

    def addSuccess(self, test):
        super().addSuccess(test)
        print(f"ok - {test.id().partition('.')[2]}", flush=True)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        print(f"not ok - {test.id().partition('.')[2]}: {error[1]}", flush=True)

    def addError(self, test, error):
        super().addError(test, error)
        print(f"not ok - {test.id().partition('.')[2]}: {error[1]!r}", flush=True)


if __name__ == "__main__":
    runner = unittest.TextTestRunner(stream=open("/dev/null", "w"), resultclass=Result)
    sys.exit(0 if runner.run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])).wasSuccessful() else 1)
