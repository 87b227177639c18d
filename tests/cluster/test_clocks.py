"""Wall clocks that are wrong: none moves the time of the cluster, and what was dated wrongly does not stay so."""

import os
import subprocess
import time

import pytest

from clocks import DAY, TEN_YEARS, ClockCluster, is_now
from cluster import wait_for
from files import sh

# Longer than any pause that a busy machine may make.
CONFIG = {"request_timeout": "20s"}


def times(path):
    about = os.lstat(path)
    return about.st_atime_ns, about.st_mtime_ns, about.st_ctime_ns


def change_all(node, name):
    """A file or folder by each door and in each way that dates something. Returns their names."""
    sh(f"echo 1 > {name}.file; mkdir {name}.folder; ln -s x {name}.symlink; cp /dev/null {name}.copy; touch {name}.touched",
       node.mount)
    sh(f"echo 1 > {name}.moved.1; mv {name}.moved.1 {name}.moved", node.mount)
    assert node.put(f"{name}.put", "1").status == 200
    assert node.txn([], [{"put": {"key": f"{name}.txn", "value": "1"}}]).status == 200
    return [f"{name}.{kind}" for kind in ("file", "folder", "symlink", "copy", "touched", "moved", "put", "txn")]


def check_now(cluster, names):
    """All are dated with the present, and the same, at each node."""
    for name in names:
        seen = {times(node.path(name)) for node in cluster.nodes}
        assert len(seen) == 1, (name, seen)
        assert all(is_now(each) for each in seen.pop()), (name, times(cluster.nodes[0].path(name)))
    assert all(is_now(each) for node in cluster.nodes for each in times(node.mount)[1:])


def test_a_clock_that_is_ahead_dates_nothing():
    check_one_wrong_clock(TEN_YEARS, "ahead")


def test_a_clock_that_is_behind_dates_nothing():
    check_one_wrong_clock(-TEN_YEARS, "behind")


def check_one_wrong_clock(off, word):
    with ClockCluster([0, off, 0], **CONFIG) as cluster:
        first, second, third = cluster.nodes
        for number, node in enumerate(cluster.nodes):
            check_now(cluster, change_all(node, f"n{number}"))
        second.wait_says(word)
        status = second.status()
        assert abs(status["clock_ahead_ms"] / 1000 - off) < 10
        assert all(abs(peer["clock_ahead_ms"]) < 10000 for peer in status["peers"])
        assert abs(second.metrics()["clock_ahead_seconds"] - off) < 10
        assert is_now(times(second.mount / ".quorumfs" / "why")[1])
        for node in (first, third):
            assert node.why() == "" and not node.says()
            assert abs(node.status()["clock_ahead_ms"]) < 10000
            peer = next(peer for peer in node.status()["peers"] if peer["addr"] == second.addr)
            assert abs(peer["clock_ahead_ms"] / 1000 - off) < 10
        assert second.request("GET", "/readyz").status == 200

        second.clock.set_clock(0)
        second.wait_right()
        assert len(second.says()) == 2, second.says()
        check_now(cluster, change_all(second, "right"))

        first.clock.set_clock(off)  # while it runs
        check_now(cluster, change_all(first, "jumped"))
        first.wait_says(word)
        sh(f"touch -d @{TEN_YEARS} said", first.mount)
        assert times(third.path("said"))[1] == TEN_YEARS * 10**9


def test_a_wrong_clock_leads_and_starts():
    """Whichever node leads, whichever starts first, and as long as only two of three run."""
    with ClockCluster([0, 0, TEN_YEARS], **CONFIG) as cluster:
        for node in cluster.nodes:
            node.config["priority"] = 1 if node is cluster.nodes[2] else 0
            node.write_config()
        for away in cluster.nodes[:2]:
            for node in cluster.nodes:
                node.stop()
            for node in reversed(cluster.nodes):
                node.start(wait=False)
            for node in cluster.nodes:
                node.wait_ready()
                check_now(cluster, change_all(node, f"started.{node.folder.name}.{away.folder.name}"))
            away.kill()  # the other one remembers its clock
            running = [node for node in cluster.nodes if node is not away]
            names = [name for node in running for name in change_all(node, f"without.{node.folder.name}.{away.folder.name}")]
            assert all(is_now(each) for name in names for each in times(running[0].path(name)))
            away.start()


