"""What `fairlead uninstall` leaves: nothing of ours, and nothing of others is gone."""

import pytest

from cluster import installation, objects
from cluster.api import wait_for

HOST = "shop.example.com"
MADE_BY_OTHERS = ("Event", "Lease")
"""Kinds of which objects come and go by themselves; our Lease is in our own namespace."""


def everything(cluster):
    """All objects of the cluster that can be listed, as (kind, namespace, name)."""
    return {
        (kind, each["metadata"].get("namespace", ""), each["metadata"]["name"])
        for kind in cluster.kinds()
        if kind not in MADE_BY_OTHERS
        for each in cluster.list(kind)
    }


def ours(found):
    return {each for each in found if "fairlead" in each[1] or "fairlead" in each[2]}


@pytest.fixture
def restored(installed):
    """Whatever the test removes is there again for the others."""
    yield installed
    installation.install()
    installed.forget_kinds()


def test_uninstall_leaves_nothing(restored, scene):
    cluster = restored
    scene.gateway()
    scene.backend("shop")
    scene.route("shop", HOST, "shop")
    scene.until_served(HOST, "shop")
    assert ours(everything(cluster))
    cluster.delete("Gateway", "web", scene.namespace)
    wait_for(lambda: not scene.owned("Pod"), "the end of the proxies", 90)
    installation.uninstall()

    def left():
        cluster.forget_kinds()
        return ours(everything(cluster))

    wait_for(lambda: not left(), "nothing of ours", 90, pause=1)
    route = scene.live("HTTPRoute", "shop")
    assert route["spec"]["hostnames"] == [HOST]
    for name in ("gateways", "httproutes"):
        assert cluster.find("CustomResourceDefinition", f"{name}.gateway.networking.k8s.io")


def test_gateways_serve_on_after_uninstall(restored, scene):
    """Their proxies belong to them: users' traffic doesn't end with the control plane."""
    cluster = restored
    scene.gateway()
    scene.backend("shop")
    scene.route("shop", HOST, "shop")
    address = scene.until_served(HOST, "shop")
    installation.uninstall()
    wait_for(lambda: not installation.pods(cluster), "the end of the control plane", 60)
    assert scene.until_served(HOST, "shop") == address
    assert cluster.find("GatewayClass", objects.CLASS) is None


def test_proxies_go_too_if_that_is_wanted(restored, scene):
    """Those of a class that a user has written as well; what is in our namespace keeps it."""
    cluster = restored
    own = scene.namespace
    spec = {"controllerName": "fairlead.dev/gateway-controller"}
    metadata = {"name": own}
    theirs = {"name": "theirs", "namespace": installation.NAMESPACE}
    grant = {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": own}],
        "to": [{"group": "", "kind": "Service"}],
    }
    cluster.apply(
        {"apiVersion": objects.API, "kind": "GatewayClass", "metadata": metadata, "spec": spec},
        {"apiVersion": objects.API, "kind": "ReferenceGrant", "metadata": theirs, "spec": grant},
    )
    scene.gateway(gatewayClassName=own)
    scene.address()
    told = installation.uninstall("--delete-proxies")
    assert "stays: in it are referencegrants theirs" in told
    assert not scene.owned("Deployment")
    assert scene.live("Gateway")["spec"]["gatewayClassName"] == own
    cluster.delete("ReferenceGrant", "theirs", installation.NAMESPACE)
    cluster.delete("GatewayClass", own)
