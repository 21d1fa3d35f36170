"""The admission policy that holds namespaces to the hostnames that their annotation allows."""

import pytest

from cluster.api import ApiError, wait_for
from fairlead.install import admission
from fairlead.install.values import Values

API = "gateway.networking.k8s.io/v1"
ALLOWED = "shop.example.com, *.shop.example.com"


@pytest.fixture(scope="module")
def held(cluster, module_namespace):
    """A namespace that is held to `ALLOWED`."""
    values = Values(namespace=module_namespace, hostname_policy=True)
    made = [part.manifest for part in admission.parts(values)]
    cluster.apply(*made)
    metadata = {"annotations": {admission.ANNOTATION: ALLOWED}}
    cluster.patch("Namespace", module_namespace, "", {"metadata": metadata})
    probe = route(module_namespace, "HTTPRoute", ["probe.example.com"])
    wait_for(lambda: refused(cluster, probe), "the policy to be in force", 30)
    yield module_namespace
    for each in reversed(made):
        cluster.delete(each["kind"], each["metadata"]["name"])


def refused(cluster, manifest):
    """What an object is refused with; empty if it is let in."""
    try:
        cluster.apply(manifest)
    except ApiError as error:
        return str(error) if error.code == 403 else f"{error.code}: not by the policy"
    return ""


def route(namespace, kind, hostnames, parent="Gateway"):
    group = {"group": ""} if parent == "Service" else {}
    spec = {"parentRefs": [{"name": "web", "kind": parent, **group}]}
    if hostnames is not None:
        spec["hostnames"] = hostnames
    if kind == "TLSRoute":
        spec["rules"] = [{"backendRefs": [{"name": "web", "port": 443}]}]
    metadata = {"name": "web", "namespace": namespace}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "TLSRoute"])
@pytest.mark.parametrize(
    "hostnames",
    [["shop.example.com"], ["a.shop.example.com", "*.shop.example.com"], ["a.b.shop.example.com"]],
)
def test_what_is_allowed_is_let_in(cluster, held, kind, hostnames):
    assert not refused(cluster, route(held, kind, hostnames))


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "TLSRoute"])
@pytest.mark.parametrize(
    "hostnames",
    [
        ["example.com"],
        ["*.example.com"],
        ["shop.example.com", "bank.example.com"],
        ["badshop.example.com"],
        ["shop.example.com.evil.test"],
    ],
)
def test_what_is_not_is_refused(cluster, held, kind, hostnames):
    assert admission.ANNOTATION in refused(cluster, route(held, kind, hostnames))


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "TLSRoute"])
def test_nor_by_way_of_the_default_gateways(cluster, held, kind):
    wanted = route(held, kind, ["bank.example.com"])
    del wanted["spec"]["parentRefs"]
    assert not refused(
        cluster, {**wanted, "spec": {**wanted["spec"], "useDefaultGateways": "None"}}
    )
    wanted["spec"]["useDefaultGateways"] = "All"
    assert admission.ANNOTATION in refused(cluster, wanted)


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_a_route_without_hostnames_would_answer_for_all(cluster, held, kind):
    assert "spec.hostnames" in refused(cluster, route(held, kind, None))


def test_a_route_of_a_service_answers_for_no_hostname_of_a_gateway(cluster, held):
    assert not refused(cluster, route(held, "HTTPRoute", None, parent="Service"))


def listener_set(namespace, *hostnames, protocol="HTTP"):
    listeners = [
        {"name": f"l{number}", "port": 80, "protocol": protocol}
        | ({"hostname": hostname} if hostname else {})
        for number, hostname in enumerate(hostnames)
    ]
    return {
        "apiVersion": API,
        "kind": "ListenerSet",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"parentRef": {"name": "web"}, "listeners": listeners},
    }


def test_listeners_are_held_to_it_too(cluster, held):
    assert not refused(cluster, listener_set(held, "shop.example.com", "*.shop.example.com"))
    assert admission.ANNOTATION in refused(cluster, listener_set(held, "bank.example.com"))
    assert "hostname" in refused(cluster, listener_set(held, ""))
    assert not refused(cluster, listener_set(held, "", protocol="TCP"))


def test_a_namespace_without_the_annotation_is_free(cluster, held, namespace):
    assert held != namespace
    assert not refused(cluster, route(namespace, "HTTPRoute", ["bank.example.com"]))
    assert not refused(cluster, route(namespace, "HTTPRoute", None))
