"""A network of hosts, each a network namespace, around one router: links that can be cut, lossy and slow.

The namespaces have no names: descriptors hold them, so they go with this process, however it ends.
"""

import contextlib
import ctypes
import os
import subprocess

from delay import DelayLine

CLONE_NEWNET = 0x40000000
MARK_SLOW = 1

libc = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    """Only this thread: setns(2)"""
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network of its own, with its loopback up."""

    def __init__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare: network namespaces need root")
        self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        enter(self.home)
        self.path = f"/proc/{os.getpid()}/fd/{self.descriptor}"
        self.ip("link", "set", "lo", "up")

    def close(self):
        os.close(self.descriptor)
        os.close(self.home)

    @contextlib.contextmanager
    def inside(self):
        """Sockets and other things that this thread opens belong to the namespace for good."""
        enter(self.descriptor)
        try:
            yield
        finally:
            enter(self.home)

    def command(self, *words):
        """The words of a command, as those of one that runs in here."""
        return ["nsenter", f"--net={self.path}", *words]

    def run(self, *words, text=None):
        done = subprocess.run(self.command(*words), input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}{text or ''}"

    def ip(self, *words):
        self.run("ip", *words)


class Network:
    """Hosts 1 to count. A link is a pair (from, to): each direction is cut, lossy or slow by itself."""

    def __init__(self, count):
        self.router = Namespace()
        self.hosts = {number: Namespace() for number in range(1, count + 1)}
        self.router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        for number, host in self.hosts.items():
            self._join(number, host)
        self.delays = DelayLine(self.router)
        self.router.ip("rule", "add", "fwmark", str(MARK_SLOW), "table", "100")
        self.router.ip("route", "add", "default", "dev", self.delays.interface, "table", "100")
        self.heal()

    def _join(self, number, host):
        self.router.ip("link", "add", f"host{number}", "type", "veth", "peer", "name", "eth0", "netns", host.path)
        self.router.ip("addr", "add", f"10.77.{number}.1/24", "dev", f"host{number}")
        self.router.ip("link", "set", f"host{number}", "up")
        host.ip("addr", "add", f"{self.address(number)}/24", "dev", "eth0")
        host.ip("link", "set", "eth0", "up")
        host.ip("route", "add", "default", "via", f"10.77.{number}.1")

    def close(self):
        self.delays.close()
        for namespace in (self.router, *self.hosts.values()):
            namespace.close()

    @staticmethod
    def address(number):
        return f"10.77.{number}.2"

    def links(self):
        return {(a, b) for a in self.hosts for b in self.hosts if a != b}

    # Faults of the links. Earlier faults of other links stay.

    def cut(self, links):
        self.cuts |= set(links)
        self._apply()

    def lose(self, links, percent):
        self.losses |= {link: percent for link in links}
        self._apply()

    def slow(self, links, seconds):
        self.slowness |= {link: seconds for link in links}
        self._apply()

    def leave(self, pairs):
        """Of all links only those between these pairs are left."""
        self.cuts = self.links() - {link for a, b in pairs for link in ((a, b), (b, a))}
        self._apply()

    def mend(self, links):
        """Ends all faults of the links."""
        self.cuts -= set(links)
        for link in links:
            self.losses.pop(link, None)
            self.slowness.pop(link, None)
        self._apply()

    def heal(self):
        self.cuts, self.losses, self.slowness = set(), {}, {}
        self._apply()

    def _apply(self):
        self.delays.seconds = {(self.address(a), self.address(b)): seconds
                               for (a, b), seconds in self.slowness.items()}
        self.router.run("nft", "-f", "-", text=self._rules())

    def _rules(self):
        """Packets are dropped, never rejected: no sender is told. A slow link leads through the delay line, where
        its packets leave the router and come back later, and are judged then."""
        link = "ip saddr {} ip daddr {}".format
        lines = ["table ip links", "flush table ip links", "table ip links {", "chain come {",
                 "type filter hook prerouting priority mangle;"]
        for a, b in self.slowness:
            lines.append(f'iifname != "{self.delays.interface}" {link(self.address(a), self.address(b))} '
                         f"meta mark set {MARK_SLOW}")
        lines += ["}", "chain forward {", "type filter hook forward priority filter;",
                  f'oifname "{self.delays.interface}" accept']
        for a, b in self.cuts:
            lines.append(f"{link(self.address(a), self.address(b))} drop")
        for (a, b), percent in self.losses.items():
            lines.append(f"{link(self.address(a), self.address(b))} numgen random mod 100 < {percent} drop")
        return "\n".join(lines + ["}", "}", ""])
