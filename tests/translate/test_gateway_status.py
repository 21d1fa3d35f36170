"""Status of Gateways and GatewayClasses: addresses, parameters, infrastructure, features."""

import json

import pytest

from fairlead.status.conditions import status
from fairlead.translate.supported_features import SUPPORTED_FEATURES
from translate.world import World, config_map

CONTROLLER = "fairlead.dev/gateway-controller"
PROXY = "gateway/default/gate"


def gateway(name="gate", **spec):
    listeners = [{"name": "web", "port": 80, "protocol": "HTTP"}]
    spec = {"gatewayClassName": "fairlead", "listeners": listeners, **spec}
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec: {json.dumps(spec)}
"""


def gateway_class(name, **spec):
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: {name}}}
spec: {json.dumps({"controllerName": CONTROLLER, **spec})}
"""


def settings(name="settings", **ref):
    return {"parametersRef": {"group": "", "kind": "ConfigMap", "name": name, **ref}}


def told(world, name="gate"):
    """{condition: (status, reason)} of a Gateway."""
    return {kind: (each.status, each.reason) for kind, each in world.gateway(name).items()}


def shown(world, kind="Gateway", key=("default", "gate")):
    """The status as users see it."""
    report = world.outputs.reports.get((kind, *key))
    conditions = (*report.conditions, *(c for each in report.listeners for c in each.conditions))
    names = {"", *(each.name for each in report.listeners)}
    times = tuple((name, each.type, "", "t") for name in names for each in conditions)
    return status(report, times)


def assigned(world, *addresses):
    """Let the data plane assign addresses."""
    world.commit([world.address_of("gate", addresses)])


@pytest.mark.parametrize(
    ("asked", "given", "condition", "programmed"),
    [
        ([], ["127.0.0.1"], ("True", "AddressesAssigned"), "Pending"),
        ([], [], ("False", "NotAssigned"), "AddressNotAssigned"),
        ([{}], ["127.0.0.1"], ("True", "AddressesAssigned"), "Pending"),
        ([{"value": "127.0.0.9"}], ["127.0.0.9"], ("True", "AddressesAssigned"), "Pending"),
        (
            [{"value": "127.0.0.9"}, {"value": "192.0.2.1"}],
            ["127.0.0.9"],
            ("False", "PartiallyAssigned"),
            "AddressNotUsable",
        ),
        ([{"value": "192.0.2.1"}], [], ("False", "NotAssigned"), "AddressNotUsable"),
        (
            [{"value": "127.0.0.9"}, {}],
            ["127.0.0.9", "127.0.0.1"],
            ("True", "AddressesAssigned"),
            "Pending",
        ),
        ([{"value": "127.0.0.9"}, {}], ["127.0.0.9"], ("False", "PartiallyAssigned"), "Pending"),
        ([{"routability": "Cluster"}], [], ("False", "NotAssigned"), "AddressNotAssigned"),
        (
            [{"routability": "example.com/Elsewhere"}, {}],
            ["127.0.0.1"],
            ("False", "PartiallyAssigned"),
            "Pending",
        ),
    ],
)
def test_addresses(asked, given, condition, programmed):
    world = World(gateway(addresses=asked) if asked else gateway(), address="")
    assert "AddressesAssigned" not in told(world)
    assigned(world, *given)
    assert told(world)["Accepted"] == ("True", "Accepted")
    assert told(world)["AddressesAssigned"] == condition
    assert told(world)["Programmed"][1] == programmed
    expected = [{"type": "IPAddress", "value": each, "routability": ""} for each in given]
    assert shown(world).get("addresses", []) == expected


def test_routability_that_conformance_reserves_is_reported():
    sentinel = "testing.x-k8s.io/sentinel"
    world = World(gateway(addresses=[{"routability": sentinel}, {}]), address="")
    assigned(world, "127.0.0.1", "127.0.0.2")
    assert [each["routability"] for each in shown(world)["addresses"]] == [sentinel, ""]


@pytest.mark.parametrize("kind", ["Hostname", "NamedAddress", "example.com/odd"])
def test_an_address_of_another_type_is_refused(kind):
    world = World(gateway(addresses=[{"type": kind, "value": "a.example"}]))
    assert told(world)["Accepted"] == ("False", "UnsupportedAddress")
    assert told(world)["Programmed"] == ("False", "Invalid")
    assert not world.outputs.listeners.keys()
    assert not world.outputs.fleet.keys()


@pytest.mark.parametrize(
    ("ref", "objects"),
    [
        ({"group": "invalid.io", "kind": "InvalidParameters", "name": "invalid"}, ()),
        ({"group": "", "kind": "ConfigMap", "name": "settings"}, ()),
        (
            {"group": "", "kind": "ConfigMap", "name": "settings"},
            (config_map("settings", "elsewhere"),),
        ),
        ({"group": "", "kind": "ConfigMap", "name": "settings"}, (config_map("settings", a="b"),)),
        (
            {"group": "", "kind": "ConfigMap", "name": "settings"},
            (config_map("settings", proxyProtocol="maybe"),),
        ),
        ({"group": "", "kind": "Secret", "name": "settings"}, ()),
    ],
)
def test_parameters_that_are_not_valid(ref, objects):
    world = World(gateway(infrastructure={"parametersRef": ref}), *objects)
    assert told(world)["Accepted"] == ("False", "InvalidParameters")
    assert "parametersRef" in world.gateway()["Accepted"].message
    assert not world.outputs.listeners.keys()


def test_parameters_of_a_gateway_win_over_those_of_its_class():
    world = World(
        gateway_class("ours", **settings("all", namespace="admin")),
        gateway(gatewayClassName="ours", infrastructure=settings()),
        config_map("all", "admin", proxyProtocol="required"),
        config_map("settings"),
    )

    def bound():
        return world.outputs.listeners.get((PROXY, "http-80"))

    assert bound().proxy_protocol == "required"
    world.apply(config_map("settings", proxyProtocol="optional"))
    assert bound().proxy_protocol == "optional"
    world.apply(config_map("all", "admin", proxyProtocol="sometimes"))
    assert bound() is None
    accepted = world.report("GatewayClass", "ours", "").conditions[0]
    assert (accepted.status, accepted.reason) == ("False", "InvalidParameters")
    assert told(world)["Accepted"] == ("False", "InvalidParameters")
    world.remove("ConfigMap", "all", "admin")
    assert "does not exist" in world.report("GatewayClass", "ours", "").conditions[0].message


def test_parameters_of_a_class_need_a_namespace():
    world = World(gateway_class("ours", **settings()))
    accepted = world.report("GatewayClass", "ours", "").conditions[0]
    assert (accepted.reason, "namespace" in accepted.message) == ("InvalidParameters", True)


def test_infrastructure_is_put_on_the_proxy():
    infrastructure = {"labels": {"team": "b", "app": "a"}, "annotations": {"x.example/y": "z"}}
    world = World(gateway(infrastructure=infrastructure))
    proxy = world.outputs.fleet.get(PROXY)
    assert proxy.labels == (("app", "a"), ("team", "b"))
    assert proxy.annotations == (("x.example/y", "z"),)


def test_a_class_tells_what_is_supported():
    world = World(gateway_class("ours"))
    features = shown(world, "GatewayClass", ("", "ours"))["supportedFeatures"]
    assert [each["name"] for each in features] == list(SUPPORTED_FEATURES)
    assert list(SUPPORTED_FEATURES) == sorted(set(SUPPORTED_FEATURES))


def test_the_number_of_listener_sets_is_always_told():
    assert shown(World(gateway()))["attachedListenerSets"] == 0
