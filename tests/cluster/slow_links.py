"""A cluster whose nodes hear from each other late. Clients reach them through every door without that delay."""

import contextlib
import queue
import socket
import threading
import time

from cluster import Cluster


class SlowLink:
    """Passes connections on to a node; their bytes arrive `seconds` later, and at most `rate` of them in a second."""

    def __init__(self, addr):
        host, port = addr.rsplit(":", 1)
        self.target = (host, int(port))
        self.seconds = 0
        self.rate = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addr = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                dialled = self.listener.accept()[0]
                try:
                    target = socket.create_connection(self.target)
                except OSError:
                    dialled.close()
                    continue
                for ends in ((dialled, target), (target, dialled)):
                    threading.Thread(target=self._take, args=ends, daemon=True).start()

    def _take(self, source, sink):
        kept = queue.SimpleQueue()
        threading.Thread(target=self._give, args=(kept, sink), daemon=True).start()
        data = True
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            kept.put((time.monotonic() + self.seconds, data))
            if self.rate:
                time.sleep(len(data) / self.rate)

    def _give(self, kept, sink):
        """Until the end, which is passed on as well."""
        with sink, contextlib.suppress(OSError):
            while True:
                due, data = kept.get()
                time.sleep(max(0, due - time.monotonic()))
                if not data:
                    sink.shutdown(socket.SHUT_RDWR)
                    return
                sink.sendall(data)


class SlowLinks(Cluster):
    """Three nodes, each dialled by the others through a link of its own."""

    def addresses(self, count):
        addresses = super().addresses(count)
        self.links = {addr: SlowLink(addr) for addr in addresses}
        return addresses

    def make_node(self, number, addr, config):
        peers = [{"addr": peer, "peer_addr": self.links[peer].addr} for peer in config["peers"]]
        return super().make_node(number, addr, config | {"peers": peers})

    @contextlib.contextmanager
    def slow(self, seconds):
        """Each way; an answer takes twice as long."""
        for link in self.links.values():
            link.seconds = seconds
        try:
            yield
        finally:
            for link in self.links.values():
                link.seconds = 0

    def clean_up(self):
        problems = super().clean_up()
        for link in self.links.values():
            link.close()
        return problems
