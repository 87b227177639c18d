"""libfuse's own example of a file system, passthrough_ll: what FUSE itself costs."""

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
        self.process = None

    @staticmethod
    def version():
        return machine.version_of("libfuse3-dev")

    def __enter__(self):
        source = self.folder / "source"
        source.mkdir(parents=True)
        self.mount.mkdir()
        program = self.folder / "passthrough_ll"
        flags = shlex.split(machine.output("pkg-config", "--cflags", "--libs", "fuse3"))
        subprocess.run(["cc", "-O2", "-o", program, SOURCE, *flags], check=True)
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([program, "-f", "-o", f"source={source},{self.options}", self.mount],
                                            stderr=log)
        wait_for(self.mount.is_mount, "passthrough_ll has mounted")
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.mount], check=False)
        self.process.wait(10)
        shutil.rmtree(self.folder)
