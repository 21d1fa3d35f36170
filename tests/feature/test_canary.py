"""The canary walk-through of examples/canary, as its manifests are: what each step promises."""

from pathlib import Path

import pytest

from feature.harness import parent_conditions
from feature.scene import (
    Caller,
    client,
    conditions,
    find,
    load,
    namespace,
    problems,
    rewrite,
    running,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "canary"
NS = "istio-test"
ROUTE_FILE = "4-httproute.yaml"
ROUTE = (EXAMPLE / ROUTE_FILE).read_text()
V1, V2 = "hello from backend v1", "hello from backend v2"
TENTH = range(58, 143)
"""Of 1,000 requests those for v2 at weight 10 of 100 (4.4 sigma)."""
TWO_OF_FIVE = range(250, 551)
"""Of 1,000 requests those for v2 if two pods of five are v2: wider than chance alone would have it,
since a pod that this machine is slow to run has more requests under way and gets fewer."""
OTHERS = (
    namespace("elsewhere")
    + client(namespace="elsewhere")
    + namespace("outside", "istio-injection: disabled")
    + client(namespace="outside")
)


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    files = {path.name: path.read_text() for path in sorted(EXAMPLE.glob("*.yaml"))}
    with running(tmp_path_factory, {**files, "others.yaml": OTHERS}) as run:
        yield run


@pytest.fixture(scope="module")
def caller(canary):
    return Caller(canary, namespace=NS)


@pytest.fixture
def edit(canary):
    """Changes the route; it is as in the example again afterwards."""

    def change(*replacements):
        text = ROUTE
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        rewrite(canary, ROUTE_FILE, text, "httproutes", "backend-split", NS)

    yield change
    if (canary.manifests / ROUTE_FILE).exists() and (
        canary.manifests / ROUTE_FILE
    ).read_text() == ROUTE:
        return
    rewrite(canary, ROUTE_FILE, ROUTE, "httproutes", "backend-split", NS)


def route(run):
    return run.one("httproutes", "backend-split", NS)


@pytest.mark.parametrize("host", ["backend", f"backend.{NS}", f"backend.{NS}.svc.cluster.local"])
def test_requests_by_any_name_are_split_by_weight(caller, host):
    seen = caller.many(f"http://{host}/", 1000)
    assert set(seen) == {V1, V2}
    assert seen[V2] in TENTH


def test_the_virtual_address_is_split_too(canary, caller):
    address = canary.one("services", "backend", NS)["spec"]["clusterIP"]
    assert caller.many(f"http://{address}/", 1000)[V2] in TENTH


def test_a_producer_route_acts_for_clients_of_other_namespaces(canary):
    elsewhere = Caller(canary, namespace="elsewhere")
    assert elsewhere.many(f"http://backend.{NS}/", 1000)[V2] in TENTH
    assert elsewhere.get("http://backend/").status in {502, 503}


def test_a_client_that_opted_out_gets_the_service_without_its_route(canary):
    outside = Caller(canary, namespace="outside")
    assert outside.many(f"http://backend.{NS}/", 1000)[V2] in TWO_OF_FIVE


def test_a_version_called_by_its_own_name_is_that_version(caller):
    assert caller.many("http://backend-v1/", 100) == {V1: 100}
    assert caller.many("http://backend-v2/", 100) == {V2: 100}


def test_the_loop_of_the_document_runs_in_the_client(canary):
    loop = "for i in $(seq 1 20); do curl -s http://backend; done"
    done = canary.exec("client", "sh", "-c", loop, namespace=NS)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(lines) == 20
    assert set(lines) <= {V1, V2}
    assert lines.count(V2) <= 9


def test_status_echoes_the_parent_as_written(canary):
    item = route(canary)
    (parent,) = item["status"]["parents"]
    assert parent["parentRef"] == {"group": "", "kind": "Service", "name": "backend", "port": 80}
    assert parent_conditions(item)["Accepted"] == ("True", "Accepted")
    assert parent_conditions(item)["ResolvedRefs"] == ("True", "ResolvedRefs")
    generation = item["metadata"]["generation"]
    assert {c["observedGeneration"] for c in parent["conditions"]} == {generation}


def test_the_example_has_no_problems(canary):
    assert problems(canary) == []


@pytest.mark.parametrize(("v1", "v2", "answer"), [(100, 0, V1), (0, 100, V2)])
def test_weight_zero_gets_nothing(caller, edit, v1, v2, answer):
    edit(("weight: 90}", f"weight: {v1}}}"), ("weight: 10}", f"weight: {v2}}}"))
    assert caller.many("http://backend/", 500) == {answer: 500}


def test_a_switch_under_load_fails_no_request_and_is_over_soon(canary, caller, edit):
    edit(("weight: 10}", "weight: 0}"))
    with load(caller.address, "http://backend/", rate=300) as tally:
        canary.until("some answers", lambda: tally.total > 100)
        assert not tally.bodies[f"{V2}\n".encode()]
        edit(("weight: 90}", "weight: 0}"))
        # An answer under way may still be one of before.
        canary.until("answers under way", lambda sent=tally.total: tally.total > sent + 8)
        old = tally.bodies[f"{V1}\n".encode()]
        canary.until("some more answers", lambda sent=tally.total: tally.total > sent + 100)
        assert tally.bodies[f"{V1}\n".encode()] == old
    assert (tally.failed, dict(tally.statuses)) == (0, {200: tally.total})


def test_a_backend_that_is_not_there_answers_500_for_its_share(canary, caller, edit):
    edit(("name: backend-v2", "name: backend-v3"))
    seen = caller.many("http://backend/", 1000)
    assert set(seen) == {V1, 500}
    assert seen[500] in TENTH
    assert parent_conditions(route(canary))["Accepted"] == ("True", "Accepted")
    assert parent_conditions(route(canary))["ResolvedRefs"] == ("False", "BackendNotFound")
    text = canary.describe("service", "backend", NS)
    assert "10% backend-v3:80: answered 500, there is no Service backend-v3" in text


def test_a_parent_port_that_is_not_there_is_no_parent(canary, caller, edit):
    edit(('kind: Service, group: "", port: 80', 'kind: Service, group: "", port: 8080'))
    assert parent_conditions(route(canary))["Accepted"] == ("False", "NoMatchingParent")
    assert caller.many("http://backend/", 1000)[V2] in TWO_OF_FIVE


def test_a_request_that_no_rule_matches_is_404_and_not_the_root_service(caller, edit):
    edit(("  - backendRefs:", "  - matches: [{path: {value: /v1}}]\n    backendRefs:"))
    assert caller.many("http://backend/v1/x", 50).keys() <= {V1, V2}
    assert caller.many("http://backend/other", 50) == {404: 50}


def test_without_the_route_the_root_service_balances_over_all_pods(canary, caller, edit):
    edit(("weight: 10", "weight: 11"))
    canary.remove(ROUTE_FILE)
    canary.until("gone", lambda: find(canary, "httproutes", "backend-split", NS) is None)
    canary.until_ready()
    assert caller.many("http://backend/", 1000)[V2] in TWO_OF_FIVE


def test_one_route_gives_the_same_answers_from_a_gateway(canary, caller, edit):
    canary.write(
        "gateway.yaml",
        f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: entrance, namespace: {NS}}}
