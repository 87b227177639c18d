"""Whether the answers about one register could have come from one copy of it that does one thing at a time.

The search of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with the memory of Lowe (Testing
for Linearizability, 2017): an operation may come next if none that is still to come had ended before it began.
A refused operation has not happened. An unknown one may happen at any time after its begin, or never. Reads that
fit come at once, as that spoils nothing for the others.
"""

from history import DONE, KEEP, UNKNOWN

STEPS_MAX = 2_000_000


class NotLinearizable(AssertionError):
    pass


class _Search:
    """A position: certain operations before `first` are placed, and those of `placed`, bits from `first` on;
    of the unknown ones those of `used`; and then the register has `value`."""

    def __init__(self, operations):
        ordered = sorted(operations, key=lambda operation: operation.begin)
        self.certain = [operation for operation in ordered if operation.outcome == DONE]
        # An unknown read says nothing.
        self.unknown = [operation for operation in ordered
                        if operation.outcome == UNKNOWN and operation.after is not KEEP]
        self.furthest = 0

    def run(self, value):
        """True: there is an order. False: there is none."""
        steps, seen = 0, {}
        positions = [self.advance(0, 0, 0, value)]
        while positions:
            first, placed, used, value = position = positions.pop()
            # A walk that comes here with more of the unknown ones used gets no further.
            been = seen.setdefault((first, placed, value), [])
            if any(earlier & used == earlier for earlier in been):
                continue
            been.append(used)
            self.furthest = max(self.furthest, first)
            if first == len(self.certain):
                return True
            steps += 1
            if steps > STEPS_MAX:
                raise NotLinearizable(f"undecided after {STEPS_MAX} steps")
            positions += self.successors(*position)
        return False

    def candidates(self, first, placed):
        """Certain operations that may come next, by their bits, and until when anything may begin."""
        found, bound = [], float("inf")
        for number in range(first, len(self.certain)):
            operation = self.certain[number]
            if operation.begin > bound:
                break
            bit = 1 << (number - first)
            if not placed & bit:
                found.append((bit, operation))
                bound = min(bound, operation.end)
        return found, bound

    def advance(self, first, placed, used, value):
        """Places the reads that fit, and forgets what all lies before."""
        again = True
        while again:
            again = False
            for bit, operation in self.candidates(first, placed)[0]:
                if operation.after is KEEP and operation.before.holds(value):
                    placed |= bit
                    again = True
            while placed & 1:
                placed >>= 1
                first += 1
        return first, placed, used, value

    def successors(self, first, placed, used, value):
        """The last is tried first: operations that are known to have happened, in the order in which they ended."""
        found = []
        certain, bound = self.candidates(first, placed)
        for number, operation in enumerate(self.unknown):
            if operation.begin > bound:
                break
            if not used >> number & 1 and operation.before.holds(value):
                found.append(self.advance(first, placed, used | 1 << number, operation.after))
        for bit, operation in sorted(certain, key=lambda pair: -pair[1].end):
            if operation.after is not KEEP and operation.before.holds(value):
                found.append(self.advance(first, placed | bit, used, operation.after))
        return found


def check_register(name, operations, value):
    """Raises NotLinearizable, with the operations around the place where no order goes on."""
    search = _Search(operations)
    if search.run(value):
        return
    stuck = search.certain[search.furthest]
    near = [operation for operation in sorted(operations, key=lambda each: each.begin)
            if operation.end >= stuck.begin - 1 and operation.begin <= stuck.end]
    lines = "\n".join(f"{'->' if operation is stuck else '  '} {operation}" for operation in near)
    raise NotLinearizable(f"{name}, which began as {value!r}: no order explains what was seen at ->\n{lines}")
