"""Large directories: listed, searched and removed, also while entries come and go."""

import concurrent.futures
import contextlib
import os
import subprocess

from files import LONG, sh

MANY = 100_000 if LONG else 20_000


def make_many(cluster, folder, count):
    """Through HTTP, in lists of 10,000: a program would take minutes."""
    for first in range(0, count, 10_000):
        keys = [{"key": f"{folder}/{number:06}", "value": ""} for number in range(first, min(first + 10_000, count))]
        assert cluster.nodes[0].request("POST", "/keys", keys, timeout=60).status == 200


def test_many_entries(cluster, at):
    make_many(cluster, at[0].name, MANY)
    names = [f"{number:06}" for number in range(MANY)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for listed in pool.map(os.listdir, at):
            assert sorted(listed) == names
    assert (at[1]).stat().st_size == MANY
    assert sh("ls -f | wc -l; find . -name '*77' | wc -l", at[2]).split() == [str(MANY + 2), str(MANY // 100)]
    if LONG:
        sh("rm -rf ./*", at[1], seconds=600)
        assert os.listdir(at[0]) == []
    else:
        for first in range(0, MANY, 10_000):
            keys = [f"{at[0].name}/{name}" for name in names[first:first + 10_000]]
            assert cluster.nodes[1].request("DELETE", "/keys", keys, timeout=60).status == 200
    assert os.listdir(at[2]) == []


def test_entries_that_stay_are_listed_once_while_others_come_and_go(cluster, at):
    make_many(cluster, at[0].name, 3000)
    stays = {f"{number:06}" for number in range(0, 3000, 2)}
    churn = subprocess.Popen(["sh", "-c", "for i in $(seq 1 2 2999); do n=$(printf %06d $i); echo > new$i; rm $n; "
                              "[ ! -e stop ] || break; done"], cwd=at[0])
    listings = 0
    try:
        while churn.poll() is None and listings < 15:
            names = os.listdir(at[1 + listings % 2])
            assert len(names) == len(set(names)) and stays <= set(names)
            listings += 1
    finally:
        (at[1] / "stop").write_text("")
        churn.wait()


def test_removing_while_listing(at):
    """As rm -rf does: offsets stay valid while entries go."""
    sh("seq 400 | xargs touch", at[0])
    seen = []
    with os.scandir(at[1]) as entries:
        for entry in entries:
            seen.append(int(entry.name))
            os.unlink(entry.path)
    assert sorted(seen) == list(range(1, 401))
    assert os.listdir(at[2]) == []


def test_a_position_can_be_returned_to(at):
    sh("seq -w 300 | xargs touch; mkdir gone", at[0])
    descriptor = os.open(at[1], os.O_RDONLY | os.O_DIRECTORY)
    first = os.listdir(descriptor)
    sh("rm -r 00* gone; touch new", at[2])
    os.lseek(descriptor, 0, os.SEEK_SET)
    assert sorted(os.listdir(descriptor)) == sorted({n for n in first if n[:2] != "00" and n != "gone"} | {"new"})
    os.close(descriptor)


def test_counts(at):
    sh("mkdir a b b/c; touch f", at[0])
    assert [(at[1] / name).stat().st_nlink for name in (".", "a", "b")] == [4, 2, 3]
    os.rename(at[2] / "a", at[2] / "b" / "a")
    assert [(at[0] / name).stat().st_nlink for name in (".", "b")] == [3, 4]
    assert sorted(entry.name for entry in os.scandir(at[1]) if entry.is_dir()) == ["b"]
    assert sh("ls -ai b | awk '{print $2}'", at[1]).split() == [".", "..", "a", "c"]
    assert int(sh("ls -aid b/..", at[1]).split()[0]) == at[0].stat().st_ino


def test_a_deep_tree(at):
    depth = 50  # walking from the top each time is quadratic
    sh(f"i=0; while [ $i -lt {depth} ]; do mkdir d && cd d; i=$((i+1)); done; echo deep > f", at[0])
    assert sh("find . -name f | tr -cd d | wc -c", at[1]) == f"{depth}\n"
    sh("rm -r d", at[2])
    assert os.listdir(at[0]) == []


def test_paths_longer_than_a_key_are_listed_as_such(cluster, at):
    """In pages of one entry as in one page, at each node."""
    deep = [at[0].name] + ["n" * 250] * 15
    with contextlib.ExitStack() as stack:
        here = os.open(at[0].parent, os.O_RDONLY)
        for name in deep + ["b" * 200]:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=here)
            stack.callback(os.close, here)
            here = os.open(name, os.O_RDONLY, dir_fd=here)
        stack.callback(os.close, here)
        for name in ["a", "long" * 60]:
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=here))
        for name in ["empty" * 40, "full" * 50]:
            os.mkdir(name, dir_fd=here)
        os.close(os.open("full" * 50 + "/x", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    below = "/".join(deep + ["b" * 200]) + "/"
    for node in cluster.nodes:
        for limit in (1, 100):
            found, path = [], f"/keys?limit={limit}&prefix={at[0].name}/"
            while path:
                answer = node.request("GET", path)
                assert answer.status == 200, answer
                found += answer.multiple
                path = answer.json.get("next")
            assert [entry["key"] for entry in found] == [below + "a", below + "full" * 50 + "/", below + "long" * 60]
            assert found[0]["value"] == ""
            assert all("longer than a key" in entry["error"] for entry in found[1:])
