"""The fixture of the feature tests."""

import pytest

from feature.harness import Instance


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
