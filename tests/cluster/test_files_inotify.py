"""inotify(7) for changes of other nodes: `"inotify": true`."""
import contextlib
import ctypes
import os
import signal
import subprocess
import time

from cluster import Cluster, wait_for
from inotify import helper_of, watching

CONFIG = {"inotify": True}
RENAME_EXCHANGE = 2
LIBC = ctypes.CDLL(None, use_errno=True)


def exchange(a, b):
    if LIBC.renameat2(-100, os.fsencode(a), -100, os.fsencode(b), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def write(path, text):
    """In place, as a write(2) alone."""
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, text.encode())
    os.close(fd)


# What is there before, and is watched besides the folder; the change.
KINDS = {
    "create": ([], lambda d: os.mknod(d / "new", 0o644)),
    "mkdir": ([], lambda d: os.mkdir(d / "new")),
    "symlink": ([], lambda d: os.symlink("target", d / "new")),
    "link": (["file"], lambda d: os.link(d / "file", d / "new")),
    "mknod": ([], lambda d: os.mkfifo(d / "new")),
    "modify": (["file"], lambda d: write(d / "file", "more")),
    "truncate": (["file"], lambda d: os.truncate(d / "file", 1)),
    "attrib": (["file"], lambda d: os.chmod(d / "file", 0o600)),
    "chown": (["file"], lambda d: os.chown(d / "file", 5, 6)),
    "times": (["file"], lambda d: os.utime(d / "file", (1, 2))),
    "xattr": (["file"], lambda d: os.setxattr(d / "file", "user.x", b"y")),
    "attrib of a folder": (["sub/"], lambda d: os.chmod(d / "sub", 0o700)),
    "delete": (["file"], lambda d: os.unlink(d / "file")),
    "delete one of two names": (["file", "file=second"], lambda d: os.unlink(d / "second")),
    "rmdir": (["sub/"], lambda d: os.rmdir(d / "sub")),
    "rename": (["file"], lambda d: os.rename(d / "file", d / "other")),
    "rename across": (["file", "sub/"], lambda d: os.rename(d / "file", d / "sub/other")),
    "rename over": (["file", "old"], lambda d: os.rename(d / "file", d / "old")),
    "rename over, across": (["file", "sub/", "sub/old"], lambda d: os.rename(d / "file", d / "sub/old")),
    "exchange": (["file", "sub/", "sub/old"], lambda d: exchange(d / "file", d / "sub/old")),
    "move of a folder": (["sub/"], lambda d: os.rename(d / "sub", d / "other")),
    "move of a folder across": (["a/", "a/sub/", "b/"], lambda d: os.rename(d / "a/sub", d / "b/other")),
    "move of a folder over another": (["a/", "a/sub/", "b/", "b/old/"],
                                      lambda d: os.rename(d / "a/sub", d / "b/old")),
}


def prepare(folder, names):
    for name in names:
        if name.endswith("/"):
            (folder / name).mkdir()
        elif "=" in name:
            os.link(*(folder / part for part in name.split("=")))
        else:
            (folder / name).write_text("contents")


def events_of(watcher, folder):
    return [(os.path.relpath(path, folder), events, name) for path, events, name in watcher.lines]


def test_events_are_those_of_a_change_here(cluster, at):
    """Each kind: a change at this mount, and one of another node in a second folder."""
    here, other, _ = at
    folders, watched = {}, []
    for number, (kind, (names, _)) in enumerate(KINDS.items()):
        folders[kind] = [f"{number}-here", f"{number}-there"]
        for name in folders[kind]:
            (here / name).mkdir()
            prepare(here / name, names)
            watched += [here / name] + [here / name / part.split("=")[-1] for part in names]
    with watching(*watched) as watcher:
        for kind, (_, change) in KINDS.items():
            for made_at, name in zip((here, other), folders[kind]):
                change(made_at / name)
                os.mknod(made_at / name / "end")
        ends = [(f"{here / name}/", "CREATE", "end") for names in folders.values() for name in names]
        wait_for(lambda: set(ends) <= set(watcher.lines), "all are told")
        for kind, names in folders.items():
            local, remote = ([line for line in events_of(watcher, here / name) if not line[0].startswith("..")]
                             for name in names)
            assert remote == local, kind
            assert len(local) > 1, kind
    cluster.wait_equal()


