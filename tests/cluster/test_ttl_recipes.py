"""The recipes of README.md for keys that go away, as they stand there."""

import os
import re
import signal
import subprocess
import time

from cluster import QUORUMFS, REPOSITORY, wait_for


def recipes():
    text = (REPOSITORY / "README.md").read_text()
    section = text[text.index("## Keys that go away\n"):]
    section = section[:section.index("\n## ", 1)]
    found = re.findall(r"```sh\n(.*?)```", section, re.S)
    assert len(found) == 4
    return found


def begin(line, node, folder, name="web1"):
    """Runs a recipe with bash in a folder that has the mount at `mnt`."""
    folder.mkdir(exist_ok=True)
    if not (folder / "mnt").exists():
        (folder / "mnt").symlink_to(node.path(""))
    path = f"{os.path.dirname(os.path.abspath(QUORUMFS))}:{os.environ['PATH']}"
    return subprocess.Popen(["bash", "-ec", line], cwd=folder, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True,
                            env={**os.environ, "PATH": path, "HOSTNAME": name,
                                 "NODE": f"http://{node.host}:{node.port}"})


def output(process, status=0):
    out = process.communicate(timeout=30)[0]
    assert process.returncode == status, out
    return out


def test_a_service_is_listed_as_long_as_it_runs(cluster, tmp_path):
    a, b, c = cluster.nodes
    line = recipes()[0].replace('"10s"', '"5s"').replace("sleep 3", "sleep 1")
    services = [begin(line, node, tmp_path / str(n), f"web{n}") for n, node in enumerate((a, b))]
    wait_for(lambda: sorted(c.contents("&prefix=services/web/")) == [b"services/web/web0", b"services/web/web1"],
             "both are listed")
    time.sleep(6)  # longer than the ttl
    assert c.value("services/web/web0") == b"web0:8000" and c.value("services/web/web1") == b"web1:8000"
    os.killpg(services[0].pid, signal.SIGKILL)
    killed = time.monotonic()
    services[0].communicate()
    wait_for(lambda: c.value("services/web/web0") is None, "the killed one is not listed any more", 15)
    assert time.monotonic() > killed + 5 - 1.5 - 0.5  # since the last renewal
    assert services[1].poll() is None and c.value("services/web/web1") == b"web1:8000"
    lease = c.get("services/web/web1").single["lease"]
    c.request("DELETE", f"/lease/{lease}")
    output(services[1])  # it notices, and ends


def test_a_job_runs_once(cluster, tmp_path):
    jobs = [begin(recipes()[1], node, tmp_path / str(n), f"host{n}") for n, node in enumerate(cluster.nodes * 2)]
    for job in jobs:
        job.wait(timeout=30)
    ran = [n for n in range(len(jobs)) if (tmp_path / str(n) / "report").exists()]
    assert ran and cluster.nodes[0].value("locks/report") is None  # the lock was released
    # While one holds it, another one does not run.
    slow = recipes()[1].replace("date > report", "date > report; sleep 3")
    first = begin(slow, cluster.nodes[0], tmp_path / "first", "first")
    wait_for(lambda: cluster.nodes[1].value("locks/report") == b"first", "the lock is held")
    output(begin(recipes()[1], cluster.nodes[1], tmp_path / "second", "second"))
    assert not (tmp_path / "second" / "report").exists()
    output(first)
    output(begin(recipes()[1], cluster.nodes[1], tmp_path / "second", "second"))
    assert (tmp_path / "second" / "report").exists()


def test_a_page_is_made_anew(cluster, tmp_path):
    line = recipes()[2].replace("10m", "2s").replace("date >", "date +%s.%N >")
    pages = [output(begin(line, node, tmp_path / str(n))) for n, node in enumerate(cluster.nodes)]
    assert len(set(pages)) == 1, pages
    wait_for(lambda: cluster.nodes[0].value("cache/page") is None, "it is gone")
    assert output(begin(line, cluster.nodes[0], tmp_path / "0")) != pages[0]
    output(begin(recipes()[2], cluster.nodes[0], tmp_path / "0"))  # as it stands there


def test_a_transaction_of_the_shell(cluster, tmp_path):
    out = output(begin(recipes()[3], cluster.nodes[1], tmp_path / "t"))
    assert '"succeeded":true' in out and cluster.nodes[0].value("colour") == b"blue"
    output(begin(recipes()[3], cluster.nodes[1], tmp_path / "t"), 1)
