"""The judges, before they judge: histories that are known to be good, and others known to be bad."""

import random

import pytest

from history import ANY, DONE, KEEP, NOTHING, REFUSED, UNKNOWN, Append, Operation, Reading, is_, is_not
from linearizable import NotLinearizable, check_register
from lines import LinesAreWrong, check_lines


def operation(begin, end, before, after=KEEP, outcome=DONE):
    return Operation("", "", begin, before, after, end, outcome)


def put(begin, end, value, outcome=DONE):
    return operation(begin, end, ANY, value, outcome)


def get(begin, end, value):
    return operation(begin, end, is_(value))


def swap(begin, end, old, new, outcome=DONE):
    return operation(begin, end, is_(old), new, outcome)


def create(begin, end, value, outcome=DONE):
    return swap(begin, end, NOTHING, value, outcome)


def exists(begin, end):
    return operation(begin, end, is_not(NOTHING))


GOOD = {
    "nothing at all": [],
    "one after another": [put(0, 1, "a"), get(2, 3, "a"), put(4, 5, "b"), get(6, 7, "b")],
    "a read beside a write sees the old value": [put(0, 1, "a"), put(2, 5, "b"), get(3, 4, "a")],
    "or the new one": [put(0, 1, "a"), put(2, 5, "b"), get(3, 4, "b")],
    "two writes at a time, seen in either order": [put(0, 9, "a"), put(0, 9, "b"), get(1, 2, "b"), get(3, 4, "a")],
    "an unknown write is never seen": [put(0, 1, "a"), put(2, 3, "b", UNKNOWN), get(4, 5, "a")],
    "an unknown write takes effect much later": [put(0, 1, "a"), put(2, 3, "b", UNKNOWN), get(4, 5, "a"),
                                                 put(6, 7, "c"), get(8, 9, "c"), get(10, 11, "b")],
    "a refused write": [put(0, 1, "a"), put(2, 3, "b", REFUSED), get(4, 5, "a")],
    "deleted": [put(0, 1, "a"), put(2, 3, NOTHING), get(4, 5, NOTHING)],
    "one of two swaps wins": [put(0, 1, "a"), swap(2, 5, "a", "b"), operation(2, 5, is_not("a")), get(6, 7, "b")],
    "an unknown swap explains a failed one": [put(0, 1, "a"), swap(2, 3, "a", "b", UNKNOWN),
                                              operation(4, 5, is_not("a"))],
    "one creation wins": [create(0, 5, "a"), exists(1, 6), exists(2, 3)],
    "the winner is unknown": [create(0, 5, "a", UNKNOWN), exists(6, 7)],
    "a lock taken in turn": [create(0, 1, "a"), exists(1, 2), operation(3, 4, is_not(NOTHING), NOTHING),
                             create(3, 5, "b")],
}