@contextlib.contextmanager
def stopped(node):
    """Its helper does nothing meanwhile."""
    helper = helper_of(node)
    os.kill(helper, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(helper, signal.SIGCONT)


def known(watcher, folder, other):
    """Waits until the node knows that the folder is watched."""
    os.mknod(other / "known")
    watcher.wait("CREATE", "known")
    os.unlink(other / "known")
    watcher.wait("DELETE", "known")
    watcher.lines.clear()


def test_http_and_several_at_once(cluster, at):
    here, other, _ = at
    node = cluster.nodes[0]
    (here / "sub").mkdir()
    with watching(here, here / "sub") as watcher:
        known(watcher, here, other)
        node.put(f"{here.name}/made", b"contents")
        watcher.wait("MODIFY", "made")
        assert [line[1:] for line in watcher.lines] == [("CREATE", "made"), ("MODIFY", "made")]
        node.put(f"{here.name}/empty", b"")
        node.put(f"{here.name}/made", b"again")
        node.delete(f"{here.name}/made")
        watcher.wait("DELETE", "made")
        node.txn([], [{"put": {"key": f"{here.name}/sub/a", "value": "1"}}, {"delete": f"{here.name}/empty"}])
        watcher.wait("DELETE", "empty")
        watcher.wait("CREATE", "a")
        assert not watcher.has("MODIFY", "empty")


def test_a_name_that_is_used_again_here_is_not_deleted(cluster, at):
    """A program at this mount has made it anew before the event of its removal."""
    here, other, _ = at
    (here / "again").write_text("x")
    (here / "moved").write_text("x")
    with watching(here) as watcher:
        known(watcher, here, other)
        with stopped(cluster.nodes[0]):
            os.unlink(other / "again")
            os.rename(other / "moved", other / "away")
            os.mknod(here / "again")
            os.mknod(here / "moved")
            os.mknod(other / "end")
        watcher.wait("CREATE", "end")
        assert [line[1:] for line in watcher.lines] == [("CREATE", "again"), ("CREATE", "moved"), ("CREATE", "end")]


def test_a_name_that_is_used_again_there_is_told_in_order(cluster, at):
    here, other, _ = at
    (here / "name").write_text("x")
    (here / "sub").mkdir()
    with watching(here, here / "name", here / "sub") as watcher:
        known(watcher, here, other)
        with stopped(cluster.nodes[0]):
            os.unlink(other / "name")
            os.mkdir(other / "name")
            os.rename(other / "name", other / "sub" / "x")
            os.rmdir(other / "sub" / "x")
            os.rmdir(other / "sub")
            os.symlink("a", other / "sub")
            os.mknod(other / "end")
        watcher.wait("CREATE", "end")
        events = [(os.path.relpath(path, here), *rest) for path, *rest in watcher.lines]
    assert events == [
        ("name", "ATTRIB", ""), ("name", "DELETE_SELF", ""), (".", "DELETE", "name"),
        (".", "CREATE,ISDIR", "name"), (".", "MOVED_FROM,ISDIR", "name"), ("sub", "MOVED_TO,ISDIR", "x"),
        ("sub", "DELETE,ISDIR", "x"), ("sub", "DELETE_SELF", ""), (".", "DELETE,ISDIR", "sub"),
        (".", "CREATE", "sub"), (".", "CREATE", "end")]


def test_a_tree_that_is_removed(cluster, at):
    here, other, _ = at
    seen = []
    for made_at in (here, other):
        top = here / f"top{made_at is here}"
        (top / "a" / "b").mkdir(parents=True)
        for folder in (top, top / "a", top / "a" / "b"):
            (folder / "file").write_text("x")
        with watching(top, top / "a", top / "a" / "b") as watcher:
            subprocess.run(["rm", "-r", made_at / top.name], check=True)
            watcher.wait("DELETE_SELF")
            wait_for(lambda: (f"{top}/", "DELETE_SELF", "") in watcher.lines, "the last event")
            seen.append(sorted(events_of(watcher, top)))
    assert seen[0] == seen[1]


def test_overflow_is_dropped_and_said(cluster, at):
    here, other, _ = at
    node = cluster.nodes[0]
    with watching(here, events="create") as watcher:
        known_by = f"{here.name}/known"
        node.put(known_by, b"")
        watcher.wait("CREATE", "known")
        with stopped(node):
            for piece in range(70):
                node.txn([], [{"put": {"key": f"{here.name}/{piece}-{i}", "value": ""}} for i in range(120)])
        wait_for(lambda: "have missed" in node.log_tail(20), "a line of the log")
        node.put(f"{here.name}/end", b"")
        watcher.wait("CREATE", "end")
        assert len(watcher.lines) < 8400


def test_the_node_is_killed_while_its_helper_waits(cluster, at):
    """The helper's call waits for a folder that is locked by a program's, which waits for the cluster."""
    here, other, _ = at
    node, *others = cluster.nodes
    with watching(here) as watcher:
        known(watcher, here, other)
        helper = helper_of(node)
        program = subprocess.Popen(["sh", "-c", "read line; exec mkdir local"], cwd=here, text=True,
                                   stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        os.kill(helper, signal.SIGSTOP)
        os.mknod(other / "remote")
        wait_for((here / "remote").exists, "the change")
        try:
            for peer in others:
                peer.pause()
            program.stdin.write("now\n")
            program.stdin.close()
            wait_for(lambda: asleep_in_fuse(program.pid), "the program waits")
            os.kill(helper, signal.SIGCONT)
            wait_for(lambda: state_of(helper) == "D", "the helper waits")
            node.kill()
            assert program.wait(20) != 0
            wait_for(lambda: state_of(helper) in ("", "Z", "X"), "the helper ends")
        finally:
            for peer in others:
                peer.resume()
    node.start()
    wait_for((here / "remote").exists, "the mount is back")
    with watching(here) as watcher:
        known(watcher, here, other)


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def asleep_in_fuse(pid):
    try:
        with open(f"/proc/{pid}/stack") as file:
            return "fuse" in file.read()
    except OSError:
        return False


def test_what_is_mounted_inside_stays(cluster, at):
    """The kernel would unmount it when it hears that the folder is not there."""
    here, other, _ = at
    with watching(here) as watcher:
        known(watcher, here, other)
        with stopped(cluster.nodes[0]):
            (other / "folder").mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "inside", here / "folder"], check=True)
        try:
            (here / "folder" / "file").write_text("x")
            os.mknod(other / "second")
            wait_for(lambda: (here / "second").exists(), "the change")
            assert (here / "folder" / "file").read_text() == "x"
        finally:
            subprocess.run(["umount", here / "folder"], check=True)
        known(watcher, here, other)
        assert (here / "folder").is_dir() and not (here / "folder" / "file").exists()


