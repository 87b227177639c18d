"""Files that go away after a time, and leases: at each mount and by HTTP, while leaders come and go."""

import errno
import json
import os
import subprocess
import threading
import time

import pytest

from cluster import QUORUMFS, Cluster, wait_for
from files import fails, sh

TTL = "user.quorumfs.ttl"
EXPIRES = "user.quorumfs.expires"
LATE = 2  # s that a file may stay longer, without a change of leaders, on a busy machine
ELECTION = 10  # s that a change of leaders may take, on a busy machine


def grant(node, ttl):
    answer = node.request("POST", "/lease", {"ttl": ttl})
    assert answer.status == 200, answer
    return answer.single["id"]


def gone(node, key):
    return node.get(key).status == 404


def stays_until(nodes, key, moment):
    """The key is there at every node as long as its time is not up; then it goes everywhere."""
    while time.monotonic() < moment - 0.1:
        for node in nodes:
            began = time.monotonic()
            found = node.get(key)
            assert found.status == 200 or began >= moment - 0.1, f"{moment - began:.2f} s early: {found}"
        time.sleep(0.05)


def goes(nodes, key, moment, late=LATE):
    stays_until(nodes, key, moment)
    for node in nodes:
        wait_for(lambda: gone(node, key), f"{key} is gone at {node}", moment + late - time.monotonic())


# ---- At the mounts


def test_a_file_goes_after_its_time(cluster, at):
    (at[0] / "f").write_text("v")
    sh(f"setfattr -n {TTL} -v 2s f", at[0])
    moment = time.monotonic() + 2
    for folder in at:
        assert os.getxattr(folder / "f", TTL) == b"2s"
        left = os.getxattr(folder / "f", EXPIRES).decode()
        assert left.endswith("ms") and 0 < int(left[:-2]) <= 2000 or left in ("2s", "1s")
        assert os.listxattr(folder / "f") == [TTL]
        assert "2s" in sh(f"getfattr -d f", folder)
        assert os.stat(folder / "f").st_rdev == 0
    goes(cluster.nodes, f"{at[0].name}/f", moment)
    for folder in at:
        wait_for(lambda: not os.path.exists(folder / "f"), "the mount shows it")


def test_a_change_starts_the_time_again(at):
    """Of files that are changed in different ways at the same time."""
    renewals = ["touch f", "echo w > f", "echo w >> f", "chmod 600 f", "mv f g; mv g f", "truncate -s 0 f",
                f"setfattr -n {TTL} -v 3s f"]
    for number in range(len(renewals)):
        (at[0] / str(number)).mkdir()
        (at[0] / str(number) / "f").write_text("v")
        os.setxattr(at[0] / str(number) / "f", TTL, b"3s")
    moments = {}
    for turn in range(3):
        time.sleep(1.5)
        for number, renew in enumerate(renewals):
            moments[number] = time.monotonic() + 3  # at the earliest
            sh(renew, at[turn % 3] / str(number))
    while moments:
        for number, moment in list(moments.items()):
            if not (at[1] / str(number) / "f").exists():
                assert moment <= time.monotonic() <= moment + 3 + LATE, renewals[number]
                del moments[number]
            assert time.monotonic() <= moment + 3 + LATE, renewals[number]
        time.sleep(0.1)


def test_reading_does_not(at):
    (at[0] / "f").write_text("v")
    os.setxattr(at[0] / "f", TTL, b"2s")
    began = time.monotonic()
    while os.path.exists(at[1] / "f"):
        sh("cat f; ls -l f; getfattr -d f", at[0]) if os.path.exists(at[0] / "f") and \
            time.monotonic() < began + 1.5 else time.sleep(0.05)
        assert time.monotonic() < began + 2 + LATE
    assert time.monotonic() > began + 2


def test_a_ttl_is_taken_away(at):
    (at[0] / "f").write_text("v")
    os.setxattr(at[0] / "f", TTL, b"2s")
    sh(f"setfattr -x {TTL} f", at[1])
    fails(errno.ENODATA, os.getxattr, at[2] / "f", TTL)
    fails(errno.ENODATA, os.getxattr, at[2] / "f", EXPIRES)
    fails(errno.ENODATA, os.removexattr, at[0] / "f", TTL)
    time.sleep(2.5)
    assert (at[2] / "f").read_text() == "v"


