"""Large directories: listed, searched and removed, also while entries come and go."""

import concurrent.futures
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
