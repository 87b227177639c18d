"""Nodes whose folders are file systems of their own, small enough to fill. Needs root."""

import contextlib
import errno
import os
import pathlib
import subprocess
import tempfile

from cluster import Cluster

DISK_MB = 160
PIECE = 1 << 20


class Disk:
    """An ext4 in a file, mounted where a node has its folder."""

    def __init__(self, image, folder, megabytes):
        self.folder = folder
        folder.mkdir(parents=True)
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=4", str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
        (folder / "lost+found").rmdir()

    @property
    def ballast(self):
        return self.folder / "ballast"

    def free(self):
        about = os.statvfs(self.folder)
        return about.f_bavail * about.f_frsize

    def fill(self, leave=0):
        """Takes the room as another program's file would."""
        with open(self.ballast, "ab") as file, contextlib.suppress(OSError):
            while self.free() > leave:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size,
                                   max(4096, min(PIECE, self.free() - leave)))
        if not leave:
            self.take_rest()

    def take_rest(self):
        with open(self.ballast, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC, error

    def empty(self):
        self.ballast.unlink(missing_ok=True)

    def close(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


class DiskCluster(Cluster):
    """Each node has a disk of its own: node.disk."""

    def __init__(self, count=3, megabytes=DISK_MB, **options):
        self.images = tempfile.TemporaryDirectory(prefix="quorumfs-disks-")
        self.megabytes = megabytes
        super().__init__(count, **options)

    def make_node(self, number, addr, config):
        disk = Disk(pathlib.Path(self.images.name) / str(number), self.folder / f"data_{number}", self.megabytes)
        node = super().make_node(number, addr, config)
        node.disk = disk
        return node

    def remove(self):
        for node in self.nodes:
            node.disk.close()
        super().remove()
        self.images.cleanup()
