"""What a Gateway gets in its namespace, its addresses, and what others do to all of that."""

import ipaddress
import json

import pytest

from cluster import installation, objects, traffic
from cluster.api import ApiError, wait_for
from cluster.scene import condition

NAME = "web-fairlead"
KINDS = ("ServiceAccount", "ConfigMap", "Service", "Deployment")
HOST = "shop.example.com"
POOL = "198.51.100"
"""Addresses that the lab's load balancer gives; those from 128 on when they are asked for."""
UNUSABLE = "192.0.2.1"
LONG_NAME = "gateway-name-of-the-most-characters-" + "a" * 217


def told(scene, kind, name="web"):
    """Status and reason of a condition of a Gateway, once it is about the latest generation."""
    live = scene.live("Gateway", name)
    found = condition(live.get("status", {}).get("conditions", []), kind)
    if found.get("observedGeneration") != live["metadata"]["generation"]:
        return ("", "")
    return found["status"], found["reason"]


def wait_told(scene, kind, status, reason, name="web"):
    wait_for(lambda: told(scene, kind, name) == (status, reason), f"{kind}={status} {reason}")


def addresses(scene):
    return [each["value"] for each in scene.live().get("status", {}).get("addresses", [])]


def programmed(scene):
    wait_told(scene, "Programmed", "True", "Programmed")


def versions(scene):
    """What an unneeded write would change, of each object but the Service."""
    found = {kind: scene.live(kind, NAME)["metadata"] for kind in KINDS if kind != "Service"}
    return {
        kind: metadata["generation" if kind == "Deployment" else "resourceVersion"]
        for kind, metadata in found.items()
    }


def test_everything_carries_the_gateways_labels_and_annotations(scene):
    labels, annotations = {"example.com/team": "web"}, {"example.com/tier": "gold"}
    made = scene.gateway(infrastructure={"labels": labels, "annotations": annotations})
    scene.address()
    for kind in (*KINDS, "Pod"):
        found = scene.owned(kind)
        assert found, kind
        for each in found:
            metadata = each["metadata"]
            assert labels.items() <= metadata["labels"].items(), kind
            assert annotations.items() <= metadata["annotations"].items(), kind
            if kind != "Pod":
                owner = metadata["ownerReferences"][0]
                assert (owner["kind"], owner["uid"]) == ("Gateway", made["metadata"]["uid"]), kind