def test_the_helper_is_not_needed(cluster, at):
    here, other, _ = at
    node = cluster.nodes[0]
    os.kill(helper_of(node), signal.SIGKILL)
    wait_for(lambda: "inotify: its process has ended" in node.log_tail(50), "a line of the log")
    (other / "file").write_text("x")
    wait_for(lambda: (here / "file").exists() and (here / "file").read_text() == "x", "the file")
    node.stop()
    node.start()
    wait_for(lambda: helper_of(node), "a new helper")


def test_umount_does_not_wait(cluster, at):
    """While changes are repeated, and at once."""
    here, other, _ = at
    node = cluster.nodes[0]
    with watching(here) as watcher:
        known(watcher, here, other)
        writer = subprocess.Popen(["sh", "-c", 'while :; do echo x > "$1"; rm "$1"; done', "sh", other / "file"])
        try:
            watcher.wait("DELETE", "file")
            subprocess.run(["umount", node.mount], check=True)
            watcher.wait("UNMOUNT,ISDIR")
            wait_for(lambda: "unmounted by somebody else" in node.log_tail(50), "the node notices")
        finally:
            writer.kill()
            writer.wait()
    helper = helper_of(node)
    assert helper is None or state_of(helper) in ("", "Z", "X")
    node.stop()
    node.start()


def test_running_programs_and_their_changes(cluster, at):
    here, other, _ = at
    subprocess.run(["cp", "/bin/true", here / "program"], check=True)
    with watching(here, events="attrib,modify") as watcher:
        for i in range(60):
            os.utime(other / "program", (i, i))
            os.chmod(other / "program", 0o755 - i % 2)
            subprocess.run([here / "program"], check=True)
        watcher.wait("ATTRIB", "program")


def test_a_read_only_mount():
    with Cluster(1, start=False, inotify=True) as alone:
        node = alone.nodes[0]
        node.start("-o", "ro")
        node.put("dir/known", b"")
        with watching(node.mount / "dir") as watcher:
            node.put("dir/key", b"x")
            watcher.wait("MODIFY", "key")
            node.delete("dir/key")
            watcher.wait("DELETE", "key")


def again(change, seen):
    """Changes until it is seen: entr does not hear of what happens while its command runs, or too often."""
    last = 0

    def once():
        nonlocal last
        if time.monotonic() - last > 0.5:
            last = time.monotonic()
            change()
        return seen()
    wait_for(once, "the change is seen")


def test_tools(cluster, at, tmp_path):
    """entr, and a loop around inotifywait."""
    here, other, _ = at
    (here / "source").write_text("1")
    out = tmp_path / "out"
    own = {"start_new_session": True, "stdin": subprocess.PIPE, "text": True}
    entr = subprocess.Popen(["entr", "-n", "sh", "-c", f"cat '{here}/source' >> {out}"], stderr=subprocess.DEVNULL,
                            env={**os.environ, "ENTR_INOTIFY_WORKAROUND": "1"}, **own)
    entr.stdin.write(f"{here}/source\n")
    entr.stdin.close()
    loop = subprocess.Popen(["sh", "-c", """
        while inotifywait -q -e modify,create,moved_to . > /dev/null; do
            echo 'target: source; cp source target' | make -s -f -
        done"""], cwd=here, stderr=subprocess.DEVNULL, **own)
    try:
        wait_for(lambda: out.exists() and out.read_text() == "1", "entr has begun")
        again(lambda: write(other / "source", "2"), lambda: out.read_text().endswith("2"))
        (other / "new").write_text("3")
        os.rename(other / "new", other / "source")
        again(lambda: write(other / "source", "3"), lambda: out.read_text().endswith("3"))
        wait_for(lambda: (here / "target").exists() and (here / "target").read_text() == "3", "make")
    finally:
        for process in (entr, loop):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_off_by_default():
    with Cluster(1) as alone:
        assert helper_of(alone.nodes[0]) is None
