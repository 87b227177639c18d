"""A short history of a cluster under random faults; tests/hosts/run makes long ones. Needs root, for the hosts."""

import os
import random

from hosts import Hosts
from lab import REQUEST_TIMEOUT, Lab

SECONDS = 20


def test_what_clients_see_under_faults_is_linearizable():
    seed = int(os.environ.get("LAB_SEED", random.SystemRandom().randrange(2**32)))
    print(f"seed {seed}")
    with Hosts(3, request_timeout=f"{REQUEST_TIMEOUT}s") as hosts:
        lab = Lab(hosts, seed)
        lab.run(SECONDS)
        print(lab.summary())
        assert not lab.complaints, hosts.report()
        assert lab.counts["done"] > 300