def test_what_is_refused(at):
    (at[0] / "f").write_text("v")
    (at[0] / "d").mkdir()
    for text in (b"", b"2", b"s", b"1w", b"99ms", b"4000d", b"-1s", b"2s\n"):
        fails(errno.EINVAL, os.setxattr, at[0] / "f", TTL, text)
    fails(errno.EISDIR, os.setxattr, at[0] / "d", TTL, b"2s")
    fails(errno.EPERM, os.setxattr, at[0] / "f", EXPIRES, b"2s")
    fails(errno.ENODATA, os.getxattr, at[0] / "d", TTL)
    for number in range(17):
        os.link(at[0] / "f", at[0] / str(number))
    fails(errno.EMLINK, os.setxattr, at[0] / "f", TTL, b"2s")
    assert os.listxattr(at[0] / "f") == []


def test_an_open_file_is_like_an_unlinked_one(at):
    (at[0] / "f").write_text("v")
    os.setxattr(at[0] / "f", TTL, b"1s")
    with open(at[0] / "f") as here, open(at[1] / "f") as there:
        wait_for(lambda: not os.path.exists(at[0] / "f"), "it is gone")
        assert here.read() == there.read() == "v"
        (at[0] / "f").write_text("another one")
        here.seek(0)
        assert here.read() == "v"


def test_a_file_that_takes_its_place_stays(at):
    """rename(2) over it, as editors do: the time was that of the file, not of the name."""
    (at[0] / "f").write_text("v")
    os.setxattr(at[0] / "f", TTL, b"1s")
    (at[0] / "g").write_text("w")
    os.rename(at[0] / "g", at[0] / "f")
    time.sleep(1.5)
    assert (at[1] / "f").read_text() == "w"


def expire(folder, *arguments):
    return subprocess.run([QUORUMFS, "expire", *arguments], cwd=folder, capture_output=True, text=True, timeout=20)


def test_the_verb_expire(at, tmp_path):
    for name in ("f", "g", "h"):
        (at[0] / name).write_text("v")
    done = expire(at[0], "1s", "f", "g")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert expire(at[1], "never", "g", "h").returncode == 0
    wait_for(lambda: not os.path.exists(at[2] / "f"), "f is gone")
    assert sorted(os.listdir(at[2])) == ["g", "h"]
    for arguments, status, text in [((), 2, "Usage: quorumfs expire"), (("1s",), 2, "Usage"),
                                    (("1w", "g"), 2, "1w is no time"), (("0s", "g"), 2, "0s is no time"),
                                    (("5000d", "g"), 1, "from 100ms to 3660d"), (("1s", "none"), 1, "No such file"),
                                    (("1s", "."), 1, "it is a directory"),
                                    (("1s", str(tmp_path)), 1, "not on a mount of quorumfs")]:
        done = expire(at[0], *arguments)
        assert done.returncode == status and text in done.stderr, done


# ---- By HTTP


def test_a_put_with_a_ttl(cluster):
    a, b, c = cluster.nodes
    assert a.request("PUT", "/key/ttl/a/b?ttl=2s", "v").status == 200
    moment = time.monotonic() + 2
    found = b.get("ttl/a/b").single
    assert found["ttl"] == "2s" and found["expires_in"].endswith("s")
    goes(cluster.nodes, "ttl/a/b", moment)
    assert not os.path.exists(c.path("ttl"))  # what was made for it goes as well


def test_a_put_keeps_the_ttl_and_starts_it_again(cluster):
    a, b, _ = cluster.nodes
    a.request("PUT", "/key/again?ttl=2s", "v")
    for number in range(3):
        time.sleep(1)
        cluster.nodes[number].put("again", str(number))
    moment = time.monotonic() + 2
    assert b.get("again").single["ttl"] == "2s"
    goes(cluster.nodes, "again", moment)
    a.request("PUT", "/key/kept?ttl=1s", "v")
    a.request("PUT", "/key/kept?ttl=none", "v")
    time.sleep(1.5)
    assert b.value("kept") == b"v"


def test_a_transaction_with_a_ttl(cluster):
    a, b, _ = cluster.nodes
    then = [{"put": {"key": "txn/a", "value": "1", "ttl": "1s"}}, {"put": {"key": "txn/b", "value": "1"}}]
    assert a.txn([], then).transaction["succeeded"] is True
    goes([a, b], "txn/a", time.monotonic() + 1)
    assert b.value("txn/b") == b"1"


