"""A short history of a cluster under random faults, and the partial partitions by name. tests/hosts/run makes long
histories, tests/hosts/partitions holds the partitions for longer. Needs root, for the hosts."""

import os
import random
import time

import pytest

from coordination import SESSION_SECONDS
from hosts import Hosts, wait_for
from lab import REQUEST_TIMEOUT, Lab, lease_time
from scenarios import SCENARIOS, cut_links
from writers import writing

SECONDS = 12


def test_histories_under_faults_are_linearizable():
    seed = int(os.environ.get("LAB_SEED", random.SystemRandom().randrange(2**32)))
    print(f"seed {seed}")
    with Hosts(3, request_timeout=f"{REQUEST_TIMEOUT}s", lease_time=lease_time(seed),
               session_time=f"{SESSION_SECONDS}s") as hosts:
        lab = Lab(hosts, seed)
        try:
            lab.run(SECONDS)
            print(lab.summary())
        finally:
            lab.coordination.close()
        assert not lab.complaints, hosts.report()
        assert lab.counts["done"] > 100  # on a busy machine


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_partial_partition_does_not_stop_it(name):
    """Writes go on at every node that is connected to a majority, over others perhaps."""
    with Hosts(len(SCENARIOS[name].letters), mount=False) as hosts, writing(hosts.nodes) as writers:
        wait_for(lambda: all(writer.done for writer in writers), "writes flow")
        connected = cut_links(hosts, name).values()
        cut = time.monotonic()
        wait_for(lambda: all(writer.first_after(cut) for writer in writers if writer.node in connected),
                 "writes flow again")