spec:
  gatewayClassName: fairlead
  listeners: [{{name: http, protocol: HTTP, port: 80}}]
""",
    )
    edit(
        ("parentRefs: [", "parentRefs: [{name: entrance}, "),
        ("  - backendRefs:", "  - matches: [{path: {type: Exact, value: /x}}]\n    backendRefs:"),
        ("weight: 90", "weight: 0"),
    )
    item = route(canary)
    assert [parent_conditions(item, n)["Accepted"][0] for n in (0, 1)] == ["True", "True"]
    base = canary.url("entrance", NS)
    for path, status in (("/x", 200), ("/", 404), ("/x/", 404)):
        outside, inside = canary.request(path, base=base), caller.get(f"http://backend{path}")
        assert (outside.status, inside.status) == (status, status)
        assert outside.body == inside.body
    canary.remove("gateway.yaml")
    canary.until("gone", lambda: find(canary, "gateways", "entrance", NS) is None)


def test_the_described_version_has_the_lines_that_people_know(canary):
    lines = canary.describe("service", "backend-v1", NS).splitlines()
    known = [
        "Service: backend-v1",
        "   Port: http 80/HTTP targets pod port 5678",
        'DestinationRule: backend-v1-settings for "backend-v1.istio-test.svc.cluster.local"',
        "   Traffic Policy TLS Mode: ISTIO_MUTUAL",
        "   Policies: load balancer",
        "Skipping Gateway information (no ingress gateway pods)",
        "HTTPRoute: backend-split sends 90% of backend:80 here (Accepted, 1/1 proxies)",
        "Endpoints: 3 of 3 ready",
    ]
    assert [line for line in lines if line in known] == known


def test_istio_mutual_is_accepted_and_said_not_to_be_enforced(canary):
    told = conditions(canary.one("destinationrules", "backend-v1-settings", NS))
    assert told["Accepted"][:2] == ("True", "Accepted")
    assert "not enforced between local processes" in told["NotApplied"][2]
