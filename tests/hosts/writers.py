"""Clients that only write, one at each node, and when their writes were done: for measurements."""

import contextlib
import threading
import time

from doors import HttpDoor
from history import Refused, Unknown

PATIENCE_SECONDS = 1.0  # then a writer gives up, and writes again
PAUSE_SECONDS = 0.01  # after what was refused


class Writer(threading.Thread):
    def __init__(self, node, until):
        super().__init__(name=f"writer {node.number}", daemon=True)
        self.node = node
        self.until = until
        self.done = []  # (begin, end) of each write that was acknowledged

    def run(self):
        door = HttpDoor(self.node, PATIENCE_SECONDS)
        while not self.until.is_set():
            begin = time.monotonic()
            with contextlib.suppress(Refused, Unknown):
                if door.request(*self.node.put_request(f"writer-{self.node.number}", "x" * 100)).status == 200:
                    self.done.append((begin, time.monotonic()))
                    continue
            self.until.wait(PAUSE_SECONDS)
        door.close()

    def first_after(self, moment, seconds=float("inf")):
        """How long after a moment the first write was done that had begun after it; None: none was in time."""
        return next((end - moment for begin, end in self.done if begin >= moment and end <= moment + seconds), None)

    def served(self, begin, end, slot=0.5):
        """The share of the slots of time in which a write was done."""
        slots = {int((done - begin) / slot) for _, done in self.done if begin <= done < end}
        return len(slots) / round((end - begin) / slot)


@contextlib.contextmanager
def writing(nodes):
    """A writer at each of the nodes."""
    until = threading.Event()
    writers = [Writer(node, until) for node in nodes]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        until.set()
        for writer in writers:
            writer.join(30)
