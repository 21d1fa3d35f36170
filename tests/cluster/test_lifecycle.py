"""A Gateway serves, and goes on serving while the control plane and its own proxies change."""

import os

import pytest

from cluster import installation, objects, traffic
from cluster.api import wait_for
from cluster.scene import condition, is_ready

HOST = "shop.example.com"


def proxies(scene):
    """The Deployment of the scene's Gateway."""
    found = scene.owned("Deployment")
    return found[0] if found else None


def proxies_ready(scene, replicas, image=None):
    found = proxies(scene)
    if found is None:
        return False
    if image and found["spec"]["template"]["spec"]["containers"][0]["image"] != image:
        return False
    return installation.complete(found, replicas)


@pytest.fixture
def shop(scene):
    """A Gateway that serves HOST from the backend `shop`; with the address it answers at."""
    scene.gateway()
    scene.backend("shop")
    scene.route("shop", HOST, "shop")
    return scene, scene.until_served(HOST, "shop")


def test_a_route_serves(shop):
    scene, address = shop
    assert traffic.get(address, HOST) == (200, "shop")
    assert traffic.get(address, "other.example.com")[0] == 404
    parents = scene.live("HTTPRoute", "shop")["status"]["parents"]
    assert [each["controllerName"] for each in parents] == ["fairlead.dev/gateway-controller"]
    for kind in ("Accepted", "ResolvedRefs"):
        assert condition(parents[0]["conditions"], kind)["status"] == "True"
    listeners = scene.live()["status"]["listeners"]
    assert [each["attachedRoutes"] for each in listeners] == [1]


def test_a_changed_route_serves_its_new_backend(shop):
    scene, address = shop
    scene.backend("next")
    with traffic.unbroken(address, HOST, rate=100):
        scene.route("shop", HOST, "next")
        wait_for(lambda: traffic.get(address, HOST) == (200, "next"), "the new backend", 10)


def test_an_upgrade_loses_no_request(shop):
    """NEXT_IMAGE names another image; without one, only a setting of the control plane changes."""
    scene, address = shop
    following = os.environ.get("NEXT_IMAGE", installation.image())
    before = {each["metadata"]["uid"] for each in installation.pods(scene.cluster)}
    assert before
    with traffic.unbroken(address, HOST):
        installation.fairlead(
            *("install", "--wait", "--image", following, "--set", "logLevel=debug")
        )
        wait_for(lambda: installation.rolled_out(scene.cluster), "the control plane's roll-out", 90)
        wait_for(lambda: proxies_ready(scene, 1, following), "the proxies' roll-out", 90)
        after = {each["metadata"]["uid"] for each in installation.pods(scene.cluster)}
        assert not before & after
        installation.install()
        wait_for(lambda: installation.rolled_out(scene.cluster), "the way back", 90)
        wait_for(lambda: proxies_ready(scene, 1, installation.image()), "the proxies' way back", 90)


def test_a_proxy_moves_to_another_replica_without_an_error(shop):
    """Twice, there and back; it learns of changes from where it has moved to."""
    scene, address = shop
    scene.backend("next")
    cluster = scene.cluster
    assert len(installation.pods(cluster)) >= 2
    (proxy,) = filter(is_ready, scene.owned("Pod"))
    with traffic.unbroken(address, HOST):
        for backend in ("next", "shop"):
            wait_for(lambda: len(_serving(cluster)) == 1, "the end of other tests' proxies", 60)
            (serving,) = _serving(cluster)
            cluster.delete("Pod", serving, installation.NAMESPACE)
            scene.route("shop", HOST, backend)
            wait_for(lambda body=backend: traffic.get(address, HOST) == (200, body), backend, 20)
            wait_for(lambda before=serving: _serving(cluster) not in ([], [before]), "the move", 30)
            wait_for(lambda: installation.rolled_out(cluster), "all replicas", 90)
    (same,) = filter(is_ready, scene.owned("Pod"))
    assert same["metadata"]["uid"] == proxy["metadata"]["uid"]
    assert [each["restartCount"] for each in same["status"]["containerStatuses"]] == [0]


def _serving(cluster):
    """The replicas that an Envoy is connected to."""
    found = installation.metrics(cluster)
    return [pod for pod, values in found.items() if values["fairlead_connected_envoys"]]


def test_a_gateway_serves_on_while_its_class_is_missing(shop):
    """What changed meanwhile holds as soon as the class is there again."""
    scene, address = shop
    scene.backend("next")
    scene.route("old", "old.example.com", "shop")
    wait_for(lambda: traffic.get(address, "old.example.com") == (200, "shop"), "a second route", 10)
    cluster = scene.cluster
    found = cluster.get("GatewayClass", objects.CLASS)
    try:
        with traffic.unbroken(address, HOST):
            cluster.delete("GatewayClass", objects.CLASS)
            wait_for(lambda: not _serving(cluster), "proxies that are let go", 30)
            scene.route("shop", HOST, "next")
            cluster.delete("HTTPRoute", "old", scene.namespace)
    finally:
        labels = found["metadata"]["labels"]
        metadata = {"name": objects.CLASS, "labels": labels}
        kind = {"apiVersion": objects.API, "kind": "GatewayClass"}
        cluster.create({**kind, "metadata": metadata, "spec": found["spec"]})
    with traffic.unbroken(address, HOST):
        wait_for(lambda: traffic.get(address, HOST) == (200, "next"), "the new backend", 60)
        wait_for(lambda: traffic.get(address, "old.example.com")[0] == 404, "no old route", 10)


def test_proxies_scale_without_a_failed_request(shop):
    scene, address = shop

    def replicas(count):
        scene.gateway(infrastructure=scene.settings(replicas=str(count)))
        wait_for(lambda: proxies_ready(scene, count), f"{count} proxies", 90)
        wait_for(lambda: len(scene.owned("Pod")) == count, f"{count} pods, none that ends", 90)

    with traffic.unbroken(address, HOST):
        replicas(3)
        replicas(1)


def test_a_deleted_proxy_is_replaced_without_a_failed_request(shop):
    """As a drained node does it: by the eviction of a pod."""
    scene, address = shop
    scene.gateway(infrastructure=scene.settings(replicas="2"))
    wait_for(lambda: proxies_ready(scene, 2), "2 proxies", 90)
    pod = scene.owned("Pod")[0]["metadata"]["name"]
    with traffic.unbroken(address, HOST):
        scene.cluster.delete("Pod", pod, scene.namespace)
        wait_for(lambda: not scene.cluster.find("Pod", pod, scene.namespace), "its end", 90)
        wait_for(lambda: proxies_ready(scene, 2), "2 proxies", 90)


def test_a_deleted_gateway_leaves_nothing(shop):
    scene, _ = shop
    kinds = ("Deployment", "Service", "ServiceAccount", "ConfigMap", "Secret", "Pod")

    def left():
        return [(kind, each["metadata"]["name"]) for kind in kinds for each in scene.owned(kind)]

    assert {kind for kind, _ in left()} >= {"Deployment", "Service", "ServiceAccount", "Pod"}
    scene.cluster.delete("Gateway", "web", scene.namespace)
    wait_for(lambda: not left(), "the end of what the Gateway had", 90)
    assert scene.cluster.find("GatewayClass", objects.CLASS)
