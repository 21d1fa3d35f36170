"""What is told of Gateways that aren't served, or not in full: enough to repair them."""

import pytest

from analysis.scene import Scene

FOREIGN = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: example}
spec: {controllerName: acme.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: theirs}
spec:
  gatewayClassName: example
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: {parentRefs: [{name: theirs}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: adrift}
spec: {}
"""
OTHER = (
    "GatewayClass example belongs to another controller (acme.io/gateway-controller); "
    "here those of fairlead.dev/gateway-controller are served"
)
BROKEN = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: missing}]}}
"""


@pytest.fixture(scope="module")
def foreign():
    return Scene(FOREIGN)


def test_a_gateway_of_another_controller_is_not_left_without_a_word(foreign):
    row = foreign.table("Gateway", wide=True).splitlines()[1]
    assert row.split()[:6] == ["theirs", "example", "<none>", "Unknown", "90s", "OtherController"]
    assert row.endswith(OTHER)
    assert f"Not served: {OTHER}\n" in foreign.describe("gateway", "theirs")


def test_a_route_says_why_none_of_its_parents_answers(foreign):
    assert f"Parents:\n   gateway/theirs: {OTHER}\n" in foreign.describe("route", "web")
    told = foreign.describe("route", "adrift")
    assert "Parents: none; name a Gateway or a Service in spec.parentRefs\n" in told


def test_a_gateway_tells_what_is_wrong_with_its_listeners():
    row = Scene(BROKEN).table("Gateway", wide=True).splitlines()[1]
    assert " ListenersNotResolved " in row or " ListenersNotValid " in row
    assert "a: " in row
    assert "Secret default/missing does not exist" in row