def test_pods_have_no_rights(scene):
    scene.gateway()
    scene.address()
    (pod,) = scene.owned("Pod")
    spec = pod["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    tokens = [volume for volume in spec["volumes"] if "projected" in volume]
    assert [each["name"] for each in tokens] == ["token"]  # none for the API server


def test_a_listener_that_comes_or_goes_changes_the_service_alone(scene):
    http, more = ({"name": f"p{port}", "protocol": "HTTP", "port": port} for port in (80, 8080))
    scene.gateway(http)
    scene.address()
    before = versions(scene)
    scene.gateway(http, more)
    programmed(scene)
    ports = wait_for(lambda: ports_of(scene) == {80, 8080} and ports_of(scene), "both ports")
    assert ports == {80, 8080}
    scene.gateway(http)
    wait_for(lambda: ports_of(scene) == {80}, "one port")
    programmed(scene)
    assert versions(scene) == before


def ports_of(scene):
    return {each["port"] for each in scene.live("Service", NAME)["spec"]["ports"]}


def test_tcp_and_udp_listeners_share_a_number(scene):
    dns = [{"name": kind.lower(), "protocol": kind, "port": 5300} for kind in ("TCP", "UDP")]
    scene.gateway(*dns)
    scene.address()
    ports = scene.live("Service", NAME)["spec"]["ports"]
    assert {(each["port"], each["protocol"]) for each in ports} == {(5300, "TCP"), (5300, "UDP")}


# Addresses


def test_an_address_of_a_certain_value(scene):
    scene.backend("shop")
    scene.route("shop", HOST, "shop")
    wanted = f"{POOL}.151"
    fake = {"type": "example.com/fake", "value": "none"}
    scene.gateway(addresses=[fake, {"value": UNUSABLE}, {"value": wanted}])
    wait_told(scene, "Accepted", "False", "UnsupportedAddress")
    scene.gateway(addresses=[{"value": UNUSABLE}, {"value": wanted}])
    wait_told(scene, "Accepted", "True", "Accepted")
    wait_told(scene, "Programmed", "False", "AddressNotUsable")
    wait_told(scene, "AddressesAssigned", "False", "PartiallyAssigned")
    scene.gateway(addresses=[{"value": wanted}])
    programmed(scene)
    assert addresses(scene) == [wanted]
    assert scene.until_served(HOST, "shop") == wanted


def test_pinning_the_address_that_a_gateway_has_interrupts_nothing(scene):
    scene.backend("shop")
    scene.route("shop", HOST, "shop")
    scene.gateway()
    address = scene.until_served(HOST, "shop")
    with traffic.unbroken(address, HOST, rate=100):
        scene.gateway(addresses=[{"value": address}])
        programmed(scene)
        wait_for(
            lambda: scene.live("Service", NAME)["spec"].get("loadBalancerIP") == address, "the pin"
        )
        other = f"{POOL}.152"
        scene.gateway(addresses=[{"value": other}, {"value": address}])
        wait_for(lambda: set(addresses(scene)) == {address, other}, "both addresses")
        wait_for(lambda: traffic.get(other, HOST) == (200, "shop"), "the other address")


def test_an_address_that_only_the_cluster_knows(scene):
    scene.backend("shop")
    scene.route("shop", HOST, "shop")
    scene.gateway(addresses=[{"routability": "Cluster"}])
    address = scene.until_served(HOST, "shop")
    (given,) = scene.live()["status"]["addresses"]
    assert given == {"type": "IPAddress", "value": address, "routability": "Cluster"}
    assert scene.live("Service", NAME)["spec"]["clusterIP"] == address


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_services_of_other_types(scene, kind):
    scene.gateway(infrastructure=scene.settings(serviceType=kind))
    address = scene.address()
    service = scene.live("Service", NAME)
    assert service["spec"]["type"] == kind
    if kind == "ClusterIP":
        assert address == service["spec"]["clusterIP"]
        return
    nodes = scene.cluster.list("Node")
    inside = {each["address"] for node in nodes for each in node["status"]["addresses"]}
    assert set(addresses(scene)) <= inside


def _classes(scene):
    """{name: (type, class)} of the Gateway's Services."""
    return {
        each["metadata"]["name"]: (each["spec"]["type"], each["spec"].get("loadBalancerClass", ""))
        for each in scene.owned("Service")
    }


def test_a_class_of_load_balancers_comes_changes_and_goes(scene):
    """The API server lets none of that be done to one Service."""
    second = f"{NAME}-2"
    scene.gateway(infrastructure=scene.settings())
    scene.address()
    scene.settings(loadBalancerClass="example.com/one")
    one = {NAME: ("ClusterIP", ""), second: ("LoadBalancer", "example.com/one")}
    wait_for(lambda: _classes(scene) == one, "a load balancer of that class")
    scene.settings(loadBalancerClass="example.com/two")
    two = {NAME: ("LoadBalancer", "example.com/two")}
    wait_for(lambda: _classes(scene) == two, "one of the other class")
    scene.settings()
    none = {NAME: ("ClusterIP", ""), second: ("LoadBalancer", "")}
    wait_for(lambda: _classes(scene) == none, "one of the cluster's own")
    assert scene.address()


def test_another_address_of_the_cluster_takes_another_service(scene):
    scene.gateway(infrastructure=scene.settings(serviceType="ClusterIP"))
    first = scene.address()
    free = str(ipaddress.ip_address(first) + 1)
    while any(free in each["spec"].get("clusterIPs", ()) for each in scene.cluster.list("Service")):
        free = str(ipaddress.ip_address(free) + 1)
    scene.gateway(
        infrastructure=scene.settings(serviceType="ClusterIP"),
        addresses=[{"type": "IPAddress", "value": free}],
    )
    wait_for(lambda: addresses(scene) == [free], "that address")
    assert scene.live("Service", NAME)["spec"]["clusterIP"] == first


# Settings


def test_instances_come_and_go_as_the_settings_say(scene):
    scene.gateway(infrastructure=scene.settings(replicas="2", cpuRequest="1000m"))
    scene.address()
    deployment = scene.live("Deployment", NAME)
    assert deployment["spec"]["replicas"] == 2
    assert scene.live("PodDisruptionBudget", NAME)["spec"]["maxUnavailable"] == 1
    scene.settings(minReplicas="1", maxReplicas="3")
    wait_for(
        lambda: scene.cluster.find("HorizontalPodAutoscaler", NAME, scene.namespace), "autoscaler"
    )
    assert scene.live("Deployment", NAME)["spec"]["replicas"] == 2
    scene.settings()
    wait_for(
        lambda: not scene.cluster.find("HorizontalPodAutoscaler", NAME, scene.namespace), "no more"
    )
    wait_for(lambda: scene.live("Deployment", NAME)["spec"]["replicas"] == 1, "one instance")


def test_a_mistake_in_settings_takes_nothing_away(scene):
    infrastructure = scene.settings()
    scene.gateway(infrastructure=infrastructure)
    address = scene.address()
    scene.settings(replicas="many")
    wait_told(scene, "Accepted", "False", "InvalidParameters")
    message = condition(scene.live()["status"]["conditions"], "Accepted")["message"]
    assert "replicas is 'many'" in message
    balanced = scene.live("Service", NAME)["status"]["loadBalancer"]
    assert balanced["ingress"][0]["ip"] == address
    assert scene.live("Deployment", NAME)["status"]["readyReplicas"] == 1
    scene.settings()
    assert scene.address() == address


def test_requests_are_logged_where_a_gateway_asks_for_it(scene):
    scene.backend("shop")
    scene.route("shop", HOST, "shop")
    scene.gateway(infrastructure=scene.settings(accessLog="enabled"))
    address = scene.until_served(HOST, "shop")
    assert traffic.get(address, HOST, "/asked-for")[0] == 200

    def logged():
        lines = scene.cluster.kubectl("logs", f"deploy/{NAME}", "-n", scene.namespace).split("\n")
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [each["route"] for each in found if each["path"] == "/asked-for"]

    assert wait_for(logged, "the line") == [f"{scene.namespace}/shop/0/0"]


# What others do


def test_what_others_change_is_repaired_and_what_they_add_is_kept(scene):
    scene.gateway()
    scene.address()

    def grace():
        pods = scene.live("Deployment", NAME)["spec"]["template"]["spec"]
        return pods["terminationGracePeriodSeconds"]

    before = grace()
    patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": before + 1}}}}
    added = {"metadata": {"annotations": {"example.com/note": "kept"}}}
    scene.cluster.patch("Deployment", NAME, scene.namespace, patch | added)
    wait_for(lambda: grace() == before, "the grace period")
    assert scene.live("Deployment", NAME)["metadata"]["annotations"]["example.com/note"] == "kept"
    scene.cluster.delete("Service", NAME, scene.namespace)
    wait_for(lambda: scene.cluster.find("Service", NAME, scene.namespace), "a Service")
    programmed(scene)


def test_an_object_of_that_name_is_left_alone(scene):
    theirs = objects.service(scene.namespace, NAME)
    (before,) = scene.cluster.apply(theirs)
    scene.gateway()
    wait_told(scene, "Programmed", "False", "NoResources")
    message = condition(scene.live()["status"]["conditions"], "Programmed")["message"]
    assert f"Service {scene.namespace}/{NAME} exists" in message
    assert (
        scene.live("Service", NAME)["metadata"]["resourceVersion"]
        == (before["metadata"]["resourceVersion"])
    )
    scene.cluster.delete("Service", NAME, scene.namespace)
    scene.address()


def test_a_quota_is_told(scene):
    metadata = {"name": "tight", "namespace": scene.namespace}
    spec = {"hard": {"services.loadbalancers": "0"}}
    scene.cluster.apply(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}
    )
    wait_for(
        lambda: scene.live("ResourceQuota", "tight").get("status", {}).get("hard"), "the quota"
    )
    scene.gateway()
    wait_told(scene, "Programmed", "False", "NoResources")
    message = condition(scene.live()["status"]["conditions"], "Programmed")["message"]
    assert "exceeded quota: tight" in message


