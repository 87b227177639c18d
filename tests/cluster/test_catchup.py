"""A node that was away for longer than the others keep their log catches up by a snapshot, while writes
go on."""

import threading

from cluster import Cluster, wait_for

MISSED = 100_000
BULK = 1000
SINGLE = 4_000
PIPELINES = 4
FILLING = "." * 400  # so that all of it is more than the others keep of their logs


def put_many(node, keys, deletions):
    """Single writes, many under way at a time: HTTP pipelining."""
    connection = node.connect(60)
    connection.connect()
    requests = [f"PUT /key/{key} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(key)}\r\n\r\n{key}" for key in keys]
    requests += [f"DELETE /key/{key} HTTP/1.1\r\nHost: localhost\r\n\r\n" for key in deletions]
    sender = threading.Thread(target=connection.sock.sendall, args=("".join(requests).encode(),), daemon=True)
    sender.start()
    answers = connection.sock.makefile("rb")
    for number in range(len(requests)):
        line = answers.readline()
        assert b" 200 " in line, (number, line)
        length = 0
        while (header := answers.readline()) != b"\r\n":
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        answers.read(length)
    sender.join()
    connection.close()


def in_parallel(jobs):
    problems = []

    def run(job):
        try:
            job()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def write_what_is_missed(nodes):
    """Returns the values that must be there afterwards."""
    expected = {}
    for start in range(0, MISSED - SINGLE, BULK):
        pairs = {f"bulk/{number // BULK}/{number}": f"{number}{FILLING}" for number in range(start, start + BULK)}
        body = [{"key": key, "value": value} for key, value in pairs.items()]
        assert nodes[start // BULK % len(nodes)].request("POST", "/keys", body).status == 200
        expected |= pairs
    share = SINGLE // PIPELINES
    jobs = []
    for pipeline in range(PIPELINES):
        keys = [f"single/{pipeline}/{number % 500}" for number in range(share)]
        deletions = [f"old/{number}" for number in range(pipeline, 1000, PIPELINES)]
        jobs.append(lambda node=nodes[pipeline % len(nodes)], k=keys, d=deletions: put_many(node, k, d))
        expected |= {key: key for key in keys}
    in_parallel(jobs)
    gone = [f"bulk/0/{number}" for number in range(0, BULK, 3)]
    assert nodes[0].request("DELETE", "/keys", gone).status == 200
    return {key: value for key, value in expected.items() if key not in set(gone)}


def test_a_node_that_missed_100000_writes():
    with Cluster(mount=False) as cluster:
        *others, away = cluster.nodes
        old = [{"key": f"old/{number}", "value": "from before"} for number in range(2000)]
        assert away.request("POST", "/keys", old).status == 200
        away.stop()
        expected = write_what_is_missed(others)
        compacted = wait_for(lambda: min(node.status()["log"]["compacted"] for node in others),
                             "the others have compacted their logs")
        print(f"compacted up to {compacted} of {others[0].status()['log']['applied']}")

        until = threading.Event()
        count = 0

        def go_on():
            nonlocal count
            while not until.is_set():
                assert others[count % 2].put(f"meanwhile/{count}", str(count)).status == 200
                count += 1

        writer = threading.Thread(target=go_on, daemon=True)
        writer.start()
        away.start()
        wait_for(lambda: away.status()["tree"]["snapshots_received"] >= 1, "it has received a snapshot", 60)
        assert away.value("single/0/7") == b"single/0/7"
        until.set()
        writer.join(30)
        assert count > 10
        cluster.wait_equal()

        kept = {f"old/{number}": "from before" for number in range(1000, 2000)}
        meanwhile = {f"meanwhile/{number}": str(number) for number in range(count)}
        contents = {key.encode(): value.encode() for key, value in (expected | kept | meanwhile).items()}
        for node in cluster.nodes:
            assert node.contents("&consistency=local") == contents
