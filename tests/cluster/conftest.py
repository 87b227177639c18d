import pytest

from cluster import Cluster


@pytest.fixture(scope="module")
def cluster(request):
    """Three nodes with mounts, shared by the tests of a module; CONFIG in the module adds fields. A test
    leaves every node running."""
    with Cluster(**getattr(request.module, "CONFIG", {})) as started:
        yield started


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for cluster in Cluster.alive:
            report.sections.append(("nodes", cluster.report()))
