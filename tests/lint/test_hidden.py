"""What lint calls hidden no request reaches: `explain` is asked for every request there is."""

import itertools
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.analysis.explain import Request, decide
from fairlead.app.explanation import Manifests
from lint import cases
from support.tried import tell

INPUTS = 60
HOSTS = ("a.example.com", "b.example.com", "c.example.org")
PATHS = ("/", "/a", "/a/b", "/ab", "/c")
REQUESTS = [
    Request(method, "http", host, 80, path, headers, gateway="default/edge")
    for host, path, method, headers in itertools.product(
        HOSTS, PATHS, ("GET", "POST"), ((), (("x", "1"),), (("y", "2"),), (("x", "1"), ("y", "2")))
    )
]
HIDDEN = {"GW160", "GW161", "GW162"}

paths = st.sampled_from(
    [
        {"type": "PathPrefix", "value": "/"},
        {"type": "PathPrefix", "value": "/a"},
        {"type": "PathPrefix", "value": "/a/b"},
        {"type": "Exact", "value": "/a"},
        {"type": "RegularExpression", "value": "/a.*"},
    ]
)
headers = st.lists(
    st.sampled_from([{"name": "x", "value": "1"}, {"name": "Y", "value": "2"}]),
    max_size=2,
    unique_by=lambda each: each["name"],
)
matches = st.fixed_dictionaries(
    {"path": paths, "headers": headers}, optional={"method": st.just("GET")}
)
rules = st.fixed_dictionaries(
    {
        "matches": st.lists(matches, min_size=1, max_size=3),
        "backendRefs": st.just([{"name": "app", "port": 80}]),
    }
)
specs = st.fixed_dictionaries(
    {
        "parentRefs": st.just([{"name": "edge"}]),
        "rules": st.lists(rules, min_size=1, max_size=3),
        "hostnames": st.sampled_from([[], ["a.example.com"], ["*.example.com"], [*HOSTS[:2]]]),
    }
)
listeners = st.sampled_from([{}, {"hostname": "*.example.com"}, {"hostname": "a.example.com"}])


def manifest(listener, routes):
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "edge"},
        "spec": {
            "gatewayClassName": "fairlead",
            "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"} | listener],
        },
    }
    objects = [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": f"r{number}"},
            "spec": spec,
        }
        for number, spec in enumerate(routes)
    ]
    return "\n---\n".join(json.dumps(each) for each in (gateway, *objects))


def hidden(problems, routes):
    """(route, rule, match) of all that lint says no request reaches."""
    for problem in problems:
        if problem.code == "GW160":
            spec = routes[int(problem.name[1:])]
            for rule, each in enumerate(spec["rules"]):
                yield from ((problem.name, rule, match) for match in range(len(each["matches"])))
        elif problem.code == "GW162":
            place = re.fullmatch(r"spec\.rules\[(\d+)\]\.matches\[(\d+)\]", problem.field)
            yield problem.name, int(place[1]), int(place[2])


def reached(file):
    facts = Manifests.read([str(file)]).facts
    for request in REQUESTS:
        rule = decide(facts, request).rule
        if rule is not None:
            _, name, index, match = rule.name.split("/")
            yield name, int(index), int(match)


def test_what_is_hidden_is_never_reached(tmp_path):
    counts = {"hidden": 0, "reached": 0}
    file = tmp_path / "m.yaml"

    @settings(max_examples=INPUTS, deadline=None)
    @given(listeners, st.lists(specs, min_size=1, max_size=3))
    def check(listener, routes):
        file.write_text(manifest(listener, routes))
        problems = [each for each in cases.found_in(file) if each.code in HIDDEN]
        told, found = set(hidden(problems, routes)), set(reached(file))
        assert not told & found
        counts["hidden"] += len(told)
        counts["reached"] += len(found)

    check()
    tell("configurations for lint and explain", INPUTS, **counts)
    assert min(counts.values()) > INPUTS / 2
