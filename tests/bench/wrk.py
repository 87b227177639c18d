"""HTTP load by wrk."""

import collections
import json
import os
import pathlib
import signal
import subprocess

SCRIPT = pathlib.Path(__file__).with_name("wrk.lua")

# requests: how many were answered in how many seconds; p50, p99, max: seconds; client_cpu: wrk's own, a request.
Outcome = collections.namedtuple("Outcome", "requests rate p50 p99 max client_cpu")


class Failed(Exception):
    """Requests were refused or went without an answer: the figure would mean nothing."""


class Load:
    """wrk at work, until its seconds are over."""

    def __init__(self, url, api, operation, connections, seconds, keys, value=128, of_list=1, inside=()):
        """of_list: keys a request, for the operation "list"; inside: the command that starts wrk, such as nsenter."""
        self.what = f"{operation} of {api}, {connections} connections, {value} bytes"
        threads = min(connections, 2)
        self.process = subprocess.Popen(
            [*inside, "wrk", "-t", str(threads), "-c", str(connections), "-d", f"{max(1, round(seconds))}s",
             "--timeout", "20s", "-s", str(SCRIPT), url, "--", api, operation, str(keys), str(value), str(of_list)],
            stdout=subprocess.PIPE, text=True)

    def end(self):
        """Before its seconds are over; it still prints its figures."""
        os.kill(self.process.pid, signal.SIGINT)

    def wait(self):
        text = self.process.stdout.read()
        self.process.stdout.close()
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode != 0:
            raise Failed(f"{self.what}: {text}")
        seen = json.loads(text.splitlines()[-1])
        if seen["refused"] or seen["broken"] or not seen["requests"]:
            raise Failed(f"{self.what}: {seen}")
        cpu = (used.ru_utime + used.ru_stime) / seen["requests"]
        return Outcome(seen["requests"], seen["requests"] / seen["seconds"], seen["p50"], seen["p99"], seen["max"], cpu)


def run(*arguments, **options):
    return Load(*arguments, **options).wait()
