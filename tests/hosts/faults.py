"""The faults of a cluster: each is a context in which it holds; at its end everything is mended. It describes itself in
a few words. From `victims` it takes the nodes that it harms, so that of faults at the same time each harms others.
"""

import contextlib
import signal
import time

from doors import HttpDoor
from history import Refused, Unknown

BULK_BYTES, BULK_PUTS = 8 * 1024 * 1024, 6  # more than nodes keep of their logs: LOG_TAIL_BYTES, twice
SYNC_FACTORS = (5, 20, 100)
CLOCK_SECONDS = (-86400, -60, -1, 1, 60, 86400)
JOINING_SECONDS_MAX = 0.5  # before it is emptied once more


def _take(victims, count):
    taken, victims[:] = victims[:count], victims[count:]
    return taken


def _links_of(network, node):
    return {link for link in network.links() if node.number in link}


@contextlib.contextmanager
def _wrong_links(network, links, wrong, *how):
    wrong(links, *how)
    yield
    network.mend(links)


# Links.

@contextlib.contextmanager
def isolated(hosts, dice, victims):
    node, = _take(victims, 1)
    with _wrong_links(hosts.network, _links_of(hosts.network, node), hosts.network.cut):
        yield f"node {node.number} isolated"


@contextlib.contextmanager
def cut_in_two(hosts, dice, victims):
    some = set(dice.sample(sorted(hosts.network.hosts), len(hosts.nodes) // 2))
    links = {(a, b) for a, b in hosts.network.links() if (a in some) != (b in some)}
    with _wrong_links(hosts.network, links, hosts.network.cut):
        yield f"nodes {sorted(some)} cut off"


@contextlib.contextmanager
def some_links_cut(hosts, dice, victims):
    """In both directions: partial partitions of all kinds."""
    pairs = sorted((a, b) for a, b in hosts.network.links() if a < b)
    chosen = dice.sample(pairs, dice.randrange(1, len(pairs)))
    links = {link for a, b in chosen for link in ((a, b), (b, a))}
    with _wrong_links(hosts.network, links, hosts.network.cut):
        yield f"links {chosen} cut"


@contextlib.contextmanager
def star(hosts, dice, victims):
    """Every node reaches one node only."""
    middle = dice.choice(hosts.nodes)
    links = hosts.network.links() - _links_of(hosts.network, middle)
    with _wrong_links(hosts.network, links, hosts.network.cut):
        yield f"all links cut but those of node {middle.number}"


@contextlib.contextmanager
def one_way(hosts, dice, victims):
    links = set(dice.sample(sorted(hosts.network.links()), dice.choice([1, 1, 2, 3])))
    with _wrong_links(hosts.network, links, hosts.network.cut):
        yield f"one-way links {sorted(links)} cut"


@contextlib.contextmanager
def deaf(hosts, dice, victims):
    node, = _take(victims, 1)
    links = {link for link in hosts.network.links() if link[1] == node.number}
    with _wrong_links(hosts.network, links, hosts.network.cut):
        yield f"node {node.number} hears no other node"


@contextlib.contextmanager
def lossy(hosts, dice, victims):
    percent = dice.choice([2, 10, 30])
    with _wrong_links(hosts.network, hosts.network.links(), hosts.network.lose, percent):
        yield f"{percent} % of all packets lost"


@contextlib.contextmanager
def far_away(hosts, dice, victims):
    (node,), seconds = _take(victims, 1), dice.choice([0.02, 0.1, 0.3])
    with _wrong_links(hosts.network, _links_of(hosts.network, node), hosts.network.slow, seconds):
        yield f"node {node.number} {seconds} s away"


# Nodes.

@contextlib.contextmanager
def killed(hosts, dice, victims):
    nodes = _take(victims, dice.choice([1, 1, 1, 1, 2, len(hosts.nodes)]))
    for node in nodes:
        node.kill()
    yield f"nodes {[node.number for node in nodes]} killed"
    for node in nodes:
        node.start(wait=False)


@contextlib.contextmanager
def left_behind(hosts, dice, victims):
    """Away while enough is written, if possible, that it needs a snapshot afterwards."""
    node, = _take(victims, 1)
    node.kill()
    others = [other for other in hosts.nodes if other.running and not other.paused]
    if others:
        door = HttpDoor(dice.choice(others))
        with contextlib.suppress(Refused, Unknown):
            for number in range(BULK_PUTS):
                door.request("PUT", f"/key/bulk/{number}", dice.randbytes(BULK_BYTES))
        door.close()
    yield f"node {node.number} left behind"
    node.start(wait=False)


@contextlib.contextmanager
def emptied(hosts, dice, victims):
    with _folder_lost(hosts, victims) as node:
        yield f"node {node.number} emptied" if node else "no node emptied"


@contextlib.contextmanager
def emptied_while_joining(hosts, dice, victims):
    with _folder_lost(hosts, victims) as node:
        if node:
            time.sleep(dice.uniform(0, JOINING_SECONDS_MAX))
            _lose_folder(node)
        yield f"node {node.number} emptied twice" if node else "no node emptied twice"


@contextlib.contextmanager
def _folder_lost(hosts, victims):
    """One of them joins again, while other things are wrong. No more than one may have forgotten its promises, so this
    is the one that has, if there is one; None: that one suffers from another fault."""
    forgetful = [node for node in hosts.nodes if node.forgetful] or victims
    node = next((node for node in victims if node in forgetful), None)
    if node:
        victims.remove(node)
        _lose_folder(node)
    yield node


def _lose_folder(node):
    assert node.running, f"{node} has ended: {node.log_tail(9)}"
    node.kill()
    node.lose_folder()
    node.start(wait=False)


@contextlib.contextmanager
def paused(hosts, dice, victims):
    nodes = _take(victims, dice.choice([1, 1, 1, 2]))
    for node in nodes:
        node.pause()
    yield f"nodes {[node.number for node in nodes]} stopped"
    for node in nodes:
        node.resume()


@contextlib.contextmanager
def stopped_client(hosts, dice, victims):
    """One that has a lock, or waits for it."""
    process = hosts.coordination.stop_one(dice)
    yield "a client of the lock stopped"
    process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def holder_cut_off(hosts, dice, victims):
    """The node whose program has the lock: it reaches no other node, or only one, or is not heard, or frozen."""
    held = [line["node"] for line in _locks(hosts) if "token" in line]
    node = next((node for node in victims if node.number in held), None) or victims[0]
    victims.remove(node)
    links = sorted(_links_of(hosts.network, node))
    how = dice.choice(["all", "to", "from", "most", "frozen"])
    if how == "frozen":
        node.pause()
        yield f"node {node.number}, which has a lock, frozen"
        node.resume()
        return
    spared = dice.choice([other.number for other in hosts.nodes if other is not node])
    chosen = {link for link in links if how == "all" or (how == "to" and link[1] == node.number) or
              (how == "from" and link[0] == node.number) or (how == "most" and spared not in link)}
    with _wrong_links(hosts.network, chosen, hosts.network.cut):
        yield f"node {node.number}, which has a lock, cut off ({how})"


def _locks(hosts):
    for node in hosts.nodes:
        if node.running and not node.paused:
            with contextlib.suppress(OSError, AssertionError, ValueError):
                return node.request("GET", "/locks", timeout=2).multiple
    return []


# Hardware.

@contextlib.contextmanager
def slow_disk(hosts, dice, victims):
    (node,), factor = _take(victims, 1), dice.choice(SYNC_FACTORS)
    node.hardware.slow_disk(factor)
    yield f"the disk of node {node.number} {factor} times slower"
    node.hardware.slow_disk(1)


@contextlib.contextmanager
def full_disk(hosts, dice, victims):
    """The node follows with what it has in reserve, or stays away, and comes back by itself."""
    node, = _take(victims, 1)
    node.hardware.fill_disk()
    yield f"the disk of node {node.number} full"
    node.hardware.empty_disk()
    assert node.running, f"{node} ended with {node.process.returncode}: {node.log_tail(9)}"


@contextlib.contextmanager
def wrong_clock(hosts, dice, victims):
    (node,), seconds = _take(victims, 1), dice.choice(CLOCK_SECONDS)
    node.hardware.set_clock(seconds)
    yield f"the clock of node {node.number} {seconds:+} s off"
    node.hardware.set_clock(0)


FAULTS = (isolated, cut_in_two, some_links_cut, star, one_way, deaf, lossy, far_away, killed, left_behind,
          emptied, emptied_while_joining, paused, stopped_client, holder_cut_off, slow_disk, full_disk, wrong_clock)
