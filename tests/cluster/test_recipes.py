"""The recipes of README.md, as they stand there: blocks of commands under a heading."""

import os
import re
import signal
import subprocess
import time

import pytest

from cluster import QUORUMFS, REPOSITORY, wait_for

CONFIG = {}


def recipes(heading):
    """The blocks of commands below a heading, up to the next one of its rank."""
    text = (REPOSITORY / "README.md").read_text()
    section = re.search(rf"^## {heading}\n(.*?)^## ", text, flags=re.MULTILINE | re.DOTALL)[1]
    return re.findall(r"^```sh\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)


def run(recipe, node):
    """In the folder of a node, whose mount is mnt."""
    environment = os.environ | {"ADDR": node.addr, "PATH": f"{os.path.dirname(QUORUMFS)}:{os.environ['PATH']}"}
    return subprocess.Popen(["bash", "-c", recipe], cwd=node.folder, env=environment, stdout=subprocess.PIPE,
                            text=True, start_new_session=True)


def stop(process):
    os.killpg(process.pid, 15)
    process.wait(10)
    process.stdout.close()


def watches(node):
    return node.metrics()["watches"]


def test_there_are_three_and_one_for_inotify():
    assert len(recipes("Watching")) == 4


def test_a_program_reads_its_configuration_again(cluster):
    here, there = cluster.nodes[:2]
    there.put("etc/app.conf", "1")
    program = subprocess.Popen(["bash", "-c", "trap 'echo again' HUP; echo begun; while :; do sleep 0.05; done"],
                               stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))  # under nohup(1) as well
    assert program.stdout.readline() == "begun\n"
    (here.folder / "app.pid").write_text(str(program.pid))
    process = run(recipes("Watching")[0], here)
    try:
        wait_for(lambda: watches(here) == 1, "it is watched")
        there.put("etc/other", "1")
        there.put("etc/app.conf", "2")
        assert program.stdout.readline() == "again\n"
    finally:
        stop(process)
        program.kill()
        program.wait()
        program.stdout.close()


def test_a_command_for_each_change(cluster):
    here, there = cluster.nodes[:2]
    there.put("jobs/first", "1")
    log = here.folder / "jobs.log"
    process = run(recipes("Watching")[1], here)
    try:
        wait_for(lambda: sum(map(watches, cluster.nodes)) == 1, "it is watched")
        there.put("jobs/second", "1")
        there.delete("jobs/first")
        wait_for(lambda: log.exists() and log.read_text() == "created jobs/second\ndeleted jobs/first\n", "both ran")
    finally:
        stop(process)


@pytest.mark.skipif(subprocess.run(["sh", "-c", "command -v jq"], capture_output=True).returncode != 0,
                    reason="jq is missing")
def test_a_script_waits_for_a_key(cluster):
    here, there = cluster.nodes[:2]
    process = run(recipes("Watching")[2], here)
    wait_for(lambda: watches(here) == 1 or process.poll() is not None, "it is watched")
    while process.poll() is None:  # of two requests, the first one may have been seen
        there.put("deploy/now", "1")
        time.sleep(0.1)
    assert "deploy/now" in process.communicate(timeout=30)[0].split()
