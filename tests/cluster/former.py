"""The version before feature levels and identities: its program, built from the history, and folders that it has
written (tests/former), with a description of what they hold."""

import contextlib
import hashlib
import json
import os
import pathlib
import socket
import stat
import subprocess
import tarfile
import urllib.parse

from cluster import REPOSITORY, Cluster, bytes_of, path_of, wait_for

COMMIT = "0b4f178"
LEVEL = 1  # of the features that it has
KEPT = REPOSITORY / "tests" / "former"

# Until 0b4f178 the cluster's id and the nodes' ids followed from the addresses, so a kept folder has the addresses
# of its making. Nothing else in the tests listens at 127.77.3.x.
PORT = 7801
THREE = [f"127.77.3.{number}:{PORT}" for number in (1, 2, 3)]
ADDRESSES = {"single": [f"127.77.3.9:{PORT}"], "cluster": THREE, "rejoined": THREE}
HTTP_BYTES_MAX = 8 * 1024 * 1024
SHORT_BYTES = 100  # longer bytes are described by their hash


class NoHistory(Exception):
    """This copy of the repository does not have the commit."""


def build(folder):
    """Builds the former program below an empty folder; its path. It need not be fast, but without
    optimization it has no room on its stack."""
    git = ["git", "-c", "safe.directory=*", "-C", REPOSITORY]
    try:
        archive = subprocess.run([*git, "archive", COMMIT], capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode(errors="replace").strip()
        raise NoHistory(f"{COMMIT} is not in the history: {said or error}") from error
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    built = pathlib.Path(folder) / "build"
    setup = ["meson", "setup", "-Doptimization=1", "-Ddebug=false", built, folder]
    for command in (setup, ["ninja", "-C", built, "quorumfs"]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:]
    return str(built / "quorumfs")


class KeptCluster(Cluster):
    """Nodes at the addresses of the kept folders, one cluster at a time on this machine."""

    def __init__(self, kind, **config):
        self.kind = kind
        self.only_one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        wait_for(self.is_only_one, "no other test uses the kept folders", 300)
        super().__init__(len(ADDRESSES[kind]), start=False, **config)

    def is_only_one(self):
        """A name of the machine's that goes away with the process."""
        with contextlib.suppress(OSError):
            self.only_one.bind("\0quorumfs-kept-folders")
            return True

    def addresses(self, count):
        return ADDRESSES[self.kind]

    def clean_up(self):
        problems = super().clean_up()
        self.only_one.close()
        return problems


def unpack(kind, folder):
    """The folders of a kind, as they were when their nodes were killed."""
    with tarfile.open(KEPT / f"{kind}.tar.xz") as archive:
        archive.extractall(folder)
    for path in pathlib.Path(folder).glob("*/node.json"):
        path.chmod(0o600)  # it has a secret in it, which former versions did not mind


def pack(kind, cluster):
    """All but the mountpoints, with holes for the parts of files that were never written."""
    names = [node.folder.name for node in cluster.nodes]
    with open(KEPT / f"{kind}.tar.xz", "wb") as file:
        tar = subprocess.Popen(["tar", "-c", "--sparse", "--sort=name", "--numeric-owner", "--owner=0", "--group=0",
                                "--exclude=mnt", "-C", cluster.folder, *names], stdout=subprocess.PIPE)
        subprocess.run(["xz", "-9e"], stdin=tar.stdout, stdout=file, check=True)
        assert tar.wait() == 0


# ---- A node's tree, described ----

def shown(data):
    """Bytes as a short text."""
    if len(data) <= SHORT_BYTES:
        return urllib.parse.quote(data)
    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}"


def parts_of(descriptor, size):
    """The ranges of a file that hold data, and its hash."""
    parts, at = [], 0
    while at < size:
        try:
            begin = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:
            break  # a hole until the end
        at = os.lseek(descriptor, begin, os.SEEK_HOLE)
        data = b""
        while len(data) < at - begin:
            data += os.pread(descriptor, at - begin - len(data), begin + len(data))
        parts.append([begin, at, hashlib.sha256(data).hexdigest()])
    return parts


