"""GRPCRoutes, and HTTPRoutes beside them, against a second reading of the specification.

In: one Gateway with listeners on one port, and random routes of both kinds. The oracle below looks
for the listener of each request, then for the best match of the routes that are attached there.
"""

import json
import re
from random import Random

import pytest

from fairlead.ir.match import PathExact, PathRegex
from translate.hosts import covers, meets, width
from translate.world import World

HOSTS = ("*.com", "*.a.com", "*.b.a.com", "x.a.com", "x.b.a.com", "a.com")
ASKED = ("x.a.com", "x.b.a.com", "a.com", "q.com", "c.b.a.com", "z.org")
SERVICES = ("p.A", "p.AB", "p.B")
METHODS = ("Get", "GetAll", "Put")
EXPRESSIONS = {"service": ("^p\\..*$", "p.A|p.B"), "method": ("Get.*", "Get|Put")}


def sample(random, values, most):
    return random.sample(values, random.randint(0, most))


def method_match(random):
    kind = random.choice(["Exact", "Exact", "RegularExpression"])
    exact = {"service": SERVICES, "method": METHODS}
    values = exact if kind == "Exact" else EXPRESSIONS
    parts = random.choice([["service"], ["method"], ["service", "method"]])
    return {"type": kind, **{part: random.choice(values[part]) for part in parts}}


def header_matches(random):
    exact = ({"value": "1"}, {"value": "2"}, {"type": "RegularExpression", "value": "[12]"})
    return [{"name": name, **random.choice(exact)} for name in sample(random, ("h", "I", "i"), 2)]


def rules(random, kind):
    def match():
        found = {"headers": header_matches(random)} if random.random() < 0.4 else {}
        if kind == "GRPCRoute" and random.random() < 0.8:
            found["method"] = method_match(random)
        return found

    return [{"matches": [match() for _ in range(random.randint(0, 3))]} for _ in range(2)]


def route(random, index):
    kind = random.choice(["GRPCRoute", "GRPCRoute", "HTTPRoute"])
    section = random.choice([{}, {}, {"sectionName": "l0"}])
    return {
        "kind": kind,
        "metadata": {
            "name": f"r{index}",
            "namespace": random.choice(["default", "a", "a-b"]),
            "creationTimestamp": f"2025-01-0{random.randint(1, 2)}T00:00:00Z",
        },
        "spec": {
            "parentRefs": [{"name": "gate", "namespace": "default", **section}],
            "hostnames": sample(random, HOSTS, 2),
            "rules": rules(random, kind),
        },
    }


def gateway(random):
    hosts = random.sample([*HOSTS, None, None], 3)
    listeners = [
        {
            "name": f"l{index}",
            "port": 80,
            "protocol": "HTTP",
            "allowedRoutes": {"namespaces": {"from": "All"}},
            **({"hostname": host} if host else {}),
        }
        for index, host in enumerate(dict.fromkeys(hosts))
    ]
    return {
        "kind": "Gateway",
        "metadata": {"name": "gate", "namespace": "default"},
        "spec": {"gatewayClassName": "fairlead", "listeners": listeners},
    }


def part_holds(wanted, part, value):
    pattern = wanted.get(part)
    if not pattern:
        return True
    if wanted["type"] == "Exact":
        return pattern == value
    return re.fullmatch(pattern, value) is not None


def first_of_name(headers):
    return {each["name"].lower(): each for each in reversed(headers)}


def takes(kind, wanted, request):
    is_grpc, service, method, headers = request
    if kind == "GRPCRoute" and not is_grpc:
        return False
    asked = wanted.get("method", {"type": "Exact"})
    return (
        part_holds(asked, "service", service)
        and part_holds(asked, "method", method)
        and all(
            re.fullmatch(each["value"], headers.get(name, "")) is not None
            for name, each in first_of_name(wanted.get("headers", ())).items()
        )
    )


def rank(kind, wanted):
    """Fewer is better. Exact names go before expressions, which the specification leaves open."""
    asked = wanted.get("method", {"type": "Exact"})
    regex = asked["type"] == "RegularExpression"
    parts = []
    for part in ("service", "method"):
        value = asked.get(part) or ""
        parts += [regex if value else 2, -len(value)]
    return (kind == "HTTPRoute", *parts, -len(first_of_name(wanted.get("headers", ()))))


def answer(gate, routes, host, request):
    """The name of the rule that takes a request; None for a 404."""
    found = [each for each in gate["spec"]["listeners"] if covers(each.get("hostname"), host)]
    if not found:
        return None
    owner = min(found, key=lambda each: width(each.get("hostname")))
    limit, ranked = owner.get("hostname"), []
    for each in routes:
        meta, spec, kind = each["metadata"], each["spec"], each["kind"]
        own = [
            name
            for name in spec["hostnames"] or [None]
            if covers(name, host) and meets(limit, name)
        ]
        if spec["parentRefs"][0].get("sectionName", owner["name"]) != owner["name"] or not own:
            continue
        full = f"{meta['namespace']}/{meta['name']}"
        for index, rule in enumerate(spec["rules"]):
            for place, wanted in enumerate(rule["matches"] or [{}]):
                if takes(kind, wanted, request):
                    name = f"{'grpc/' * (kind == 'GRPCRoute')}{full}/{index}/{place}"
                    order = (meta["creationTimestamp"], full, index, place)
                    ranked.append((min(map(width, own)), rank(kind, wanted), order, name))
    return min(ranked)[-1] if ranked else None


def holds(wanted, request):
    """Whether a proxy takes a request for a match of the IR."""
    is_grpc, service, method, headers = request
    path, value = f"/{service}/{method}", wanted.path.value
    if isinstance(wanted.path, PathRegex):
        found = re.fullmatch(value, path) is not None
    elif isinstance(wanted.path, PathExact):
        found = path == value
    else:
        found = path.startswith(f"{value.rstrip('/')}/")
    return (
        found
        and (is_grpc or not wanted.grpc)
        and all(
            re.fullmatch(each.value, headers.get(each.name, "")) is not None
            for each in wanted.headers
        )
    )


def served(world, host, request):
    """What proxies do: the closest virtual host, and the first of its rules that matches."""
    hosts = {name: each for (table, name), each in world.outputs.virtual_hosts.items()}
    labels = host.split(".")
    wider = ["*." + ".".join(labels[index:]) for index in range(1, len(labels))]
    name = next((each for each in (host, *wider, "*") if each in hosts), None)
    for rule in hosts[name].rules if name else ():
        if holds(rule.match, request):
            return rule.name
    return None


@pytest.mark.parametrize("seed", range(100))
def test_any_world_is_served_as_the_specification_says(seed):
    random = Random(seed)
    gate, routes = gateway(random), [route(random, index) for index in range(5)]
    world = World("\n---\n".join(map(json.dumps, (gate, *routes))))
    for _ in range(60):
        headers = {name: random.choice("123") for name in sample(random, ("h", "i"), 2)}
        service, method = random.choice(SERVICES), random.choice(METHODS)
        request = (random.random() < 0.8, service, method, headers)
        host = random.choice(ASKED)
        assert served(world, host, request) == answer(gate, routes, host, request)
