"""The fixtures of the feature tests."""

import pytest

from feature.echo import Echo
from feature.harness import Instance
from feature.l4 import L4Backends
from feature.route_scene import Scene, manifests_of


@pytest.fixture
def serve(tmp_path):
    """Start an instance on some files (name to YAML text); stopped after the test."""
    started = []

    def start(files, *options, ready=True):
        folder = tmp_path / f"instance-{len(started)}"
        folder.mkdir()
        instance = Instance(folder, files, *options)
        started.append(instance)
        return instance.start(ready=ready)

    yield start
    for instance in started:
        instance.stop()


@pytest.fixture(scope="module")
def echo():
    """The named backends, whose counts no other module's requests are part of."""
    backends = Echo()
    yield backends
    backends.stop()


@pytest.fixture(scope="module")
def l4_backends():
    """The named backends of connections and datagrams."""
    backends = L4Backends()
    yield backends
    backends.stop()


@pytest.fixture(scope="module")
def scene(request, echo, tmp_path_factory):
    """One instance for all tests of a module, on the `Manifest`s that it holds."""
    folder = tmp_path_factory.mktemp("scene")
    run = Instance(folder, manifests_of(request.module, echo))
    try:
        run.start()
        run.until_pods()
        errors = [item for item in run.get("problems") if item["problem"]["severity"] == "error"]
        assert not errors
        yield Scene(run, echo)
    finally:
        run.stop()
