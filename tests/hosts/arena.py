"""A folder of keys that clients of all nodes work on for some seconds, and the record of their operations.

    kept/N    registers that always exist        free/N   registers that come and go
    over/N    registers that are emptied and filled, with values of one length
    pair/N/a, pair/N/b   written as one change   once/N   made once, by the first client
    lock/N    folders as locks                   move/P   one file that is renamed from place to place
    lines/N   files that lines are appended to
"""

import collections

from history import DONE, NOTHING, REFUSED, UNKNOWN
from linearizable import check_register
from lines import check_lines

KEPT, OVER, FREE, PAIRS, ONCE, LOCKS, LINES = 3, 2, 3, 2, 12, 2, 2
PLACES = ("here", "there", "elsewhere")
FIRST = "first"  # a register's first value


class Arena:
    def __init__(self, name):
        self.name = name
        self.registers = {f"kept/{number}": FIRST for number in range(KEPT)}
        self.registers |= {f"over/{number}": "" for number in range(OVER)}
        self.registers |= {f"free/{number}": NOTHING for number in range(FREE)}
        self.registers |= {f"pair/{number}": FIRST for number in range(PAIRS)}
        self.registers |= {f"once/{number}": NOTHING for number in range(ONCE)}
        self.registers |= {f"lock/{number}": NOTHING for number in range(LOCKS)}
        self.registers["move"] = PLACES[0]
        self.operations = {name: [] for name in self.registers}
        self.appends = {f"lines/{number}": [] for number in range(LINES)}
        self.readings = {name: [] for name in self.appends}

    def key(self, name):
        return f"{self.name}/{name}"

    def first_contents(self):
        """The operations that make an arena ready, as one change."""
        contents = {f"kept/{number}": FIRST for number in range(KEPT)}
        for number in range(PAIRS):
            contents |= {f"pair/{number}/a": FIRST, f"pair/{number}/b": FIRST}
        contents |= {f"over/{number}": "" for number in range(OVER)}
        contents |= {name: "" for name in self.appends}
        contents |= {folder + "/.made": "" for folder in ("free", "once", "lock")}
        contents["move/" + PLACES[0]] = "it"
        return [{"key": self.key(name), "value": value} for name, value in contents.items()]

    def everything(self):
        for log in (*self.operations.values(), *self.appends.values()):
            yield from log

    def count(self):
        """How many operations had each outcome; a reading counts as one that is done."""
        counts = collections.Counter({DONE: 0, REFUSED: 0, UNKNOWN: 0})
        counts.update(operation.outcome for operation in self.everything())
        counts[DONE] += sum(map(len, self.readings.values()))
        return counts

    def check(self):
        """Raises what is found first."""
        for name, first in self.registers.items():
            check_register(self.key(name), self.operations[name], first)
        for name, appends in self.appends.items():
            check_lines(self.key(name), appends, self.readings[name])
