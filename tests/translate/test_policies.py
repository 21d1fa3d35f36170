"""Filters that refer to something: what follows what, and from where."""

import pytest

from fairlead.graph import Change
from translate.world import World

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec: {gatewayClassName: fairlead, listeners: [{name: web, port: 80, protocol: HTTP}]}
"""
SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}"
LIMIT = "{type: ExtensionRef, extensionRef: {group: fairlead.dev, kind: LocalRateLimit, name: few}}"
FAULT = "{type: ExtensionRef, extensionRef: {group: fairlead.dev, kind: FaultInjection, name: bad}}"
DOTS = """
{type: ExternalAuth,
 externalAuth: {protocol: HTTP, backendRef: {name: a, port: 80}, http: {path: /a/../b}}}
"""
UNTIL = "2030-01-31T12:00:00Z"
BAD = f"""
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {{name: bad}}
spec: {{abort: {{status: 503}}, until: "{UNTIL}"}}
"""


def few(requests, per="1s"):
    return f"""
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {{name: few}}
spec: {{requests: {requests}, per: {per}}}
"""


def route(name, *filters):
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: gate}}]
  hostnames: [{name}.example]
  rules:
  - filters: [{", ".join(filters)}]
    backendRefs: [{{name: a, port: 80}}]
"""


@pytest.fixture
def world():
    return World(GATEWAY, SERVICE, few(1), BAD, route("limited", LIMIT), route("faulty", FAULT))


def policies(world, name):
    return world.rules(f"{name}.example")[0].policies


def test_a_changed_limit_changes_its_hosts_only(world):
    changed = world.apply(few(2))
    assert [host for _, host in changed["virtual_hosts"]] == ["limited.example"]
    assert policies(world, "limited").rate_limit.requests == 2


def test_a_limit_that_goes_breaks_its_rule_until_it_is_back(world):
    world.remove("LocalRateLimit", "few")
    assert world.rules("limited.example")[0].action.status == 500
    resolved = world.parent("limited")["ResolvedRefs"]
    assert (resolved.status, resolved.reason) == ("False", "BackendNotFound")
    world.apply(few(3))
    assert policies(world, "limited").rate_limit.requests == 3
    assert world.parent("limited")["ResolvedRefs"].status == "True"


def test_only_the_end_that_is_written_ends_a_fault(world):
    def expire(until):
        fact = ("FaultInjection", "default", "bad")
        return world.commit([Change(world.sources.expired, fact, until)])

    expire("2029-01-01T00:00:00Z")
    assert policies(world, "faulty").fault.abort_status == 503
    changed = expire(UNTIL)
    assert [host for _, host in changed["virtual_hosts"]] == ["faulty.example"]
    assert policies(world, "faulty") is None
    assert world.parent("faulty")["ResolvedRefs"].status == "True"


def test_owners_are_told_who_uses_a_filter(world):
    def told():
        (accepted,) = world.report("LocalRateLimit", "few").conditions
        return accepted.message

    assert told() == "used by 1 route"
    world.apply(route("other", LIMIT))
    assert told() == "used by 2 routes"
    listeners = f"[{{name: web, port: 80, protocol: HTTP, filters: {{requests: [{LIMIT}]}}}}]"
    world.apply(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gate}\n"
        f"spec: {{gatewayClassName: fairlead, listeners: {listeners}}}"
    )
    assert told() == "used by 2 routes and 1 Gateway or ListenerSet"
    for name in ("limited", "other"):
        world.remove("HTTPRoute", name)
    world.remove("Gateway", "gate")
    assert told() == "nothing refers to it"


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ((LIMIT, LIMIT), "filters[1]: LocalRateLimit is given twice"),
        (
            (DOTS,),
            "filters[0].externalAuth.http.path: '/a/../b' must not have . or ..",
        ),
        (("{type: CORS}",), "filters[0]: type is CORS, but the field of that name is missing"),
    ],
)
def test_what_no_proxy_could_do_is_refused(world, filters, said):
    world.apply(route("refused", *filters))
    accepted = world.parent("refused")["Accepted"]
    assert (accepted.status, accepted.reason) == ("False", "UnsupportedValue")
    assert said in accepted.message
    assert world.rules("refused.example")[0].action.status == 500


def test_a_session_without_effect_is_told(world):
    text = route("kept").replace(
        "  - filters: []", "  - sessionPersistence: {cookie: {}, absoluteTimeout: 1h}"
    )
    world.apply(text)
    assert "rules[0].sessionPersistence without effect" in world.parent("kept")["Accepted"].message
