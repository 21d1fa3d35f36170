"""Fixtures of the tests that need a cluster: `make cluster-test` runs them.

They run where the cluster's addresses can be reached (in the lab's network for the lab), with
KUBECONFIG set. Nothing is skipped where something is missing: it fails and says what to do.
"""

import os

import pytest

from cluster import installation
from cluster.api import Cluster
from cluster.scene import Scene


@pytest.fixture(scope="session")
def cluster():
    """The cluster of KUBECONFIG."""
    if not os.environ.get("KUBECONFIG"):
        pytest.fail("KUBECONFIG is not set: run the tests of a cluster with `make cluster-test`")
    found = Cluster()
    yield found
    found.close()


@pytest.fixture
def namespace(cluster, request):
    """Name of a namespace for one test, deleted afterwards."""
    yield from _namespace(cluster, request.node.name)


@pytest.fixture(scope="module")
def module_namespace(cluster, request):
    """Name of a namespace for all tests of a module, deleted afterwards."""
    yield from _namespace(cluster, request.node.name)


@pytest.fixture(scope="session")
def installed(cluster):
    """The control plane, installed and ready; what is there already becomes the image's.

    With FAIRLEAD_INSTALLED=1 it is taken as it is.
    """
    try:
        if os.environ.get("FAIRLEAD_INSTALLED", "") in ("", "0"):
            installation.install()
    except RuntimeError as error:
        pytest.fail(str(error))
    return cluster


@pytest.fixture
def scene(installed, namespace):
    """A namespace for a Gateway of ours."""
    return Scene(installed, namespace)


@pytest.fixture(scope="module")
def module_scene(installed, module_namespace):
    """The same for all tests of a module."""
    return Scene(installed, module_namespace)


def _namespace(cluster, test):
    metadata = {
        "generateName": "cluster-test-",
        "labels": {"fairlead.dev/cluster-test": "true"},
        "annotations": {"fairlead.dev/test": test},
    }
    made = cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    name = made["metadata"]["name"]
    yield name
    cluster.delete("Namespace", name)