def test_a_lease_takes_its_keys_along(cluster):
    a, b, c = cluster.nodes
    lease = grant(a, "2s")
    for number, node in enumerate(cluster.nodes):
        assert node.request("PUT", f"/key/service/{number}?lease={lease}", "up").status == 200
    for number in range(3):
        time.sleep(1)
        assert cluster.nodes[number].request("POST", f"/lease/{lease}").single == {"id": lease, "ttl": "2s"}
    moment = time.monotonic() + 2
    found = c.request("GET", f"/lease/{lease}").single
    assert [one["key"] for one in found["keys"]] == ["service/0", "service/1", "service/2"]
    assert {"id": lease, "ttl": "2s", "keys": 3}.items() <= b.request("GET", "/leases").multiple[0].items()
    goes(cluster.nodes, "service/1", moment)
    assert gone(b, "service/0") and gone(b, "service/2")  # in one entry with the other
    for method in ("GET", "POST", "DELETE"):
        assert a.request(method, f"/lease/{lease}").status == 404
    late = b.request("PUT", f"/key/late?lease={lease}", "up")
    assert late.status == 410 and gone(a, "late")


def test_a_lock_by_http(cluster):
    """With If-None-Match: *, one client holds the key; the next one gets it when the lease ends."""
    a, b, _ = cluster.nodes
    leases = [grant(node, "5s") for node in (a, b)]
    only_new = {"If-None-Match": "*"}
    won = a.request("PUT", f"/key/lock?lease={leases[0]}", "a", only_new)
    lost = b.request("PUT", f"/key/lock?lease={leases[1]}", "b", only_new)
    assert (won.status, lost.status) == (200, 412)
    assert (b.metrics()["tree_leases"], b.metrics()["tree_mortals"]) >= (2, 1)
    assert a.request("DELETE", f"/lease/{leases[0]}").single == {"id": leases[0], "deleted": 1}
    after = b.request("PUT", f"/key/lock?lease={leases[1]}", "b", only_new)
    assert after.status == 200
    assert int(after.headers["ETag"].strip('"')) > int(won.headers["ETag"].strip('"'))
    b.put("lock", "stays")  # a PUT without the lease loosens the key from it
    b.request("DELETE", f"/lease/{leases[1]}")
    assert a.value("lock") == b"stays"


def txn(node, text, *arguments, **environment):
    return subprocess.run([QUORUMFS, "txn", *arguments], input=text, capture_output=True, text=True, timeout=20,
                          env={**os.environ, "QUORUMFS_NODE": f"{node.host}:{node.port}", **environment})


def test_the_verb_txn(cluster):
    a, b, _ = cluster.nodes
    take = json.dumps({"if": [{"key": "verb", "exists": False}], "then": [{"put": {"key": "verb", "value": "1"}}],
                       "else": [{"put": {"key": "late", "value": "1"}}]})
    first, second = txn(a, take), txn(b, take)
    assert first.returncode == 0 and json.loads(first.stdout)["Transaction"]["succeeded"] is True, first
    assert second.returncode == 1 and json.loads(second.stdout)["Transaction"]["succeeded"] is False, second
    assert (a.value("verb"), a.value("late")) == (b"1", b"1")
    named = txn(a, take, "--node", f"{b.host}:{b.port}", QUORUMFS_NODE="127.0.0.1:1")
    assert named.returncode == 1, named
    wrong = txn(a, "{}")
    assert wrong.returncode == 2 and '"if\\" is missing' in wrong.stderr and wrong.stdout == "", wrong
    nowhere = txn(a, take, "--node", "127.0.0.1:1")
    assert nowhere.returncode == 2 and "nothing has happened" in nowhere.stderr, nowhere
    assert txn(a, take, "--node", "x").returncode == 2 and txn(a, take, "x").returncode == 2
    big = json.dumps({"if": [], "then": [{"put": {"key": f"big/{n}", "value": "x" * 100000}} for n in range(30)]})
    assert txn(a, big).returncode == 0 and len(b.contents("&prefix=big/")) == 30


# ---- While nodes come and go


