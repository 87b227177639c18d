"""How late this machine itself is: on a busy one, programs wait for a processor, which is no fault of theirs."""

import threading
import time

PERIOD_SECONDS = 0.05
USUAL_SECONDS = 0.05  # of lateness, not worth a word


class Lateness(threading.Thread):
    """Sleeps again and again, and keeps in mind when it woke up how much too late."""

    def __init__(self):
        super().__init__(name="lateness", daemon=True)
        self.late = []  # (when, by how much)

    def run(self):
        while True:
            due = time.monotonic() + PERIOD_SECONDS
            time.sleep(PERIOD_SECONDS)
            late = time.monotonic() - due
            if late > USUAL_SECONDS:
                self.late.append((due + late, late))

    def seconds(self, begin, end):
        return sum(late for when, late in self.late if begin <= when <= end)
