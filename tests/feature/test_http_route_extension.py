"""ExtensionRef: rate limits, faults with an end, and references that lead nowhere."""

import http.client
import math
import time
from datetime import UTC, datetime, timedelta
from textwrap import dedent

import pytest

from feature.route_scene import Manifest, both, extension, sides

FILTERS = Manifest("""\
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {name: few}
spec: {requests: 1, per: 30s, burst: 3}
---
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {name: few-moved}
spec: {requests: 1, per: 1h}
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: some}
spec: {abort: {status: 503, percent: 30}, until: "2099-01-31T12:00:00Z"}
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: slow}
spec: {delay: {duration: 300ms}, until: "2099-01-31T12:00:00Z"}
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: past}
spec: {abort: {status: 503}, until: "2020-01-31T12:00:00Z"}
""")


RULES = both(
    "extension",
    f"""
    - matches: [{{path: {{value: /few}}}}]
      filters: [{extension("LocalRateLimit", "few")}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /moved}}}}]
      filters:
      - {extension("LocalRateLimit", "few-moved")}
      - {{type: RequestRedirect, requestRedirect: {{hostname: b.example, port: 8080}}}}
    - matches: [{{path: {{value: /some}}}}]
      filters: [{extension("FaultInjection", "some")}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /slow}}}}]
      filters: [{extension("FaultInjection", "slow")}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /past}}}}]
      filters: [{extension("FaultInjection", "past")}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /ending}}}}]
      filters: [{extension("FaultInjection", "ending")}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /moved-slowly}}}}]
      filters:
      - {extension("FaultInjection", "slow")}
      - {{type: RequestRedirect, requestRedirect: {{hostname: b.example, port: 8080}}}}
    - matches: [{{path: {{value: /backend}}}}]
      backendRefs:
      - {{name: v1, port: 80, filters: [{extension("FaultInjection", "slow")}]}}
    - matches: [{{path: {{value: /dangling}}}}]
      filters: [{extension("LocalRateLimit", "nobody")}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /unknown}}}}]
      filters: [{{type: ExtensionRef, extensionRef: {{group: a.example, kind: Tax, name: vat}}}}]
      backendRefs: [{{name: v1, port: 80}}]
    - matches: [{{path: {{value: /open}}}}]
      backendRefs: [{{name: v1, port: 80}}]
    """,
)


@sides
def test_requests_beyond_a_limit_are_turned_away(scene, side):
    answers = [scene.ask(side, RULES, "/few") for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.backend for answer in answers][:3] == ["v1"] * 3
    assert [answer.values("x-ratelimit-limit") for answer in answers] == [["3"]] * 5
    remaining = [int(answer.values("x-ratelimit-remaining")[0]) for answer in answers]
    assert remaining == [2, 1, 0, 0, 0]
    assert [answer.values("retry-after") for answer in answers] == [[]] * 3 + [["30"]] * 2
    assert scene.ask(side, RULES, "/open").status == 200


@sides
def test_redirects_are_limited(scene, side):
    answers = [scene.ask(side, RULES, "/moved").status for _ in range(3)]
    assert answers == [302, 429, 429]


@sides
def test_some_requests_are_aborted(scene, side):
    place = scene.gateway_place() if side == "gateway" else scene.pod_place()
    path, host = ("/some", RULES.host) if side == "gateway" else (f"http://{RULES.name}/some", "")
    connection = http.client.HTTPConnection(*place, timeout=20)
    aborted = 0
    for _ in range(400):
        connection.request("GET", path, headers={"Host": host or RULES.name})
        response = connection.getresponse()
        response.read()
        aborted += response.status == 503
    connection.close()
    assert abs(aborted - 120) < 4 * math.sqrt(400 * 0.3 * 0.7)


@sides
@pytest.mark.parametrize(
    ("path", "status"), [("/slow", 200), ("/backend", 200), ("/moved-slowly", 302)]
)
def test_requests_are_delayed(scene, side, path, status):
    start = time.monotonic()
    assert scene.ask(side, RULES, path).status == status
    assert time.monotonic() - start >= 0.29, "proxies count whole milliseconds"


@sides
@pytest.mark.parametrize("path", ["/dangling", "/unknown"])
def test_a_filter_that_is_not_there_breaks_only_its_rule(scene, side, path):
    assert scene.ask(side, RULES, path).status == 500
    assert scene.ask(side, RULES, "/open").backend == "v1"


def test_a_filter_that_is_not_there_is_reported(scene):
    for index, parent in enumerate(scene.route(RULES)["status"]["parents"]):
        assert scene.parent(RULES, index)["Accepted"] == ("True", "Accepted")
        assert scene.parent(RULES, index)["ResolvedRefs"] == ("False", "BackendNotFound")
        [told] = [
            each["message"] for each in parent["conditions"] if each["type"] == "ResolvedRefs"
        ]
        assert "spec.rules[8].filters[0].extensionRef.name: LocalRateLimit default/nobody" in told
        assert "Tax (group 'a.example')" in told


@sides
def test_a_fault_that_has_ended_does_nothing(scene, side):
    assert scene.ask(side, RULES, "/past").backend == "v1"


def conditions(scene, kind, name):
    found = scene.run.one(kind, name, "default")
    return {each["type"]: each for each in found["status"]["conditions"]}


def test_owners_of_filters_are_told(scene):
    limit = conditions(scene, "localratelimits", "few")
    assert limit["Accepted"]["status"] == "True"
    assert limit["Accepted"]["message"] == "used by 1 route"
    past = conditions(scene, "faultinjections", "past")["Active"]
    assert (past["status"], past["reason"]) == ("False", "Expired")


def test_a_fault_ends_by_itself(scene):
    """Its object comes only now: until then, the rule answers 500."""

    def until(end):
        text = f"""\
            apiVersion: fairlead.dev/v1alpha1
            kind: FaultInjection
            metadata: {{name: ending}}
            spec: {{abort: {{status: 418}}, until: "{end.isoformat()}"}}
            """
        scene.run.write("ending.yaml", dedent(text))

    def statuses():
        return {scene.ask(side, RULES, "/ending").status for side in ("gateway", "mesh")}

    assert statuses() == {500}
    until(datetime.now(UTC) + timedelta(hours=1))
    scene.run.until("the fault", lambda: statuses() == {418})
    assert conditions(scene, "faultinjections", "ending")["Active"]["status"] == "True"
    end = datetime.now(UTC) + timedelta(seconds=1.5)
    until(end)
    scene.run.until("its end", lambda: statuses() == {200})
    assert datetime.now(UTC) >= end
    told = conditions(scene, "faultinjections", "ending")["Active"]
    assert (told["status"], told["reason"]) == ("False", "Expired")
