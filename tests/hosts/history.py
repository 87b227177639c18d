"""The record of clients: every operation with its begin, end and outcome. An operation on a register is a condition on
the value before it, and the value after it. A put has no condition, a get changes nothing, and making a folder turns
nothing into something.
"""

import dataclasses
import time

KEEP = object()  # as `after`: the value stays
NOTHING = None  # the value of what does not exist

DONE, REFUSED, UNKNOWN = "done", "refused", "unknown"


class Refused(Exception):
    """Nothing has happened."""


class Unknown(Exception):
    """It may have happened, or may happen yet."""


class Condition:
    """On the value that a register has when an operation takes effect."""

    def __init__(self, text, holds):
        self.text = text
        self.holds = holds

    def __repr__(self):
        return self.text


ANY = Condition("any", lambda value: True)


def is_(expected):
    return Condition(f"is {expected!r}", lambda value: value == expected)


def is_not(unexpected):
    return Condition(f"is not {unexpected!r}", lambda value: value != unexpected)


def is_either(one, other):
    return Condition(f"is {one!r} or {other!r}", lambda value: value in (one, other))


def opposite(condition):
    return Condition(f"not: {condition!r}", lambda value: not condition.holds(value))


@dataclasses.dataclass(slots=True)
class Operation:
    what: str
    client: str
    begin: float
    before: Condition = ANY
    after: object = KEEP
    end: float = float("inf")
    outcome: str = UNKNOWN
    why: str = ""

    def holds(self, before, after=KEEP):
        """The condition that the answer tells."""
        self.before, self.after = before, after

    def __str__(self):
        after = "" if self.after is KEEP else f" -> {self.after!r}"
        return f"{self.begin:.4f} {self.end:.4f} {self.client:12} {self.what:22} {self.before!r}{after}: " \
               f"{self.outcome} {self.why}"


@dataclasses.dataclass(slots=True)
class Append:
    line: str
    begin: float
    end: float = float("inf")
    outcome: str = UNKNOWN


@dataclasses.dataclass(slots=True)
class Reading:
    """Of a file that lines are appended to."""
    lines: list
    begin: float
    end: float


now = time.monotonic
