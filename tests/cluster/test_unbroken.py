"""Traffic goes on whatever happens to the control plane. FAIRLEAD_FULL=1 gives the full times."""

import contextlib
import time

import pytest

from cluster import faults, installation, objects, traffic
from cluster.api import wait_for
from cluster.api_proxy import ApiProxy
from cluster.durations import seconds, times
from cluster.outside import OutsideController
from cluster.scene import Scene, is_ready

HOST = "shop.example.com"
BACK_SECONDS = 5
"""Within which everything is as objects say, once the API server is back."""


@pytest.fixture(scope="module")
def shop(module_scene):
    """A Gateway that serves HOST; with the address that it answers at."""
    module_scene.gateway()
    for name in ("shop", "next"):
        module_scene.backend(name)
    module_scene.route("shop", HOST, "shop")
    return module_scene, module_scene.until_served(HOST, "shop")


def kill(cluster):
    """End all pods of the control plane at once, without notice."""
    for pod in installation.pods(cluster):
        name = pod["metadata"]["name"]
        cluster.kubectl(
            *("delete", "pod", name, "-n", installation.NAMESPACE),
            *("--grace-period=0", "--force", "--wait=false"),
        )


def until_back(cluster):
    """Wait for all replicas; the Deployment's own count of them comes late."""
    replicas = installation.deployment(cluster)["spec"]["replicas"]

    def ready():
        found = installation.pods(cluster)
        return len(found) == replicas and all(map(is_ready, found))

    wait_for(ready, "the control plane", 120)


def test_a_killed_control_plane(shop):
    scene, address = shop
    replicas = installation.deployment(scene.cluster)["spec"]["replicas"]
    try:
        with traffic.unbroken(address, HOST):
            installation.scale(scene.cluster, 0)
            kill(scene.cluster)
            wait_for(lambda: not installation.pods(scene.cluster), "the end of the control plane")
            time.sleep(seconds(30, 600))
            installation.scale(scene.cluster, replicas)
            until_back(scene.cluster)
    finally:
        installation.scale(scene.cluster, replicas)
    scene.route("after", "after.example.com", "next")
    wait_for(lambda: traffic.get(address, "after.example.com") == (200, "next"), "a new route")


def test_a_frozen_control_plane(shop):
    scene, address = shop
    pods = installation.pods(scene.cluster)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(traffic.unbroken(address, HOST))
            stack.enter_context(faults.frozen(pods))
        except faults.NotHereError as error:
            pytest.skip(str(error))
        time.sleep(seconds(20, 600))
    until_back(scene.cluster)


def test_a_control_plane_that_restarts_over_and_over(shop):
    scene, address = shop
    with traffic.unbroken(address, HOST):
        for _ in range(times(4, 20)):
            kill(scene.cluster)
            until_back(scene.cluster)


@pytest.mark.parametrize("silently", [True, False], ids=["dropped", "refused"])
def test_an_api_server_that_is_away(shop, silently):
    """100 objects change meanwhile: half of them are new routes, half move to another backend."""
    scene, address = shop
    kind = "dropped" if silently else "refused"
    moving = [f"{kind}-moving-{number}" for number in range(50)]
    coming = [f"{kind}-coming-{number}" for number in range(50)]
    for name in moving:
        scene.route(name, f"{name}.example.com", "shop")

    def wrong(names, body):
        return [
            name for name in names if traffic.get(address, f"{name}.example.com") != (200, body)
        ]

    wait_for(lambda: not wrong(moving, "shop"), "the routes", 30)
    pods = installation.pods(scene.cluster)
    with traffic.unbroken(address, HOST):
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(faults.cut_off(scene.cluster, pods, silently=silently))
            except faults.NotHereError as error:
                pytest.skip(str(error))
            for name in (*moving, *coming):
                scene.route(name, f"{name}.example.com", "next")
            time.sleep(seconds(30, 300))
            assert not wrong(moving, "shop"), "a change came through"
        wait_for(lambda: not wrong((*moving, *coming), "next"), "what has changed", BACK_SECONDS)


@pytest.fixture
def between(cluster, namespace, tmp_path):
    """A control plane of its own behind a proxy that spoils lists, with a Gateway it serves."""
    proxy = ApiProxy(cluster.url)
    proxy.start()
    controller = OutsideController(
        cluster, namespace, proxy.kubeconfig(tmp_path / "kubeconfig"), tmp_path
    )
    try:
        controller.start()
        controller.until_ready()
        yield proxy, controller, Scene(cluster, namespace)
    finally:
        controller.close()
        proxy.stop()


@pytest.mark.parametrize("fault", ["held", "failing", "truncated", "busy"])
def test_lists_that_fail_at_the_start(between, fault):
    """Nothing is removed from a proxy, and it isn't ready before it has seen everything."""
    proxy, controller, scene = between
    scene.gateway(gatewayClassName=controller.name)
    scene.backend("shop")
    hosts = [f"{number}.example.com" for number in range(10)]
    for number, host in enumerate((*hosts, HOST)):
        scene.route(f"route-{number}", host, "shop")
    address = scene.until_served(HOST, "shop")

    def wrong():
        return [host for host in hosts if traffic.get(address, host) != (200, "shop")]

    wait_for(lambda: not wrong(), "all routes")
    with traffic.unbroken(address, HOST, rate=100):
        controller.kill()
        before = proxy.spoiled
        proxy.spoil(fault)
        controller.start()
        wait_for(lambda: proxy.spoiled > before, "a list that is asked for", 60)
        end = time.monotonic() + seconds(10, 60)
        while time.monotonic() < end:
            assert not controller.ready()
            assert not wrong()
            time.sleep(0.2)
        proxy.spoil(None)
        controller.until_ready()
        assert not wrong()
    scene.route("after", "after.example.com", "shop")
    wait_for(lambda: traffic.get(address, "after.example.com") == (200, "shop"), "a new route", 5)


def test_a_class_that_is_not_ours_costs_no_cpu(shop):
    """40 of its Gateways and 40 of its routes change 20 times a second."""
    scene, _ = shop
    cluster, namespace = scene.cluster, scene.namespace
    theirs = [f"theirs-{number}" for number in range(40)]
    for name in theirs:
        gateway = objects.gateway(namespace, name, gatewayClassName="theirs")
        cluster.apply(gateway, objects.route(namespace, name, HOST, "shop", gateway=name))

    def used():
        found = installation.metrics(cluster)
        return {pod: values["process_cpu_seconds_total"] for pod, values in found.items()}

    def spent(what):
        before, start = used(), time.monotonic()
        what()
        after, took = used(), time.monotonic() - start
        return max((after[pod] - before[pod]) / took for pod in before)

    lasts = seconds(10, 60)

    def churn():
        start = time.monotonic()
        for number in range(int(lasts * 20)):
            name = theirs[number % len(theirs)]
            body = {"metadata": {"labels": {"round": str(number)}}}
            kind = ("Gateway", "HTTPRoute")[number % 2]
            cluster.patch(kind, name, namespace, body)
            time.sleep(max(0, start + (number + 1) / 20 - time.monotonic()))

    idle = spent(lambda: time.sleep(lasts))
    busy = spent(churn)
    # 2.5 ms for a change, twice what reading it takes on two busy cores: nothing is made of it.
    assert busy - idle <= 0.05, f"{busy:.3f} cores, {idle:.3f} without it"