def test_a_lonely_node_comes_back():
    with ClockCluster([TEN_YEARS], **CONFIG) as cluster:
        node, = cluster.nodes
        sh("mkdir d; echo 1 > d/old; echo 1 > d/replaced; echo 1 > d/touched", node.mount)
        ahead = times(node.path("d/old"))[1]
        assert is_now(ahead - TEN_YEARS * 10**9)
        assert node.why() == ""
        node.clock.set_clock(0)
        sh("echo 1 > new; echo 2 >> d/old; echo 2 > d/r; mv d/r d/replaced; touch d/touched", node.mount)
        assert all(is_now(each) for each in times(node.path("new")))
        assert all(ahead < each < ahead + DAY * 10**9 for each in times(node.path("d/old"))[1:])
        assert is_now(times(node.path("d/replaced"))[1]) and is_now(times(node.path("d/touched"))[1])
        before = times(node.path("d/old"))[1]
        os.truncate(node.path("d/old"), 1)
        assert times(node.path("d/old"))[1] > before
        node.stop()
        node.start()
        sh("echo 1 > newer", node.mount)
        assert is_now(times(node.path("newer"))[1])
        node.clock.set_clock(-5)  # time only waits then
        sh("echo 1 > waiting; test waiting -nt newer", node.mount)


@pytest.mark.parametrize("off", [TEN_YEARS, -TEN_YEARS])
def test_two_nodes_go_on_as_before(off):
    """Nobody can say which of two is right. While a clock jumps, the other one counts, as time has come that far."""
    with ClockCluster([0, 0], **CONFIG) as cluster:
        first, second = cluster.nodes
        check_now(cluster, change_all(first, "before") + change_all(second, "before.too"))
        second.clock.set_clock(off)
        check_now(cluster, change_all(first, "after") + change_all(second, "after.too"))
        for node in cluster.nodes:
            node.wait_says("no majority agrees")
        for node in cluster.nodes:
            node.stop()
        cluster.start()
        check_now(cluster, change_all(first, "later") + change_all(second, "later.too"))
        second.clock.set_clock(0)
        for node in cluster.nodes:
            node.wait_right()


def test_what_is_made_of_a_file_is_newer():
    """Small differences between clocks do not show, in whatever order the nodes take turns."""
    with ClockCluster([0, 3, -3], **CONFIG) as cluster:
        for number in range(30):
            source, made = cluster.nodes[number % 3], cluster.nodes[(number + 1 + number // 3 % 2) % 3]
            sh("echo x > source", source.mount)
            sh("cp source made; test made -nt source && ! test source -nt made", made.mount)
            if number == 15:
                cluster.nodes[0].clock.set_clock(5)


def test_a_clock_that_jumps_all_the_time():
    with ClockCluster([0, 0, 0], **CONFIG) as cluster:
        node = cluster.nodes[0]
        deadline, last, count = time.monotonic() + 5, 0, 0
        while time.monotonic() < deadline:
            node.clock.set_clock((-TEN_YEARS, 0, TEN_YEARS, -DAY, 60)[count % 5])
            assert node.put("f", str(count)).status == 200
            now = times(node.path("f"))[1]
            assert is_now(now) and now > last
            last, count = now, count + 1
        node.clock.set_clock(0)
        wait_for(lambda: node.why() == "", "its clock is right")
        assert subprocess.run(["find", node.mount, "-newermt", "tomorrow"], capture_output=True, check=True).stdout == b""