def describe_file(path):
    """All that a program can find out about a file, except by its name."""
    about = os.lstat(path)
    found = {"mode": stat.filemode(about.st_mode), "ino": about.st_ino, "nlink": about.st_nlink, "uid": about.st_uid,
             "gid": about.st_gid, "rdev": about.st_rdev, "size": about.st_size, "blocks": about.st_blocks,
             "atime": about.st_atime_ns, "mtime": about.st_mtime_ns, "ctime": about.st_ctime_ns}
    names = os.listxattr(path, follow_symlinks=False)
    if names:
        found["xattrs"] = {name: shown(os.getxattr(path, name, follow_symlinks=False)) for name in sorted(names)}
    if stat.S_ISLNK(about.st_mode):
        found["target"] = shown(os.readlink(path))
    if stat.S_ISREG(about.st_mode):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            found["parts"] = parts_of(descriptor, about.st_size)
        finally:
            os.close(descriptor)
    return found


def describe_key(node, key):
    """The HTTP answer about one key; the status of an error."""
    answer = node.request("GET", path_of(key), headers={"Accept": "application/octet-stream"})
    if answer.status != 200:
        return {"status": answer.status}
    return {"status": answer.status, "etag": answer.headers["ETag"], "value": shown(answer.body)}


def listed_keys(node):
    """The keys of a listing, page by page; not their values, which may be large."""
    page = "/keys?limit=7"
    while page:
        answer = node.request("GET", page)
        for entry in answer.multiple:
            yield bytes_of(entry, "key")
        page = answer.json.get("next")


def describe(node):
    """The tree as a node's doors show it: path -> description."""
    found, root, listed = {}, os.fsencode(node.mount), set(listed_keys(node))
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if folder != root or name != b".quorumfs")
        for name in [b"."] * (folder == root) + folders + sorted(files):
            path = os.path.join(folder, name)
            about, key = describe_file(path), os.path.relpath(path, root)
            about["listed"] = key in listed
            if about["mode"][0] in "-l" and about["size"] <= HTTP_BYTES_MAX:
                about["http"] = describe_key(node, key)
            found[urllib.parse.quote(key)] = about
    return found


def describe_log(node):
    """A node's applied index, and the digest of its history."""
    status = node.status()
    return {"compacted": status["log"]["compacted"], "applied": status["log"]["applied"],
            "digest": status["log"]["digest"], "inodes": inodes_of(node), "life": status["life"],
            "standing": status["standing"]}


def levels(nodes):
    """The cluster's feature level as each of the nodes tells it; a version that knows of none says nothing."""
    found = [node.status().get("level") for node in nodes]
    return [level for level in found if level is not None]


def wait_risen(nodes):
    """Waits until all nodes, none of which is of the former version, use the features that it lacks."""
    def risen():
        found = levels(nodes)
        return all(level > LEVEL for level in found) and len(set(found)) <= 1
    wait_for(risen, "the level rises")


def inodes_of(node):
    return node.status()["tree"]["inodes"]


def is_caught_up(node):
    """It has applied all that its own log says to be decided."""
    with contextlib.suppress(OSError):
        log = node.status()["log"]
        return log["applied"] == log["decided"] and log["applied"] > 0


def write_description(kind, nodes, inodes, tree):
    """One line for each node and path, so that a person can read it and git can compare it. `inodes`: once what was
    held by open files is freed."""
    def lines(table):
        return ",\n".join(f"{json.dumps(name)}: {json.dumps(about)}" for name, about in table.items())
    text = f'{{"nodes": {{\n{lines(nodes)}\n}}, "inodes": {inodes}, "tree": {{\n{lines(tree)}\n}}}}\n'
    (KEPT / f"{kind}.json").write_text(text)


def read_description(kind):
    return json.loads((KEPT / f"{kind}.json").read_text())
