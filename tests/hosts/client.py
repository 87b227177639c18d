"""A client: one thing after another, through one door of one node. It tells its arena what it did and saw."""

import contextlib
import random
import threading

from arena import FREE, KEPT, ONCE, OVER
from history import ANY, DONE, KEEP, REFUSED, Operation, Reading, Refused, Unknown, now

GRACE_SECONDS = 1  # that an answer may take beyond the request timeout
SIZES = (0, 0, 0, 100, 5000, 20000)  # of values
OVER_BYTES = 500  # of each value that fills a file


class Client(threading.Thread):
    """Does one thing after another, at random, about `rate` a second, until told to end."""

    def __init__(self, host, door, lab, rate):
        super().__init__(name=f"{door} {host.number}", daemon=True)
        self.host = host
        self.lab = lab
        self.rate = rate
        self.dice = random.Random(f"{lab.seed}/{self.name}")
        self.values = 0
        self.arena = None  # the arena that it works in
        self.longest = 0.0  # call, not counting what its node was stopped

    def run(self):
        try:
            while not self.lab.over.is_set():
                self.arena = self.lab.arena
                with contextlib.suppress(Refused, Unknown):
                    self.act()
                self.lab.over.wait(self.dice.expovariate(self.rate))
        except Exception as error:
            self.lab.complain(f"{self.name}: {error!r}")
        finally:
            self.arena = None
            self.close()

    def act(self):
        actions, weights = zip(*self.actions())
        self.dice.choices(actions, weights)[0]()

    def new_value(self):
        self.values += 1
        return f"{self.name} {self.values}:{self.dice.choice(SIZES)}"

    def new_filling(self):
        """A value of OVER_BYTES."""
        self.values += 1
        label = f"{self.name} {self.values}:"
        return f"{label}{OVER_BYTES - len(label) - len('NNN')}"

    def pick(self, kind, count):
        return f"{kind}/{self.dice.randrange(count)}"

    def register(self):
        """One that is put, got and replaced."""
        return self.dice.choice((self.pick("kept", KEPT), self.pick("free", FREE)))

    def any_register(self):
        """One that can be got."""
        return self.dice.choice((self.register(), self.register(), self.pick("once", ONCE), self.pick("over", OVER)))

    @contextlib.contextmanager
    def timed(self, what, calls=1):
        """No call takes longer than the timeout and a little, whatever happens."""
        begin = now()
        try:
            yield
        finally:
            end = now()
            took = end - begin - self.host.stopped_seconds(begin, end)
            self.longest = max(self.longest, took)
            most = calls * (self.lab.timeout + GRACE_SECONDS)
            if took > most and took > most + self.lab.lateness.seconds(begin, end):
                self.lab.complain(f"{self.name}: {what} took {took:.2f} s, from {begin:.3f}")

    @contextlib.contextmanager
    def recorded(self, log, entry):
        log.append(entry)
        try:
            yield entry
            entry.outcome = DONE
        except Refused:
            entry.outcome = REFUSED
            raise
        except Unknown as error:
            if isinstance(entry, Operation):
                entry.why = str(error)
            raise
        finally:
            entry.end = now()

    def operation(self, name, what, before=ANY, after=KEEP):
        """An operation on a register, in the arena's log. Where the answer tells more, `holds` says so."""
        return self.recorded(self.arena.operations[name], Operation(what, self.name, now(), before, after))

    def saw_lines(self, name, begin, content):
        lines = content.decode().splitlines(keepends=True)
        self.arena.readings[name].append(Reading(lines, begin, now()))
