"""Channels: what only the experimental one has, and what becomes of it with the standard one."""

import pytest

from fairlead import api

ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  useDefaultGateways: All
  rules:
  - sessionPersistence: {cookie: {name: c}}
    retry: {attempts: 2}
    backendRefs: [{name: s, port: 80}]
"""
AUTH = "{backendRef: {name: a, port: 80}, protocol: HTTP, http: {}}"
FILTERED = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: r}}
spec:
  rules:
  - filters: [{{type: ExternalAuth, externalAuth: {AUTH}}}]
    backendRefs:
    - {{name: s, port: 80, filters: [{{type: ExternalAuth, externalAuth: {AUTH}}}]}}
"""
GATEWAY = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: g}}
spec:
  gatewayClassName: c
  defaultScope: All
  addresses: [{{value: 127.0.0.5}}, {{routability: Cluster}}]
  listeners:
  - {{name: a, port: 80, protocol: HTTP}}
  - name: b
    port: 81
    protocol: HTTP
    filters: {{requests: [{{type: ExternalAuth, externalAuth: {AUTH}}}]}}
"""
XBACKEND = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: b}
spec: {type: ExternalHostname, port: {number: 80}, externalHostname: {hostname: a.example}}
"""


def told(text, channel="experimental"):
    """(severity, code, field) of each problem."""
    return [(p.severity, p.code, p.field) for p in api.decode(text, channel=channel).problems]


def test_what_would_be_lost_is_told_and_kept():
    decoded = api.decode(ROUTE)
    assert told(ROUTE) == [
        ("warning", "GW120", "spec.useDefaultGateways"),
        ("warning", "GW120", "spec.rules[0].sessionPersistence"),
    ]
    assert [problem.line for problem in decoded.problems] == [6, 8]
    assert decoded.problems[0].message == (
        "`useDefaultGateways` is only in the experimental channel, the standard one drops it"
    )
    spec = decoded.objects[0].spec
    assert spec.use_default_gateways == "All"
    assert spec.rules[0].session_persistence.cookie.name == "c"


def test_the_standard_channel_drops_fields_and_serves_the_rest():
    decoded = api.decode(ROUTE, channel="standard")
    assert told(ROUTE, "standard") == [
        ("error", "GW120", "spec.useDefaultGateways"),
        ("error", "GW120", "spec.rules[0].sessionPersistence"),
    ]
    assert decoded.rejected == ()
    spec = decoded.objects[0].spec
    assert spec.use_default_gateways is None
    assert spec.rules[0].session_persistence is None
    assert spec.rules[0].retry.attempts == 2


def test_every_entry_of_a_list_is_looked_at():
    assert told(GATEWAY) == [
        ("warning", "GW120", "spec.defaultScope"),
        ("warning", "GW120", "spec.addresses[1].routability"),
        ("warning", "GW120", "spec.listeners[1].filters"),
    ]
    gateway = api.decode(GATEWAY, channel="standard").objects[0]
    assert gateway.spec.default_scope is None
    assert gateway.spec.addresses[1] == api.GatewaySpecAddress()
    assert [listener.filters for listener in gateway.spec.listeners] == [None, None]


def test_a_value_that_the_standard_channel_does_not_take_refuses_the_object():
    fields = ["spec.rules[0].filters[0].type", "spec.rules[0].backendRefs[0].filters[0].type"]
    assert told(FILTERED) == [("info", "GW120", field) for field in fields]
    assert told(FILTERED, "standard") == [("error", "GW120", field) for field in fields]
    assert len(api.decode(FILTERED).objects) == 1
    decoded = api.decode(FILTERED, channel="standard")
    assert decoded.objects == ()
    assert decoded.rejected == (("HTTPRoute", "default", "r"),)


def test_a_kind_that_the_standard_channel_does_not_have():
    assert told(XBACKEND) == [("info", "GW120", "kind")]
    assert len(api.decode(XBACKEND).objects) == 1
    assert told(XBACKEND, "standard") == [("error", "GW120", "kind")]
    assert api.decode(XBACKEND, channel="standard").objects == ()


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("TCPRoute", "v1alpha2"),
        ("UDPRoute", "v1alpha2"),
        ("TLSRoute", "v1alpha2"),
        ("TLSRoute", "v1alpha3"),
    ],
)
def test_a_version_that_the_standard_channel_does_not_serve(kind, version):
    hostnames = "hostnames: [a.example], " if kind == "TLSRoute" else ""
    text = (
        f"{{apiVersion: gateway.networking.k8s.io/{version}, kind: {kind}, metadata: {{name: r}},"
        f" spec: {{{hostnames}rules: [{{backendRefs: [{{name: s, port: 80}}]}}]}}}}"
    )
    assert told(text) == [("info", "GW103", "apiVersion")]
    assert told(text, "standard")[1:] == [("error", "GW120", "apiVersion")]
    assert len(api.decode(text).objects) == 1
    assert api.decode(text, channel="standard").objects == ()
    assert told(text.replace(version, "v1"), "standard") == []


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
def test_versions_that_are_served_alike_for_good_are_not_told(version):
    text = f"{{apiVersion: networking.istio.io/{version}, kind: DestinationRule, "
    assert told(text + "metadata: {name: r}, spec: {host: s}}") == []


@pytest.mark.parametrize("channel", ["standard", "experimental"])
def test_an_old_version_that_both_serve_is_only_told(channel):
    text = ROUTE.replace("/v1", "/v1beta1").replace("  useDefaultGateways: All\n", "")
    text = text.replace("  - sessionPersistence: {cookie: {name: c}}\n    retry", "  - retry")
    problems = api.decode(text, channel=channel).problems
    assert len(problems) == 1
    assert str(problems[0]) == (
        "2:1: info GW103 HTTPRoute default/r apiVersion: v1beta1 is an old version of HTTPRoute; "
        "write `apiVersion: gateway.networking.k8s.io/v1`"
    )
    assert len(api.decode(text, channel=channel).objects) == 1


def test_what_is_given_is_left_as_it_is():
    raw = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "r"},
        "spec": {"useDefaultGateways": "All", "rules": [{}]},
    }
    assert api.decode(raw, channel="standard").objects[0].spec.use_default_gateways is None
    assert raw["spec"]["useDefaultGateways"] == "All"


@pytest.mark.parametrize(
    "spec", ["", "[]", "{rules: 5}", "{rules: [5, null, {filters: {}}]}", "{rules: null}"]
)
def test_broken_objects_are_told_as_ever(spec):
    text = ROUTE.partition("spec:")[0] + f"spec: {spec}\n"
    assert told(text, "standard") == told(text)


def test_both_shapes_of_session_persistence_are_read():
    old = "{sessionName: s, type: Cookie, cookieConfig: {lifetimeType: Permanent}}"
    text = ROUTE.replace("{cookie: {name: c}}", old[:-1] + ", absoluteTimeout: 1h}")
    (route,) = api.decode(text).objects
    session = route.spec.rules[0].session_persistence
    assert session.old
    assert session.current == api.SessionPersistence(
        absolute_timeout="1h", cookie=api.CookieConfig(name="s", lifetime_type="Permanent")
    )
    assert not session.current.old
    assert session.current.current == session.current
    assert ("warning", "GW103", "spec.rules[0].sessionPersistence.sessionName") in told(text)
    header = api.SessionPersistence(type="Header", session_name="x-session")
    assert header.current == api.SessionPersistence(
        type="Header", header=api.HeaderConfig(name="x-session")
    )
    assert api.SessionPersistence(type="Header", idle_timeout="1s").current.header is None
