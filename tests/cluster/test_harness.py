"""What the other modules rely on: the cluster answers, has the API, and reports changes."""

import threading

import pytest

from cluster.api import ApiError, wait_for

BUNDLE = "gateway.networking.k8s.io/bundle-version"


def test_the_cluster_has_the_gateway_api(cluster):
    definition = cluster.get("CustomResourceDefinition", "gateways.gateway.networking.k8s.io")
    assert definition["metadata"]["annotations"][BUNDLE] == "v1.7.0"
    assert cluster.path("HTTPRoute", "a", "b").endswith("/v1/namespaces/b/httproutes/a")
    assert cluster.path("Node", "n") == "/api/v1/nodes/n"
    assert cluster.path("Event").startswith("/api/v1/")


def test_objects_are_applied_watched_and_deleted(cluster, namespace):
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": namespace},
        "data": {"a": "1"},
    }
    seen = []
    with cluster.watch("ConfigMap", namespace) as events:

        def note():
            for event in events:
                seen.append((event["type"], event["object"].get("data", {}).get("a")))
                if event["type"] == "DELETED":
                    return

        reader = threading.Thread(target=note)
        reader.start()
        cluster.apply(body)
        cluster.patch("ConfigMap", "settings", namespace, {"data": {"a": "2"}})
        assert cluster.get("ConfigMap", "settings", namespace)["data"] == {"a": "2"}
        cluster.delete("ConfigMap", "settings", namespace)
        reader.join(30)
    ours = [each for each in seen if each[1]]
    assert ours == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]
    assert cluster.find("ConfigMap", "settings", namespace) is None


def test_a_refusal_says_why(cluster, namespace):
    body = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "g", "namespace": namespace},
        "spec": {"gatewayClassName": "none", "listeners": []},
    }
    with pytest.raises(ApiError, match="listeners") as refused:
        cluster.create(body)
    assert refused.value.code == 422


def test_waiting_ends(cluster, namespace):
    name = wait_for(
        lambda: cluster.find("ServiceAccount", "default", namespace), "the default account"
    )
    assert name["metadata"]["namespace"] == namespace
