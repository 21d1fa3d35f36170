"""Gateways: addresses, ports, and what is told of listeners that are and are not served."""

import http.client

import pytest

from feature.harness import dump
from feature.route_scene import Manifest, at_gateway, forward, route
from support.certificates import CA, tls_secret

HEAD = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: default}}
spec:
  gatewayClassName: fairlead
"""
HTTP = "  listeners:\n  - {name: http, port: 80, protocol: HTTP}\n"
HELD = "127.0.77.1"
HELD_TOO = "127.0.77.2"
NOT_HELD = "203.0.113.9"


def gateway(name: str, rest: str) -> Manifest:
    return Manifest(HEAD.format(name=name) + rest, name)


STATIC = gateway("static", f"  addresses: [{{type: IPAddress, value: {HELD}}}]\n{HTTP}")
UNUSABLE = gateway(
    "unusable",
    f"  addresses: [{{type: IPAddress, value: {NOT_HELD}}}]\n{HTTP}"
    "  - {name: secure, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: shown}]}}\n",
)
SHOWN = Manifest(tls_secret("shown", CA("gateways").issue(dns=["a.example.com"])))
NAMED = gateway("named", f"  addresses: [{{type: Hostname, value: host.example}}]\n{HTTP}")
MIXED = gateway(
    "mixed",
    """\
  listeners:
  - {name: one, port: 80, protocol: HTTP, hostname: one.example}
  - {name: clash-a, port: 18086, protocol: HTTP}
  - {name: clash-b, port: 18086, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}
  - {name: secure, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}
  - {name: raw, port: 9000, protocol: TCP}
  - {name: odd, port: 9002, protocol: example.com/SCTP}
  - name: kinds
    port: 18084
    protocol: HTTP
    allowedRoutes: {kinds: [{kind: HTTPRoute}, {kind: TCPRoute}]}
