"""Proxies and the control plane: whose configuration they get, and what they do without it."""

import asyncio
import os
from pathlib import Path

import grpc
import grpc.aio
import pytest
from envoy.service.discovery.v3 import discovery_pb2

from cluster import traffic
from cluster.api import wait_for
from cluster.outside import OutsideController
from cluster.scene import Scene, is_ready
from fairlead.ads import type_url
from fairlead.ads.listening import METHOD, SERVICE

HOST = "shop.example.com"
PROXY = "web-fairlead"
"""What all that is made for the Gateway is called."""


@pytest.fixture(scope="module")
def alone(cluster, module_namespace, tmp_path_factory):
    """A control plane of one replica outside of the cluster, and a Gateway that it serves."""
    folder = tmp_path_factory.mktemp("controller")
    controller = OutsideController(
        cluster, module_namespace, Path(os.environ["KUBECONFIG"]), folder
    )
    scene = Scene(cluster, module_namespace)
    try:
        controller.start()
        controller.until_ready()
        scene.gateway(gatewayClassName=controller.name)
        for name in ("shop", "next"):
            scene.backend(name)
        scene.route("shop", HOST, "shop")
        yield controller, scene, scene.until_served(HOST, "shop")
    finally:
        controller.close()


def pods(scene):
    """The Gateway's pods that are to stay."""
    return [pod for pod in scene.owned("Pod") if "deletionTimestamp" not in pod["metadata"]]


def environment(scene):
    """What the proxy's container is told."""
    (container,) = pods(scene)[0]["spec"]["containers"]
    return {each["name"]: each.get("value", "") for each in container["env"]}


def asked(scene, token, node):
    """How a stream with a token ends that names a node; "OK" for one that is served."""
    authorities = scene.cluster.get("ConfigMap", PROXY, scene.namespace)["data"]["ca.crt"]
    return asyncio.run(_asked(environment(scene)["FAIRLEAD_XDS"], authorities, token, node))


async def _asked(address, authorities, token, node):
    credentials = grpc.ssl_channel_credentials(authorities.encode())
    options = [("grpc.ssl_target_name_override", "fairlead")]
    request = discovery_pb2.DeltaDiscoveryRequest(node={"id": node}, type_url=type_url.SECRET)
    async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
        metadata = grpc.aio.Metadata(("authorization", f"Bearer {token}"), ("fairlead-node", node))
        call = channel.stream_stream(f"/{SERVICE}/{METHOD}")(metadata=metadata)
        try:
            async with asyncio.timeout(10):
                await call.initial_metadata()
                if not call.done():
                    await call.write(request.SerializeToString())
                    return "OK"
                return (await call.code()).name
        finally:
            call.cancel()


def token(scene, account, audience="fairlead", pod=None):
    """A token of a service account, as a pod gets it."""
    bound = ["--bound-object-kind=Pod", f"--bound-object-name={pod}"] if pod else []
    return scene.cluster.kubectl(
        "create", "token", account, f"--audience={audience}", "-n", scene.namespace, *bound
    ).strip()


def test_a_proxy_gets_what_is_its_own_and_nobody_else_does(alone):
    _, scene, _ = alone
    (pod,) = pods(scene)
    name, namespace = pod["metadata"]["name"], scene.namespace
    node = f"gateway/{namespace}/web~{name}"
    good = token(scene, PROXY, pod=name)
    assert asked(scene, good, node) == "OK"
    assert asked(scene, good, f"gateway/{namespace}/web~other-pod") == "PERMISSION_DENIED"
    assert asked(scene, good, f"gateway/{namespace}/other~{name}") == "PERMISSION_DENIED"
    assert asked(scene, good, f"gateway/kube-system/web~{name}") == "PERMISSION_DENIED"
    assert asked(scene, token(scene, "default"), node) == "PERMISSION_DENIED"
    everybody = "https://kubernetes.default.svc"
    assert asked(scene, token(scene, PROXY, everybody), node) == "UNAUTHENTICATED"
    assert asked(scene, good[:-4] + "AAAA", node) == "UNAUTHENTICATED"
    assert asked(scene, "", node) == "UNAUTHENTICATED"


def test_a_new_proxy_serves_while_no_control_plane_is_up(alone):
    controller, scene, address = alone
    scene.route("kept", "kept.example.com", "next")
    wait_for(lambda: traffic.get(address, "kept.example.com") == (200, "next"), "the route")
    written = wait_for(lambda: _snapshot(scene), "the snapshot", 30)
    scene.route("later", "later.example.com", "next")
    wait_for(lambda: _snapshot(scene) not in (None, written), "the next snapshot", 30)
    controller.kill()
    old = pods(scene)[0]["metadata"]["name"]
    with traffic.unbroken(address, HOST):
        scene.cluster.delete("Pod", old, scene.namespace)
        wait_for(
            lambda: (
                [pod["metadata"]["name"] for pod in pods(scene) if is_ready(pod)] not in ([], [old])
            ),
            "a new pod to be ready",
            30,
        )
        wait_for(
            lambda: not scene.cluster.find("Pod", old, scene.namespace), "the old one's end", 60
        )
        for host in ("kept.example.com", "later.example.com"):
            assert traffic.get(address, host) == (200, "next")
        controller.start()
        controller.until_ready()
        scene.route("kept", "kept.example.com", "shop")
        wait_for(lambda: traffic.get(address, "kept.example.com") == (200, "shop"), "a change", 20)


ASK_ON_EACH_FAMILY = """
import http.client
for address in ("127.0.0.1", "::1"):
    connection = http.client.HTTPConnection(address, 80, timeout=5)
    connection.request("GET", "/", headers={"host": "%s"})
    print(address, connection.getresponse().read().decode().strip())
"""


def test_where_pods_have_both_ip_families_proxies_serve_both(cluster, namespace, tmp_path):
    """The nodes' network may have one: asked from within the pod, whose loopback has both."""
    kubeconfig = Path(os.environ["KUBECONFIG"])
    both = ("--pod-ips", "192.0.2.1,2001:db8::1")
    controller = OutsideController(cluster, namespace, kubeconfig, tmp_path, *both)
    scene = Scene(cluster, namespace)
    listeners = [
        {"name": "http", "port": 80, "protocol": "HTTP"},
        {"name": "tcp", "port": 9000, "protocol": "TCP"},
        {"name": "udp", "port": 5300, "protocol": "UDP"},
    ]
    try:
        controller.start()
        controller.until_ready()
        scene.gateway(*listeners, gatewayClassName=controller.name)
        scene.backend("shop")
        scene.route("shop", HOST, "shop")
        scene.until_served(HOST, "shop")
        name = pods(scene)[0]["metadata"]["name"]
        script = ASK_ON_EACH_FAMILY % HOST
        told = cluster.kubectl("exec", name, "-n", namespace, "--", "python3", "-c", script)
        assert told.split("\n")[:2] == ["127.0.0.1 shop", "::1 shop"]
    finally:
        controller.close()


def _snapshot(scene):
    secret = scene.cluster.find("Secret", f"{PROXY}-snapshot", scene.namespace)
    return secret["data"]["snapshot"] if secret else None
