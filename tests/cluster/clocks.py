"""A cluster each of whose nodes has a wall clock of its own, which can be set wrong."""

import sys
import time

from cluster import REPOSITORY, Cluster, Node, wait_for

sys.path.append(str(REPOSITORY / "tests" / "hosts"))

from hardware import Preloaded  # noqa: E402

DAY = 24 * 3600
TEN_YEARS = 3653 * DAY


class ClockNode(Node):
    def __init__(self, folder, *more):
        super().__init__(folder, *more)
        self.clock = Preloaded(self.folder.with_suffix(".clock"))

    def command(self, *flags):
        return self.clock.command(*super().command(*flags))

    def clean_up(self):
        problem = super().clean_up()
        self.clock.close()
        return problem

    def says(self):
        """What the log says of clocks."""
        return [line for line in self.log.read_text().splitlines() if " clock: " in line]

    def wait_says(self, text):
        """The last word on its clock: in the log, in .quorumfs/why and in the status."""
        def said():
            why, told = self.why(), self.says()
            return text in why and told and text in told[-1] and text in self.status()["why"]
        wait_for(said, f"{self} says that its clock is {text}")

    def wait_right(self):
        wait_for(lambda: self.why() == "" and (not self.says() or "agrees" in self.says()[-1]), f"{self} says nothing")


class ClockCluster(Cluster):
    """`ahead`: by how many seconds the clocks are, from the first start on."""

    def __init__(self, ahead, **config):
        super().__init__(len(ahead), **config)
        for node, seconds in zip(self.nodes, ahead):
            node.clock.set_clock(seconds)

    def make_node(self, number, addr, config):
        return ClockNode(self.folder / f"data_{number}", addr, config)


def is_now(nanoseconds, seconds=30):
    """A busy machine may take that long for the change and for the look at it."""
    return abs(nanoseconds - time.time_ns()) < seconds * 10**9
