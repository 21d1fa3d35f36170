"""Bad objects among good ones: what they are told, and that nobody else notices."""

import http.client
import json
import os
import time
from pathlib import Path

import pytest

from feature.bad_input.cases import (
    CALLS,
    FIXED,
    FOLDER,
    ROUTES,
    SERVICES,
    SETS,
    cases,
    good,
    helpers,
)
from feature.grpc_echo import GrpcClient, GrpcEcho
from feature.harness import Instance
from feature.route_scene import send

CASES = {case.title: case for case in cases()}
TOLD = FOLDER / "told.txt"
PATIENCE = 20.0
"""Seconds from the fix of a rule until it serves."""


@pytest.fixture(scope="module")
def calls():
    with GrpcEcho("calls") as running:
        yield running


@pytest.fixture(scope="module")
def run(echo, calls, tmp_path_factory):
    port = echo.port("good")
    files = {**good(port, calls.port), **helpers(port)}
    files |= {case.file: case.text for case in CASES.values()}
    instance = Instance(tmp_path_factory.mktemp("bad"), {})
    for name, text in files.items():
        instance.write(name, text)
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()


def gateway_place(run):
    status = run.one("gateways", "gateway")["status"]
    return status["addresses"][0]["value"], 80 + run.offset


def statuses(place, hosts):
    """The status of a GET for each host, over one connection."""
    connection = http.client.HTTPConnection(*place, timeout=20)
    found = {}
    for host in hosts:
        connection.putrequest("GET", "/", skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        found[host] = answer.status
    connection.close()
    return found


def test_the_good_ones_answer(run):
    place = gateway_place(run)
    hosts = [f"h{number}.good.example" for number in range(ROUTES)]
    hosts += [f"set{number}.good.example" for number in range(SETS)]
    assert set(statuses(place, hosts).values()) == {200}
    for number in range(CALLS):
        client = GrpcClient(place, f"g{number}.good.example")
        assert client.call("/a.B/C").backend == "calls"
        client.close()
    outbound = run.outbound("client")
    for number in range(SERVICES):
        assert send(outbound, f"http://s{number}/", f"s{number}").status == 200
    asked = len(hosts) + CALLS + SERVICES
    files = good(0, 0).values()
    objects = sum(text.count("apiVersion") for text in files)
    assert objects >= 500
    assert len(CASES) >= 60
    print(f"{objects} good objects beside {len(CASES)} bad ones: {asked} requests, all answered")  # noqa: T201


def refused(run):
    """Everything that any Envoy of the instance has refused, as Envoy counts it."""
    answers = run.envoys("/stats?format=json&filter=update_rejected")
    return {
        (proxy, stat["name"]): stat["value"]
        for proxy, answer in answers.items()
        for stat in json.loads(answer)["stats"]
        if stat.get("value")
    }


def test_the_proxies_refuse_nothing(run):
    assert refused(run) == {}
    states = {proxy["metadata"]["name"]: proxy["status"]["state"] for proxy in run.get("proxies")}
    assert set(states.values()) == {"SYNCED"}, states


def conditions(value, path=""):
    """Every condition below a status, with where it stands."""
    if isinstance(value, dict):
        if {"type", "status", "reason"} <= value.keys():
            yield path, value
            return
        name = value.get("name", "")
        for inner in value.values():
            yield from conditions(inner, f"{path} {name}".strip() if name else path)
    elif isinstance(value, list):
        for inner in value:
            yield from conditions(inner, path)


def told(run):
    """What is told about each case: problems by file, else conditions that are not as wished."""
    found = {title: [] for title in CASES}
    for item in run.get("problems"):
        problem = item["problem"]
        title = Path(problem["file"]).stem
        if title in found and problem["severity"] == "error":
            field, message, remedy = (
                problem.get(key, "") for key in ("field", "message", "remedy")
            )
            said = f"{problem['code']} {field}: {message}; {remedy}"
            found[title].append(said.removesuffix("; "))
    for kind in KINDS:
        for item in run.get(kind):
            title = item["metadata"]["name"]
            for place, each in conditions(item.get("status", {})):
                if title in found and each["status"] != WISHED.get(each["type"], "True"):
                    state = f"{each['type']}={each['status']} {each['reason']}"
                    found[title].append(f"{place} {state}: {each['message']}".strip())
    return found


KINDS = (
    "gatewayclasses", "gateways", "listenersets", "httproutes", "grpcroutes", "tlsroutes",
    "tcproutes", "udproutes", "backendtlspolicies", "xbackends", "xbackendtrafficpolicies",
    "xtelemetrypolicies", "localratelimits", "faultinjections", "destinationrules", "deployments",
    "pods", "services",
)  # fmt: skip
WISHED = {"PartiallyInvalid": "False", "Conflicted": "False", "NotApplied": "False"}


def test_each_bad_one_is_told_where_and_what_to_do(run):
    """Compare with what was read and found good; REFRESH_GOLDEN=1 rewrites it."""
    found = told(run)
    assert not [title for title, lines in found.items() if not lines]
    text = "".join(
        f"### {title}\n" + "".join(f"{line}\n" for line in dict.fromkeys(lines))
        for title, lines in found.items()
    )
    if os.environ.get("REFRESH_GOLDEN"):
        TOLD.write_text(text)
    assert text == TOLD.read_text()


def test_a_bad_rule_answers_500_and_serves_at_once_when_it_is_fixed(run):
    place = gateway_place(run)
    routes = [case for case in CASES.values() if case.head]
    let_in = {item["metadata"]["name"] for item in run.get("httproutes")}
    slowest = 0.0
    for case in routes:
        expected = NOT_LET_IN if case.title not in let_in else UNHARMED.get(case.title, 500)
        assert send(place, "/bad", case.host).status == expected, case.title
        good_one = 200 if case.title in let_in else NOT_LET_IN
        assert send(place, "/good", case.host).status == good_one, case.title
        begin = time.monotonic()
        run.write(case.file, case.head + FIXED)
        while send(place, "/bad", case.host).status != 200:
            assert time.monotonic() - begin < PATIENCE, case.title
            time.sleep(0.01)
        slowest = max(slowest, time.monotonic() - begin)
    print(f"{len(routes)} rules were fixed; the slowest served after {slowest:.2f} s")  # noqa: T201
    assert refused(run) == {}


NOT_LET_IN = 404
UNHARMED = {"mirror-to-nobody": 200}
"""A copy that nobody takes is no reason to refuse the request."""