BAD = {
    "out of nowhere": [get(0, 1, "a")],
    "a stale read": [put(0, 1, "a"), put(2, 3, "b"), get(4, 5, "a")],
    "back and forth": [put(0, 1, "a"), put(2, 9, "b"), get(3, 4, "b"), get(5, 6, "a")],
    "two readers disagree on the order": [put(0, 1, "a"), put(0, 1, "b"), get(2, 3, "a"), get(4, 5, "b")],
    "a lost write": [put(0, 1, "a"), get(2, 3, NOTHING)],
    "a refused write that is seen": [put(0, 1, "a"), put(2, 3, "b", REFUSED), get(4, 5, "b")],
    "seen before it was begun": [get(0, 1, "a"), put(2, 3, "a")],
    "an unknown write seen before it was begun": [get(0, 1, "a"), put(2, 3, "a", UNKNOWN)],
    "an unknown write takes effect twice": [put(0, 1, "a"), put(2, 3, "b", UNKNOWN), get(4, 5, "b"), put(6, 7, "c"),
                                            get(8, 9, "b")],
    "both swaps win": [put(0, 1, "a"), swap(2, 5, "a", "b"), swap(2, 5, "a", "c")],
    "a swap fails for no reason": [put(0, 1, "a"), operation(2, 3, is_not("a"))],
    "both creations win": [create(0, 5, "a"), create(0, 5, "b")],
    "exists before it is made": [exists(0, 1), create(2, 3, "a")],
    "exists and was never made": [create(0, 1, "a", REFUSED), exists(2, 3)],
    "moved, and seen in both places": [swap(0, 1, NOTHING, "here"), swap(2, 5, "here", "there"),
                                       get(3, 4, ("here", "there"))],
    "moved, and seen nowhere": [swap(0, 1, NOTHING, "here"), swap(2, 5, "here", "there"), get(3, 4, ())],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_history(name):
    check_register(name, GOOD[name], NOTHING)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history(name):
    with pytest.raises(NotLinearizable):
        check_register(name, BAD[name], NOTHING)


def a_random_history(dice, count):
    """By clients of one register: each operation takes effect at one moment between its begin and its end, or, if the
    end is unknown, at any moment after its begin."""
    moments = []
    for number in range(count):
        begin = dice.uniform(0, count / 4)
        end = begin + dice.expovariate(1)
        outcome = dice.choices([DONE, UNKNOWN, REFUSED], [20, 2, 1])[0]
        effect = dice.uniform(begin, end) if outcome == DONE else dice.uniform(begin, count / 4)
        moments.append((effect, begin, end, outcome, number, dice.choice(["put", "get", "get", "create", "delete"])))
    value, history = "first", []
    for _, begin, end, outcome, number, what in sorted(moments):
        before, after = {"put": (ANY, number), "delete": (ANY, NOTHING), "get": (is_(value), KEEP),
                         "create": (is_(NOTHING), number) if value is NOTHING else (is_not(NOTHING), KEEP)}[what]
        if outcome == UNKNOWN and what == "create":
            before, after = is_(NOTHING), number
        history.append(operation(begin, end, before, after, outcome))
        if outcome != REFUSED and after is not KEEP and before.holds(value):
            value = after
    return history


def test_random_histories_of_a_register():
    for seed in range(30):
        check_register(f"seed {seed}", a_random_history(random.Random(seed), 200), "first")


def test_a_read_that_is_wrong_is_found_in_a_random_history():
    """One read is made to tell what an operation that had been refused would have written."""
    for seed in range(60):
        history = a_random_history(random.Random(seed), 200)
        wrong = next(each for each in history if each.outcome == DONE and each.after is KEEP)
        wrong.before = is_("a value that was never written")
        with pytest.raises(NotLinearizable):
            check_register(f"seed {seed}", history, "first")


A, B, C = (Append("a", 0, 1, DONE), Append("b", 2, 3, DONE), Append("c", 2, 3, DONE))
LOST, LATE = Append("lost", 2, 3, UNKNOWN), Append("late", 2, 3, REFUSED)

GOOD_LINES = {
    "none": ([], []),
    "one after another": ([A, B], [Reading(["a"], 1, 2), Reading(["a", "b"], 4, 5)]),
    "two at a time": ([A, B, C], [Reading(["a", "c"], 2.5, 3), Reading(["a", "c", "b"], 4, 5)]),
    "unknown and there": ([A, LOST], [Reading(["a"], 4, 5), Reading(["a", "lost"], 6, 7)]),
    "unknown and not there": ([A, LOST], [Reading(["a"], 4, 5)]),
    "refused": ([A, LATE], [Reading(["a"], 4, 5)]),
}

BAD_LINES = {
    "lost": ([A, B], [Reading(["b"], 4, 5)]),
    "not there yet": ([A, B], [Reading([], 1.5, 2), Reading(["a", "b"], 4, 5)]),
    "doubled": ([A, B], [Reading(["a", "b", "a"], 4, 5)]),
    "unknown and doubled": ([A, LOST], [Reading(["a", "lost", "lost"], 4, 5)]),
    "in the wrong order": ([A, B], [Reading(["b", "a"], 4, 5)]),
    "in two orders": ([A, B, C], [Reading(["a", "b"], 2.5, 3), Reading(["a", "c", "b"], 4, 5)]),
    "torn": ([A, B], [Reading(["a", "b"], 4, 5), Reading(["a", "", "b"], 4, 5)]),
    "refused and there": ([A, LATE], [Reading(["a", "late"], 4, 5)]),
    "gone again": ([A, LOST], [Reading(["a", "lost"], 4, 5), Reading(["a"], 6, 7)]),
    "before its time": ([A, B], [Reading(["a", "b"], 1, 1.5)]),
}


@pytest.mark.parametrize("name", GOOD_LINES)
def test_good_lines(name):
    check_lines(name, *GOOD_LINES[name])


@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_lines(name):
    with pytest.raises(LinesAreWrong):
        check_lines(name, *BAD_LINES[name])
