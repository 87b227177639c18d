"""libfuse's own example of a file system, passthrough_ll, which shows the cost of FUSE itself."""

import pathlib
import shlex
import shutil
import subprocess

import machine
from cluster import wait_for

SOURCE = pathlib.Path("/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c")


class Passthrough:
    name = "passthrough_ll"
    options = "cache=auto,timeout=0"  # attributes are asked for each time, as they may have changed

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "passthrough"
        self.mount = self.folder / "mnt"
        self.source = self.folder / "source"
        self.program = self.folder / "passthrough_ll"
        self.process = None

    @staticmethod
    def version():
        return machine.version_of("libfuse3-dev")

    def __enter__(self):
        self.source.mkdir(parents=True)
        self.mount.mkdir()
        flags = shlex.split(machine.output("pkg-config", "--cflags", "--libs", "fuse3"))
        subprocess.run(["cc", "-O2", "-o", self.program, SOURCE, *flags], check=True)
        self._begin()
        return self

    def _begin(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([self.program, "-f", "-o", f"source={self.source},{self.options}",
                                             self.mount], stderr=log)
        wait_for(self.mount.is_mount, "passthrough_ll has mounted")

    def _end(self):
        subprocess.run(["umount", "-l", self.mount], check=False)
        self.process.wait(10)

    def begin_again(self):
        """It holds a descriptor of each file that was used since it began."""
        self._end()
        self._begin()

    def __exit__(self, *_):
        self._end()
        shutil.rmtree(self.folder)
