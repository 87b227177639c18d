"""An answer is one moment of the tree, whole, however long it is and whatever is written meanwhile."""

import contextlib
import http.client
import os
import threading

import pytest

from cluster import wait_for

CONFIG = {"request_timeout": "60s"}  # these tests write much
MIB = 1024 * 1024
RAW = {"Accept": "application/octet-stream"}
KEYS = 1000
TRIES = int(os.environ.get("MOMENT_TRIES", "60"))  # of each kind, at each node
LOG_BYTES = int(os.environ.get("MOMENT_LOG_MIB", "10")) * MIB


@contextlib.contextmanager
def meanwhile(function):
    """Calls the function again and again, with a rising number, in a thread of its own; it must not fail."""
    failures = []
    enough = threading.Event()

    def run():
        number = 0
        while not enough.is_set():
            number += 1
            try:
                function(number)
            except BaseException as failure:
                failures.append(failure)
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()
    assert not failures, failures


def patiently(request):
    """The answer to a request, which is made again as long as it is refused: a busy machine may lose its quorum."""
    answer = None

    def is_served():
        nonlocal answer
        answer = request()
        return answer.status != 503

    wait_for(is_served, "the request is served", 60)
    return answer


def at_every_node(cluster, function):
    """Calls function(node) at all nodes at the same time."""
    failures = []

    def run(node):
        try:
            function(node)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(node,)) for node in cluster.nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.fixture
def generations(cluster):
    """Keys of which all always have the same value: they change in one request."""
    def write(number):
        entries = [{"key": f"together/{key:04}", "value": str(number)} for key in range(KEYS)]
        node = cluster.nodes[number % 3]
        answer = patiently(lambda: node.request("POST", "/keys", entries, timeout=90))
        assert answer.status == 200, answer

    write(0)
    with meanwhile(write):
        yield


def values_of(answer):
    assert answer.status == 200, answer
    return [entry["value"] for entry in answer.multiple]


def test_keys_that_change_together_are_never_mixed(cluster, generations):
    def read(node):
        last = -1
        for _ in range(TRIES):
            answer = patiently(lambda: node.request("GET", f"/keys?prefix=together/&limit={KEYS}", timeout=90))
            values = values_of(answer)
            assert len(values) == KEYS and len(set(values)) == 1, set(values)
            assert int(values[0]) >= last and "next" not in answer.json
            last = int(values[0])

    at_every_node(cluster, read)


def test_all_pages_of_a_listing_are_of_one_moment(cluster, generations):
    def read(node):
        for _ in range(TRIES // 4):
            path, values, revisions = "/keys?prefix=together/&limit=90", [], set()
            while path:
                answer = patiently(lambda: node.request("GET", path, timeout=90))
                values += values_of(answer)
                revisions.add(answer.json["revision"])
                path = answer.json.get("next")
            assert len(values) == KEYS and len(set(values)) == 1 and len(revisions) == 1, (set(values), revisions)

    at_every_node(cluster, read)


def test_a_page_of_a_moment_that_is_gone(cluster):
    a, b, _ = cluster.nodes
    for key in range(3):
        a.put(f"page/{key}", "1")
    first = a.request("GET", "/keys?prefix=page/&limit=1")
    a.put("page/1", "2")
    # Another node does not have the moment; the one that gave the page has.
    gone = b.request("GET", first.json["next"])
    assert gone.status == 410 and f"revision {first.json['revision']}" in gone.multiple[0]["error"], gone
    assert [entry["value"] for entry in a.request("GET", first.json["next"]).multiple] == ["1"]
    # Where nothing has changed since, every node has it.
    latest = a.request("GET", "/keys?prefix=page/&limit=2")
    assert [entry["key"] for entry in b.request("GET", latest.json["next"]).multiple] == ["page/2"]
    for bad in ("0", "-1", "x", "", "9" * 30):
        assert a.request("GET", f"/keys?revision={bad}").status == 400


def record(number):
    return b"%015d\n" % number


def assert_records(body):
    """What is read of the log ends with a whole record, and has all records before that."""
    assert len(body) % 16 == 0
    assert body[:16] == record(0) and body[-16:] == record(len(body) // 16 - 1)


def test_a_growing_log_is_read_whole(cluster):
    size = LOG_BYTES // 16
    log = cluster.nodes[0].path("growing.log")
    with open(log, "wb") as file:
        file.write(b"".join(record(number) for number in range(size)))
    with open(log, "ab", buffering=0) as file:
        def append(number):
            file.write(record(size + number - 1))

        def read(node):
            for _ in range(TRIES):
                answer = patiently(lambda: node.request("GET", "/key/growing.log", headers=RAW, timeout=90))
                assert answer.status == 200 and len(answer.body) == int(answer.headers["Content-Length"])
                assert_records(answer.body)
                assert len(answer.body) >= LOG_BYTES

        with meanwhile(append):
            at_every_node(cluster, read)


def wal_bytes(node):
    return os.stat(node.folder / "tree.db-wal").st_size


def churn(node):
    """Writes 8 MiB that differ from those before: SQLite leaves out pages that stay as they are."""
    value = os.urandom(MIB) * 8
    answer = patiently(lambda: node.request("PUT", "/key/churn", value, timeout=90))
    assert answer.status == 200, answer
    assert wal_bytes(node) < 160 * MIB


@contextlib.contextmanager
def begun(node, key):
    """The answer to a raw GET whose body nobody reads yet."""
    with contextlib.closing(node.connect(timeout=60)) as connection:
        connection.request("GET", f"/key/{key}", headers=RAW)
        yield connection.getresponse()


def test_a_client_that_reads_slowly_holds_up_nothing(cluster):
    node = cluster.nodes[1]
    small, large = node.path("slow.small"), node.path("slow.large")
    for path, mib in ((small, 24), (large, 72)):
        with open(path, "wb") as file:
            for _ in range(mib):
                file.write(b"1" * MIB)
    with begun(node, "slow.small") as answer, begun(node, "slow.large") as streamed:
        assert answer.read(1000) == streamed.read(1000) == b"1" * 1000
        for path in (small, large):
            with open(path, "r+b") as file:
                for _ in range(path.stat().st_size // MIB):
                    file.write(b"2" * MIB)
                    assert wal_bytes(node) < 160 * MIB
        for _ in range(8):
            churn(node)
        # What was gathered before the client took it is whole. What was not ends too soon, as the moment has: all
        # of it was one version.
        assert answer.read() == b"1" * (24 * MIB - 1000)
        with pytest.raises(http.client.IncompleteRead) as cut:
            streamed.read()
        assert set(cut.value.partial) <= {ord("1")}
    assert node.value("slow.large") == b"2" * 72 * MIB


def test_a_moment_that_is_kept_for_a_page_does_not_hold_up_the_log(cluster):
    node = cluster.nodes[2]
    for key in range(2):
        node.put(f"held/{key}", "1")
    path = node.request("GET", "/keys?prefix=held/&limit=1").json["next"]
    status, written = 200, 0
    while status == 200 and written < 30:
        churn(node)
        written += 1
        status = patiently(lambda: node.request("GET", path, timeout=90)).status
    assert status == 410 and written > 5
    for _ in range(2):
        churn(node)
    assert wal_bytes(node) <= 96 * MIB, "the write-ahead log is used again from its start"
