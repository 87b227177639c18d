"""The partial partitions of the Omni-Paxos paper: links that are left, in both directions, between nodes with letters.

    quorum-loss    only the links of A are left        constrained   the same, but not to C, and A is behind
    chained        only the links of A are left

The leader is C, in `chained` B.
"""

import collections
import time

BEHIND_SECONDS = 0.3  # that A hears nothing, to be behind

Scenario = collections.namedtuple("Scenario", "letters leader left connected")

SCENARIOS = {
    "quorum-loss": Scenario("ABCDE", "C", ("AB", "AC", "AD", "AE"), "ABCDE"),
    "constrained": Scenario("ABCDE", "C", ("AB", "AD", "AE"), "ABDE"),
    "chained": Scenario("ABC", "B", ("AB", "AC"), "ABC"),
}


def name_nodes(side, scenario):
    leader = side.leader()
    others = [node for node in side.nodes if node is not leader]
    return {letter: leader if letter == scenario.leader else others.pop(0) for letter in scenario.letters}


def cut_links(side, name):
    """Returns the nodes that are connected to a majority, over others perhaps, by their letters."""
    scenario = SCENARIOS[name]
    named = name_nodes(side, scenario)
    if name == "constrained":
        side.network.cut({link for link in side.network.links() if named["A"].number in link})
        time.sleep(BEHIND_SECONDS)
    side.network.leave({(named[a].number, named[b].number) for a, b in scenario.left})
    return {letter: named[letter] for letter in scenario.connected}
