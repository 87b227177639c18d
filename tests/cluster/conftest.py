import pytest

from cluster import Cluster, unguard


@pytest.fixture(scope="module")
def cluster(request):
    """Three nodes with mounts, shared by the tests of a module; CONFIG in the module adds fields. A test
    leaves every node running."""
    with Cluster(**getattr(request.module, "CONFIG", {})) as started:
        yield started


@pytest.fixture
def at(cluster, request):
    """A new folder, as seen from each of the three mounts."""
    name = request.node.name.replace("/", "_")
    cluster.nodes[0].path(name).mkdir()
    return [node.path(name) for node in cluster.nodes]


@pytest.fixture
def tmp_path(tmp_path):
    """pytest could not remove mountpoints that are guarded."""
    yield tmp_path
    unguard(tmp_path)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for cluster in Cluster.alive:
            report.sections.append(("nodes", cluster.report()))