def test_where_to_look_is_told_when_no_pod_becomes_ready(scene):
    scene.gateway(infrastructure=scene.settings(nodeSelector="example.com/nowhere: here"))

    def message():
        found = condition(scene.live().get("status", {}).get("conditions", []), "Programmed")
        return found.get("message", "")

    hint = f"`kubectl describe pods -n {scene.namespace} -l {installation.PROXY_LABEL}=web`"
    wait_for(lambda: hint in message(), hint, 120)
    scene.settings()
    programmed(scene)


def test_a_gateway_that_another_controller_takes_over_is_given_up(scene):
    scene.gateway()
    scene.address()
    other = f"other-{scene.namespace}"
    scene.cluster.apply(
        {
            "apiVersion": objects.API,
            "kind": "GatewayClass",
            "metadata": {"name": other},
            "spec": {"controllerName": "example.com/other"},
        }
    )
    try:
        scene.gateway(gatewayClassName=other)
        for kind in KINDS:
            wait_for(lambda kind=kind: not scene.cluster.find(kind, NAME, scene.namespace), kind)
    finally:
        scene.cluster.delete("GatewayClass", other)


def test_a_gateway_that_is_deleted_takes_all_with_it(scene):
    scene.gateway()
    scene.address()
    scene.cluster.delete("Gateway", "web", scene.namespace)
    for kind in KINDS:
        wait_for(lambda kind=kind: not scene.cluster.find(kind, NAME, scene.namespace), kind)


def test_the_longest_name_is_served(scene):
    scene.cluster.apply(objects.gateway(scene.namespace, LONG_NAME))
    wait_told(scene, "Programmed", "True", "Programmed", LONG_NAME)
    with pytest.raises(ApiError):
        scene.cluster.apply(objects.gateway(scene.namespace, LONG_NAME + "a"))


def test_twenty_gateways_get_their_addresses_at_once(scene):
    names = [f"many-{number}" for number in range(20)]
    scene.cluster.apply(*(objects.gateway(scene.namespace, name) for name in names))

    def all_have():
        services = scene.cluster.list("Service", scene.namespace)
        given = [each["status"]["loadBalancer"].get("ingress") for each in services]
        return len(given) == len(names) and all(given)

    wait_for(all_have, "addresses of 20 Gateways", 120)
