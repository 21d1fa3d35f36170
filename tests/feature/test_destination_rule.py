"""DestinationRule: the policies that are applied, seen in traffic, and those that are reported."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from feature.scene import (
    Caller,
    Server,
    client,
    conditions,
    deployment,
    endpoint_slice,
    problems,
    rewrite,
    running,
    service,
)

POD_NAME = "$(POD_NAME)"


def rule(name, policy, host=None, more=""):
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}}}
spec:
  host: {host or name}
  trafficPolicy: {policy}
{more}
---
"""


HASHED = "{loadBalancer: {consistentHash: {httpHeaderName: x-user}}}"
OUTLIER = (
    "{loadBalancer: {simple: ROUND_ROBIN}, outlierDetection: {consecutive5xxErrors: 2, "
    "interval: 200ms, baseEjectionTime: 500ms, maxEjectionPercent: 100}}"
)
POOL = "{connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}}"
REPORTED = "{tls: {mode: ISTIO_MUTUAL}, loadBalancer: {simple: RANDOM, warmupDurationSecs: 10s}}"
SUBSETS = "  subsets: [{name: v1, labels: {version: v1}}]"


@pytest.fixture(scope="module")
def servers():
    with contextlib.ExitStack() as stack:
        good = stack.enter_context(Server("good"))
        # A slice has one port for all of its addresses.
        sick = stack.enter_context(Server("sick", "127.0.0.2", good.port))
        yield {"good": good, "sick": sick, "slow": stack.enter_context(Server("slow"))}


@pytest.fixture(scope="module")
def run(tmp_path_factory, servers):
    port = servers["good"].port
    files = {
        "pods.yaml": client() + deployment("three", replicas=3, text=POD_NAME),
        "services.yaml": service("robin", app="three")
        + service("hashed", app="three")
        + service("told", app="three"),
        "slices.yaml": service("outlier", app="")
        + endpoint_slice("outlier", "127.0.0.1", "127.0.0.2", port=port)
        + service("pool", app="")
        + endpoint_slice("pool", "127.0.0.1", port=servers["slow"].port),
        "robin.yaml": rule("robin", "{loadBalancer: {simple: ROUND_ROBIN}}"),
        "hashed.yaml": rule("hashed", HASHED),
        "outlier.yaml": rule("outlier", OUTLIER),
        "pool.yaml": rule("pool", POOL),
        "told.yaml": rule("told", REPORTED, more=SUBSETS),
    }
    with running(tmp_path_factory, files, "--concurrency", "1") as run:
        yield run


@pytest.fixture(scope="module")
def caller(run):
    return Caller(run)


def test_round_robin_gives_each_pod_its_turn(caller):
    seen = caller.many("http://robin/", 6000)
    assert list(seen.values()) == [2000, 2000, 2000]


def test_a_hashed_header_always_leads_to_the_same_pod(caller):
    def pods(user):
        return {caller.get("http://hashed/", {"x-user": user}).body for _ in range(5)}

    chosen = [pods(f"user-{n}") for n in range(30)]
    assert all(len(pods) == 1 for pods in chosen)
    assert len(set.union(*chosen)) == 3


def test_requests_without_the_header_are_spread(caller):
    assert len(caller.many("http://hashed/", 100)) == 3


def test_a_sick_endpoint_leaves_and_comes_back(run, caller, servers):
    assert caller.many("http://outlier/", 20) == {"good": 10, "sick": 10}
    servers["sick"].status = 500
    try:
        run.until("ejected", lambda: caller.many("http://outlier/", 20) == {"good": 20})
    finally:
        servers["sick"].status = 200
    back = {"good": 10, "sick": 10}
    run.until("back", lambda: caller.many("http://outlier/", 20) == back)


def test_what_a_connection_pool_can_not_hold_is_503(run, caller, servers):
    slow = servers["slow"]
    slow.delay = threading.Event()

    with ThreadPoolExecutor(10) as threads:
        asked = [threads.submit(caller.get, "http://pool/") for _ in range(10)]
        try:
            run.until("the others' answers", lambda: sum(each.done() for each in asked) >= 7)
        finally:
            slow.delay.set()
        statuses = [each.result().status for each in asked]
    slow.delay = None
    assert sorted(set(statuses)) == [200, 503]
    assert statuses.count(200) <= 3
    assert caller.body("http://pool/") == "slow"


def test_what_has_no_effect_is_told(run):
    told = conditions(run.one("destinationrules", "told"))
    assert told["Accepted"][:2] == ("True", "Accepted")
    message = told["NotApplied"][2]
    assert "spec.trafficPolicy.tls: mode ISTIO_MUTUAL is accepted, but not enforced" in message
    assert "spec.subsets: GW153" in message
    assert "warmupDurationSecs" in message
    assert "spec.trafficPolicy.loadBalancer.simple" not in message
    assert "FieldsNotApplied" in run.fairlead("get", "dr", "told").stdout


def test_a_field_that_does_not_exist_is_a_problem_with_its_line(run):
    wrong = rule("robin", "{loadBalancer: {simpel: ROUND_ROBIN}}")
    run.write("robin.yaml", wrong)
    try:
        found = run.until("the problem", lambda: [p for p in problems(run) if p["name"] == "robin"])
        assert found[0]["code"] == "GW010"
        assert found[0]["file"].endswith("robin.yaml")
        assert found[0]["line"] == wrong[: wrong.index("simpel")].count("\n") + 1
    finally:
        run.write("robin.yaml", rule("robin", "{loadBalancer: {simple: ROUND_ROBIN}}"))
    run.until("fixed", lambda: not problems(run))


def test_a_policy_changes_live(run, caller):
    hashed = rule("told", "{loadBalancer: {consistentHash: {httpQueryParameterName: user}}}")
    rewrite(run, "told.yaml", hashed, "destinationrules", "told")
    try:
        for user in range(10):
            assert len(caller.many(f"http://told/?user={user}", 20)) == 1
    finally:
        text = rule("told", REPORTED, more=SUBSETS)
        rewrite(run, "told.yaml", text, "destinationrules", "told")


def test_a_rule_for_nobody_is_told_so(run):
    run.write("lost.yaml", rule("lost", "{}", host="nowhere"))
    found = run.until(
        "the report",
        lambda: (
            conditions(run.get("destinationrules", "lost", "default")[0])
            if any(i["metadata"]["name"] == "lost" for i in run.get("destinationrules"))
            else None
        ),
    )
    assert found["Accepted"][:2] == ("False", "TargetNotFound")
    run.remove("lost.yaml")
