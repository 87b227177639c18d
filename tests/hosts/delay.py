"""Packets that arrive late, as with `tc netem delay`, for kernels that are built without it.

A TUN device of the router: packets that are routed into it are read here, kept, and written back.
"""

import fcntl
import heapq
import os
import select
import socket
import struct
import threading
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
PACKET_BYTES_MAX = 65536
PACKETS_MAX = 10000  # kept at a time; further packets are dropped, as by any router


class DelayLine:
    interface = "delay"

    def __init__(self, router):
        self.seconds = {}  # (source, destination) -> how long
        self.kept = []  # a heap of (due, number, packet)
        self.count = 0
        with router.inside():
            self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
            fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH", self.interface.encode(), IFF_TUN | IFF_NO_PI))
        router.ip("link", "set", self.interface, "up")
        self.wake, self.waker = os.pipe()
        self.thread = threading.Thread(target=self._run, name="delay line", daemon=True)
        self.thread.start()

    def close(self):
        os.close(self.waker)
        self.thread.join()
        os.close(self.wake)
        os.close(self.tun)

    def _run(self):
        while True:
            timeout = max(0, self.kept[0][0] - time.monotonic()) if self.kept else None
            readable = select.select([self.tun, self.wake], [], [], timeout)[0]
            if self.wake in readable:
                return
            if self.tun in readable:
                self._take(os.read(self.tun, PACKET_BYTES_MAX))
            self._give_back(time.monotonic())

    def _take(self, packet):
        if packet[0] >> 4 == 4 and len(self.kept) < PACKETS_MAX:
            link = (socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]))
            self.count += 1
            heapq.heappush(self.kept, (time.monotonic() + self.seconds.get(link, 0), self.count, packet))

    def _give_back(self, now):
        while self.kept and self.kept[0][0] <= now:
            os.write(self.tun, heapq.heappop(self.kept)[2])
