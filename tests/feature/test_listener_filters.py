"""Filters of listeners (GEP-5224): they see every request, in order, before a rule is found."""

import pytest

from feature.authorization import ALLOWED, Authorization
from feature.harness import Instance
from feature.route_scene import (
    Manifest,
    Scene,
    at_gateway,
    documents,
    extension,
    manifests_of,
    service,
)

AUTH = "{type: ExternalAuth, externalAuth: %s}"
HTTP = "{protocol: HTTP, backendRef: {name: http-auth, port: 80}, http: {allowedHeaders: [x-n]}}"
GRPC = "{protocol: GRPC, backendRef: {name: grpc-auth, port: 80}, grpc: {}}"
MISSING = "{protocol: GRPC, backendRef: {name: nobody, port: 80}, grpc: {}}"
FOREIGN = "{protocol: GRPC, backendRef: {name: a, namespace: other, port: 80}, grpc: {}}"


def listener(name, *filters):
    return (
        f"  - {{name: {name}, port: 80, protocol: HTTP, hostname: {name}.example, "
        f"filters: {{requests: [{', '.join(filters)}]}}}}\n"
    )


LIMITED = extension("LocalRateLimit", "few")
FILTERED = Manifest(
    """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: filtered}
spec:
  gatewayClassName: fairlead
  listeners:
"""
    + listener("asked", AUTH % HTTP)
    + listener("grpc", AUTH % GRPC)
    + listener("limit-first", LIMITED, AUTH % HTTP)
    + listener("ask-first", AUTH % HTTP, LIMITED)
    + listener("faulty", extension("FaultInjection", "teapot"))
    + listener("missing", AUTH % MISSING)
    + listener("foreign", AUTH % FOREIGN)
    + listener("dangling", extension("LocalRateLimit", "nobody"))
    + listener("many", *[LIMITED] * 5)
    + """\
  - {name: plain, port: 80, protocol: HTTP, hostname: plain.example}
---
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {name: few}
spec: {requests: 1, per: 1h, burst: 2}
---
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {name: once}
spec: {requests: 1, per: 1h, burst: 1}
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: teapot}
spec: {abort: {status: 418}, until: "2099-01-31T12:00:00Z"}
"""
)
BY_USER = at_gateway(
    "by-user",
    f"""
    - matches: [{{path: {{value: /rule}}, headers: [{{name: x-user, value: bob}}]}}]
      filters: [{extension("FaultInjection", "teapot")}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /rule}}}}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /once}}, headers: [{{name: x-user, value: bob}}]}}]
      filters: [{extension("LocalRateLimit", "once")}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /user}}, headers: [{{name: x-user, value: bob}}]}}]
      backendRefs: [{{name: v2, port: 80}}]
    - matches: [{{path: {{value: /user}}}}]
      backendRefs: [{{name: v3, port: 80}}]
    """,
    parents="{name: filtered}",
)


@pytest.fixture(scope="module")
def services():
    with Authorization() as running:
        yield running


@pytest.fixture(scope="module")
def scene(request, echo, services, tmp_path_factory):
    files = manifests_of(request.module, echo)
    files["auth.yaml"] = documents(
        service("http-auth", services.http_port), service("grpc-auth", services.grpc_port)
    )
    run = Instance(tmp_path_factory.mktemp("scene"), files)
    try:
        run.start()
        run.until_pods()
        yield Scene(run, echo)
    finally:
        run.stop()


def ask(scene, name, path="/user", headers=()):
    return scene.gateway(f"{name}.example", path, name="filtered", headers=headers)


asking = pytest.mark.parametrize("name", ["asked", "grpc"])


@asking
def test_rules_match_what_the_service_has_added(scene, name):
    answer = ask(scene, name, "/user", ALLOWED)
    assert answer.backend == "v2"
    assert answer.received("x-user") == ["bob"]
    assert answer.received("host") == [f"{name}.example"], "nobody changes the host"
    assert ask(scene, "plain", "/user", ALLOWED).backend == "v3"


@asking
def test_who_is_not_allowed_gets_nowhere(scene, name):
    for path in ("/user", "/rule", "/no-such-rule"):
        answer = ask(scene, name, path)
        assert (answer.status, answer.text) == (401, "who are you?")


@asking
def test_what_no_rule_matches_is_not_found_afterwards(scene, name):
    assert ask(scene, name, "/no-such-rule", ALLOWED).status == 404
    assert ask(scene, "plain", "/no-such-rule").status == 404


@asking
def test_filters_of_the_rule_that_is_found_act(scene, name):
    """It is found only once the service has added a header; its fault must not be left out."""
    assert ask(scene, name, "/rule", ALLOWED).status == 418
    assert ask(scene, "plain", "/rule", ALLOWED).status == 200


@asking
def test_limits_of_the_rule_that_is_found_act(scene, name):
    assert [ask(scene, name, "/once", ALLOWED).status for _ in range(3)] == [200, 429, 429]
    assert [ask(scene, name, "/user", ALLOWED).status for _ in range(3)] == [200, 200, 200]


def test_filters_act_in_the_order_in_which_they_are_written(scene, services):
    services.checks.clear()
    statuses = [ask(scene, "limit-first").status for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert len(services.checks) == 2
    services.checks.clear()
    statuses = [ask(scene, "ask-first").status for _ in range(4)]
    assert statuses == [401] * 4
    assert len(services.checks) == 4
    statuses = [ask(scene, "ask-first", headers=ALLOWED).status for _ in range(3)]
    assert statuses == [200, 200, 429], "who is refused does not count"


def test_faults_of_a_listener(scene):
    assert ask(scene, "faulty").status == 418
    assert ask(scene, "faulty", "/no-such-rule").status == 418


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("missing", "InvalidListenerFilterRef", "filters.requests[0].externalAuth.backendRef"),
        ("foreign", "RefNotPermitted", "create a ReferenceGrant in other from Gateway in default"),
        ("dangling", "InvalidListenerFilterRef", "LocalRateLimit default/nobody does not exist"),
    ],
)
def test_a_filter_that_leads_nowhere_refuses_everything(scene, name, reason, said):
    assert ask(scene, name, headers=ALLOWED).status == 500
    resolved = conditions(scene, name)["ResolvedRefs"]
    assert (resolved["status"], resolved["reason"]) == ("False", reason)
    assert said in resolved["message"]


def test_more_filters_than_can_be_had_are_refused(scene):
    accepted = conditions(scene, "many")["Accepted"]
    assert (accepted["status"], accepted["reason"]) == ("False", "UnsupportedValue")
    assert "spec.listeners[8].filters.requests: 5 filters" in accepted["message"]


def conditions(scene, name):
    """The conditions of a listener, by type."""
    gateway = scene.run.one("gateways", "filtered", "default")
    [status] = [each for each in gateway["status"]["listeners"] if each["name"] == name]
    return {each["type"]: each for each in status["conditions"]}
