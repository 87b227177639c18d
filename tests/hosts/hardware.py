"""A host's hardware beside its network: a disk that can fill up and be slow, and a clock that can be wrong."""

import contextlib
import mmap
import os
import pathlib
import struct
import subprocess

DISK_BYTES = 512 * 1024 * 1024  # of a file with holes
FORMAT = "=dq"  # struct hardware of hardware.c
BUILD = pathlib.Path(os.environ.get("QUORUMFS", pathlib.Path(__file__).resolve().parents[2] / "build" / "quorumfs")).parent


class Preloaded:
    """What hardware.c, preloaded into a node, makes of syncs and of the wall clock."""

    def __init__(self, settings_file):
        self.settings_file = settings_file
        self.settings_file.write_bytes(bytes(struct.calcsize(FORMAT)))
        with open(self.settings_file, "r+b") as file:
            self.settings = mmap.mmap(file.fileno(), 0)
        self.sync_factor, self.clock_ahead_s = 1.0, 0
        self._set()

    def command(self, *words):
        return ["env", f"LD_PRELOAD={BUILD}/tests/hosts/hardware.so", f"HARDWARE={self.settings_file}", *words]

    def close(self):
        self.settings.close()

    def slow_disk(self, factor):
        self.sync_factor = factor
        self._set()

    def set_clock(self, ahead_s):
        self.clock_ahead_s = ahead_s
        self._set()

    def _set(self):
        struct.pack_into(FORMAT, self.settings, 0, self.sync_factor, self.clock_ahead_s)


class Hardware(Preloaded):
    def __init__(self, folder, mountpoint):
        folder.mkdir()
        mountpoint.mkdir()
        self.mountpoint = mountpoint
        self._format_disk(folder / "disk")
        super().__init__(folder / "settings")

    def close(self):
        super().close()
        subprocess.run(["umount", "-l", str(self.mountpoint)], check=True)

    def _format_disk(self, image):
        with open(image, "wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(self.mountpoint)], check=True)
        (self.mountpoint / "lost+found").rmdir()

    def fill_disk(self):
        """Leaves no room, as another program's large file would."""
        with open(self.mountpoint / "ballast", "ab") as ballast:
            free = os.statvfs(self.mountpoint)
            with contextlib.suppress(OSError):  # full
                os.posix_fallocate(ballast.fileno(), 0, free.f_bavail * free.f_frsize)
            with contextlib.suppress(OSError):
                while True:
                    os.write(ballast.fileno(), bytes(4096))

    def empty_disk(self):
        (self.mountpoint / "ballast").unlink(missing_ok=True)
