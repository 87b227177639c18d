"""Disks that are full: what grows is refused in time, everything else goes on, and so does all when there is room."""

import os
import time

import pytest

from cluster import wait_for
from disks import DiskCluster

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts file systems")

VALUE = bytes(256 * 1024)
LARGE = bytes(1024 * 1024)
DONE = (200, 201)


def room(node):
    return node.status()["disk"]["room"]


def put_until_refused(node, name, limit=400):
    """Returns how many values there was room for. What was deleted is made room piece by piece, so a refusal counts if
    it stays for a while."""
    refused_since = None
    number = 0
    while number < limit:
        answer = node.put(f"{name}{number}", LARGE)
        if answer.status in DONE:
            number, refused_since = number + 1, None
            continue
        assert answer.status == 507, answer
        refused_since = refused_since or time.monotonic()
        if time.monotonic() - refused_since > 0.3:
            return number
        time.sleep(0.05)
    raise AssertionError(f"{limit} values fit")


def delete_all(node, name, count):
    for number in range(count):
        assert node.delete(f"{name}{number}").status in (200, 404)  # one was renamed


def wait_writable(node):
    wait_for(lambda: node.put("small", b"x").status in DONE, f"{node} takes writes")


def test_a_client_that_fills_the_store_stops_nobody():
    with DiskCluster() as cluster:
        first, second, third = cluster.nodes
        count = put_until_refused(first, "f")
        assert count > 10
        # Long before the disks are full, at every node, through every door.
        for node in cluster.nodes:
            # Meanwhile, a checkpoint may have made some room.
            wait_for(lambda: node.put("more", LARGE).status == 507, f"{node} refuses what grows")
            assert node.disk.free() > 4 << 20
            assert node.status()["disk"]["reserve_bytes"] > 8 << 20
            assert node.value("f0") == LARGE
        os.truncate(third.path("f1"), 0)
        os.rename(third.path("f1"), third.path("renamed"))
        with pytest.raises(OSError, match="No space left"):
            for number in range(200):
                third.path(f"file{number}").write_bytes(VALUE)
        assert os.statvfs(third.mount).f_bavail < 1024
        for name in os.listdir(third.mount):
            if name.startswith(("file", "more")):
                third.path(name).unlink()
        delete_all(second, "f", count)
        # What was deleted can be written again, as often as one likes, although the files stay as long as they were.
        for turn in range(2):
            wait_for(lambda: third.put("large", LARGE).status in DONE, "there is room again")
            again = put_until_refused(third, f"{turn}-")
            assert again > 2
            delete_all(first, f"{turn}-", again)
        cluster.wait_equal()


def fill_all(cluster):
    for node in cluster.nodes:
        node.disk.fill()
    for node in cluster.nodes:
        wait_for(lambda: node.status()["disk"]["growth_refused"], f"{node} refuses what grows")


def restart(cluster, end):
    for node in cluster.nodes:
        end(node)
    for node in cluster.nodes:
        node.disk.take_rest()
        node.start(wait=False)
    for node in cluster.nodes:
        node.wait_ready()


def assert_only_growth_is_refused(cluster, key):
    for node in cluster.nodes:
        wait_for(lambda: "no room" in node.status()["why"], f"{node} says why")
        assert node.value("kept") == VALUE
        refused = node.put("new", b"x")
        assert refused.status == 507 and "delete something" in refused.error
    assert cluster.nodes[0].delete(key).status == 200
    assert cluster.nodes[1].value(key) is None


def test_nodes_whose_disks_another_program_filled_start_read_and_delete():
    with DiskCluster(megabytes=256) as cluster:
        node = cluster.nodes[0]
        for key in ("kept", "a", "b", "c"):
            assert node.put(key, VALUE).status in DONE
        fill_all(cluster)
        assert_only_growth_is_refused(cluster, "a")
        assert "no room" in node.why()
        restart(cluster, lambda node: node.kill())
        assert_only_growth_is_refused(cluster, "b")
        restart(cluster, lambda node: node.stop())
        assert_only_growth_is_refused(cluster, "c")
        for other in cluster.nodes:
            other.disk.empty()
        wait_writable(node)
        for other in cluster.nodes:
            wait_for(lambda: other.status()["why"] == "" and room(other) == "plenty", f"{other} is back to normal")


@pytest.mark.parametrize("leads", [False, True])
def test_a_full_disk_behind_others_is_a_pause(leads):
    with DiskCluster() as cluster:
        leader = cluster.leader()
        full = leader if leads else next(node for node in cluster.nodes if node is not leader)
        others = [node for node in cluster.nodes if node is not full]
        assert full.put("before", VALUE).status in DONE
        full.disk.fill()
        written = 0

        def stays_away():
            nonlocal written
            answer = others[0].put(f"k{written}", VALUE)
            written += answer.status in DONE
            assert answer.status in DONE + (503,), answer  # a leader that goes away is a pause
            return "takes no part" in full.status()["why"]

        wait_for(stays_away, "the full node stays away", 60)
        for _ in range(16):
            stays_away()
        assert full.running and room(full) == "full"
        wait_for(lambda: full.get("before").status == 503, "it does not answer from what it lacks")
        assert full.get("before", "?consistency=local").status == 200
        assert "takes no part" in full.put("x", b"x").error
        wait_for(lambda: [peer["room"] for peer in others[0].status()["peers"] if peer["addr"] == full.addr] == ["full"],
                 "the others know")
        assert others[1].status()["why"] == ""
        full.disk.empty()
        wait_for(lambda: full.status()["why"] == "", "it takes part again")
        cluster.wait_equal()
        assert full.value(f"k{written - 1}") == VALUE


def test_a_snapshot_without_room_is_tried_again():
    with DiskCluster() as cluster:
        behind = cluster.nodes[2]
        behind.stop()
        behind.lose_folder()
        for number in range(30):
            assert cluster.nodes[0].put(f"f{number}", VALUE).status in DONE
        for _ in range(90):  # so that the log does not reach back
            assert cluster.nodes[0].put("again", VALUE * 2).status in DONE
        behind.disk.fill(leave=40 << 20)  # for its reserve, its log, and half of the tree
        behind.start(wait=False)
        wait_for(lambda: "no room for the tree" in behind.log_tail(50), "it has tried", 40)
        assert behind.running and not behind.is_ready()
        behind.disk.empty()
        behind.wait_ready(60)
        cluster.wait_equal()
        assert behind.value("f29") == VALUE


def test_without_any_room_a_start_ends_with_status_3():
    with DiskCluster(1, mount=False) as cluster:
        node, = cluster.nodes
        node.stop()
        (node.folder / "reserve").unlink()
        node.disk.fill()
        node.start(wait=False)
        assert node.process.wait(20) == 3
        assert "No space left on device" in node.log_tail(3)
        node.disk.empty()
        node.start()
        assert node.put("a", b"x").status in DONE