class Renewing(threading.Thread):
    """A service that is registered by a lease: renews it at any node that answers."""

    def __init__(self, cluster, lease):
        super().__init__(daemon=True)
        self.nodes, self.lease, self.over = cluster.nodes, lease, False
        self.answers = []

    def run(self):
        while not self.over:
            for node in self.nodes:
                try:
                    self.answers.append(node.request("POST", f"/lease/{self.lease}", timeout=2).status)
                except OSError:
                    continue
                if self.answers[-1] in (200, 404):
                    break
            time.sleep(0.3)


def disturbed(disturb, restore):
    """Keys with a ttl and a renewed lease, while `disturb` happens to the leader: none goes early, the lease
    stays, and each key goes in the time of a change of leaders at most."""
    with Cluster(mount=False) as cluster:
        leader = cluster.leader()
        others = [node for node in cluster.nodes if node is not leader]
        lease = grant(others[0], "4s")
        service = Renewing(cluster, lease)
        service.start()
        assert leader.request("PUT", f"/key/service?lease={lease}", "up").status == 200
        moments = {}
        for number in range(8):
            key, ttl = f"k/{number}", 2 + number
            assert others[number % 2].request("PUT", f"/key/{key}?ttl={ttl}s", "v").status == 200
            moments[key] = time.monotonic() + ttl
        time.sleep(1)
        disturb(leader)
        while moments:
            for key, moment in list(moments.items()):
                began = time.monotonic()
                try:
                    status = others[0].get(key).status
                except OSError:
                    continue
                if status == 404:
                    assert began > moment - 0.1, f"{key}: {moment - began:.2f} s early"
                    del moments[key]
                elif status == 200:
                    assert time.monotonic() < moment + LATE + ELECTION, f"{key} is late"
            time.sleep(0.02)
        assert others[1].value("service") == b"up"
        assert 404 not in service.answers and service.answers.count(200) > 10, service.answers
        restore(leader)
        service.over = True
        service.join()
        moment = time.monotonic()
        wait_for(lambda: gone(others[0], "service"), "the lease is over", 4 + LATE)
        assert time.monotonic() > moment + 3
        cluster.wait_equal()


def test_the_leader_is_killed():
    disturbed(lambda leader: leader.kill(), lambda leader: leader.start())


def test_the_leader_is_stopped():
    """SIGSTOP for longer than the times; when it goes on, what it believes does no harm."""
    disturbed(lambda leader: leader.pause(), lambda leader: leader.resume())


def test_all_nodes_start_again():
    """A restart counts the whole time again; nothing that has a time stays for ever."""
    with Cluster(mount=False) as cluster:
        a = cluster.nodes[0]
        lease = grant(a, "3s")
        a.request("PUT", f"/key/leased?lease={lease}", "v")
        a.request("PUT", "/key/k?ttl=3s", "v")
        time.sleep(2)
        for node in cluster.nodes:
            node.stop()
        for node in cluster.nodes:
            node.start(wait=False)
        began = time.monotonic()
        for node in cluster.nodes:
            node.wait_ready()
        assert a.value("k") == a.value("leased") == b"v"
        wait_for(lambda: gone(a, "k") and gone(a, "leased"), "both are gone", began + 3 + LATE + ELECTION)
        assert time.monotonic() > began + 3


def test_many_go_at_once_and_hold_nothing_up():
    """10,000 keys whose time is up together, while a client writes."""
    with Cluster(mount=False) as cluster:
        a, b, _ = cluster.nodes
        for first in range(0, 10000, 1000):
            body = [{"key": f"many/{n}", "value": "v", "ttl": "5s"} for n in range(first, first + 1000)]
            assert a.request("POST", "/keys", body).status == 200
        slowest, count, began = 0, 0, time.monotonic()
        while b.get("many/9999").status == 200 or b.request("GET", "/keys?prefix=many/&limit=1").multiple:
            before = time.monotonic()
            assert a.put("other", str(count)).status == 200
            slowest, count = max(slowest, time.monotonic() - before), count + 1
            assert time.monotonic() < began + 5 + 20
        print(f"all gone {time.monotonic() - began - 5:.1f} s after the last one's time; slowest of {count} writes: "
              f"{slowest * 1000:.0f} ms")
        assert slowest < 1
        cluster.wait_equal()