""",
)
NOTHING = gateway("nothing", "  listeners: [{name: o, port: 9001, protocol: example.com/SCTP}]\n")
ANY = gateway("any", f"  addresses: [{{type: IPAddress}}, {{value: {HELD_TOO}}}]\n{HTTP}")
CLUSTER = gateway("cluster", f"  addresses: [{{routability: Cluster}}]\n{HTTP}")
DEFAULT = gateway("default", f"  defaultScope: All\n{HTTP}")
PARAMETERS = gateway(
    "parameters",
    "  infrastructure:\n"
    "    labels: {team: web}\n"
    '    parametersRef: {group: "", kind: ConfigMap, name: settings}\n'
    f"{HTTP}",
)
SETTINGS = Manifest(
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
    "data: {proxyProtocol: required}\n",
    "settings",
)
UNKNOWN = gateway(
    "unknown",
    "  infrastructure: {parametersRef: {group: invalid.io, kind: Parameters, name: x}}\n" + HTTP,
)
BY_DEFAULT = Manifest(
    route("by-default", forward("v2"), parents="").replace(
        "  parentRefs: []\n", "  useDefaultGateways: All\n"
    ),
    "by-default",
)
FIRST = at_gateway("first", forward("v1"), "one.example", parents="{name: mixed, sectionName: one}")
SECOND = at_gateway(
    "second", forward("v2"), "two.example", parents="{name: mixed, sectionName: kinds}"
)
THIRD = at_gateway("third", forward("v3"), parents="{name: static}")


def conditions(item: dict) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in item["conditions"]}


def status(scene, target: Manifest) -> dict:
    return scene.run.one("gateways", target.name)["status"]


def listener(scene, name: str) -> dict:
    (found,) = (each for each in status(scene, MIXED)["listeners"] if each["name"] == name)
    return found


def test_static_address(scene):
    found = status(scene, STATIC)
    assert [address["value"] for address in found["addresses"]] == [HELD]
    assert conditions(found)["Accepted"] == ("True", "Accepted")
    assert conditions(found)["Programmed"] == ("True", "Programmed")
    assert scene.gateway("any.example", name="static").backend == "v3"


def test_address_that_this_machine_does_not_have(scene):
    assert conditions(status(scene, UNUSABLE))["Programmed"] == ("False", "AddressNotUsable")
    (proxy,) = scene.run.get("proxies", "gateway/default/unusable")
    assert proxy["status"]["state"] == "SYNCED", "it has nothing to wait for"


def test_address_of_a_type_that_is_not_supported(scene):
    assert conditions(status(scene, NAMED))["Accepted"] == ("False", "UnsupportedAddress")


def test_any_address_besides_a_certain_one(scene):
    """GatewayAddressEmpty; each address tells its routability (GEP-5093)."""
    found = status(scene, ANY)
    values = [address["value"] for address in found["addresses"]]
    assert (len(values), values[0]) == (2, HELD_TOO)
    assert {address["routability"] for address in found["addresses"]} == {""}
    assert conditions(found)["AddressesAssigned"] == ("True", "AddressesAssigned")
    assert conditions(found)["Programmed"] == ("True", "Programmed")


def test_routability_that_cannot_be_given_here(scene):
    found = status(scene, CLUSTER)
    assert conditions(found)["AddressesAssigned"] == ("False", "NotAssigned")
    assert conditions(found)["Programmed"] == ("False", "AddressNotAssigned")
    assert "addresses" not in found


def test_infrastructure_and_parameters(scene):
    """Labels are shown with the proxy; connections need the header that a setting asks for."""
    (proxy,) = scene.run.get("proxies", "gateway/default/parameters")
    assert proxy["metadata"]["labels"] == {"team": "web"}
    assert conditions(status(scene, PARAMETERS))["Programmed"] == ("True", "Programmed")
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        scene.gateway("any.example", name="parameters")
    assert conditions(status(scene, UNKNOWN))["Accepted"] == ("False", "InvalidParameters")


def test_default_gateway(scene):
    """A route without parentRefs attaches to the Gateways that take all (GEP-3793)."""
    assert conditions(status(scene, DEFAULT))["DefaultGateway"] == ("True", "DefaultGateway")
    assert scene.gateway("any.example", name="default").backend == "v2"
    (parent,) = scene.route(BY_DEFAULT)["status"]["parents"]
    assert parent["parentRef"]["name"] == "default"
    assert scene.gateway("other.example").status == 404


def test_gateways_have_addresses_of_their_own(scene):
    places = [scene.gateway_place(name)[0] for name in ("gateway", "mixed", "static")]
    assert len(set(places)) == len(places)


def test_any_port(scene):
    """GatewayPort8080, with a port that is free on every machine."""
    assert scene.gateway("two.example", name="mixed", port=18084).backend == "v2"


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("one", "Accepted", ("True", "Accepted")),
        ("one", "Programmed", ("True", "Programmed")),
        ("one", "ResolvedRefs", ("True", "ResolvedRefs")),
        ("one", "Conflicted", ("False", "NoConflicts")),
        ("clash-a", "Conflicted", ("True", "ProtocolConflict")),
        ("clash-b", "Conflicted", ("True", "ProtocolConflict")),
        ("clash-b", "Programmed", ("False", "ProtocolConflict")),
        ("secure", "Accepted", ("True", "Accepted")),
        ("secure", "ResolvedRefs", ("False", "InvalidCertificateRef")),
        ("secure", "Programmed", ("False", "Invalid")),
        ("raw", "Programmed", ("True", "Programmed")),
        ("odd", "Accepted", ("False", "UnsupportedProtocol")),
        ("kinds", "ResolvedRefs", ("False", "InvalidRouteKinds")),
    ],
)
def test_conditions_of_listeners(scene, name, kind, expected):
    assert conditions(listener(scene, name))[kind] == expected


def test_listeners_that_are_not_valid_do_not_stop_others(scene):
    """The Gateway is accepted, says so, and serves what it can."""
    assert conditions(status(scene, MIXED))["Accepted"] == ("True", "ListenersNotValid")
    assert scene.gateway("one.example", name="mixed").backend == "v1"


def test_gateway_without_a_valid_listener(scene):
    assert conditions(status(scene, NOTHING))["Accepted"] == ("False", "ListenersNotValid")


def test_attached_routes(scene):
    counts = {each["name"]: each["attachedRoutes"] for each in status(scene, MIXED)["listeners"]}
    assert {name: count for name, count in counts.items() if count} == {"one": 1, "kinds": 1}


def test_supported_kinds(scene):
    group = "gateway.networking.k8s.io"
    assert listener(scene, "kinds")["supportedKinds"] == [{"group": group, "kind": "HTTPRoute"}]
    assert listener(scene, "odd")["supportedKinds"] == []
    assert [each["kind"] for each in listener(scene, "raw")["supportedKinds"]] == ["TCPRoute"]


def test_conditions_carry_the_generation(scene):
    for item in scene.run.get("gateways"):
        generation = item["metadata"]["generation"]
        listeners = item["status"].get("listeners", [])
        for condition in [
            *item["status"]["conditions"],
            *(condition for each in listeners for condition in each["conditions"]),
        ]:
            assert condition["observedGeneration"] == generation, dump(condition)
            if condition["reason"] not in {condition["type"], "NoConflicts"}:
                assert condition["message"], dump(condition)


LIVE = Manifest("", "live")


def test_gateway_comes_and_goes(scene):
    """A listener is added to it on the way; the first one goes on serving."""
    run = scene.run
    route = at_gateway("live-route", forward("v1"), parents="{name: live}").text
    text = HEAD.format(name="live") + HTTP
    run.write("live.yaml", text + "---\n" + route)
    run.until("programmed", lambda: programmed(scene))
    assert scene.gateway("live.example", name="live").backend == "v1"
    more = text + "  - {name: more, port: 18085, protocol: HTTP}\n"
    run.write("live.yaml", more + "---\n" + route)
    run.until("both", lambda: len(status(scene, LIVE)["listeners"]) == 2 and programmed(scene))
    assert scene.gateway("live.example", name="live", port=18085).backend == "v1"
    assert scene.gateway("live.example", name="live").backend == "v1"
    run.remove("live.yaml")
    run.until("gone", lambda: not any(g["metadata"]["name"] == "live" for g in run.get("gateways")))
    run.until("refused", lambda: refused(scene))


def programmed(scene) -> bool:
    """Whether the Gateway and all of its listeners are."""
    names = [item["metadata"]["name"] for item in scene.run.get("gateways")]
    if LIVE.name not in names:
        return False
    found = status(scene, LIVE)
    return all(
        conditions(each).get("Programmed") == ("True", "Programmed")
        for each in [found, *found.get("listeners", [])]
    )


def refused(scene) -> bool:
    try:
        scene.gateway("live.example", name="live")
    except ConnectionRefusedError:
        return True
    return False


LONG = gateway("g" * 253, HTTP)


def test_the_longest_name(scene):
    """GatewayNameMaximumLength: what is derived from the name is shortened where it has to be."""
    assert conditions(status(scene, LONG))["Programmed"] == ("True", "Programmed")
    assert scene.gateway("any.example", name=LONG.name).status == 404
