"""One route with a Gateway and a Service as parents gives the same answers from both sides.

Random routes, three to a host, and random requests from the same small vocabulary, so that many
of them meet: the seed is fixed, and a failure prints the request.
"""

from random import Random

import pytest
import yaml

from feature.route_scene import GATEWAY_PARENT, Answer, Manifest, route, service_parent

PATHS = ("/", "/a", "/a/b", "/a/b/c", "/ab", "/x/y")
EXPRESSIONS = ("/a/[bx].*", "/x(/.*)?", "/.b")
METHODS = ("GET", "POST", "DELETE")
NAMES = ("one", "two")
VALUES = ("1", "2")
REQUESTS = 300
HOSTS = 4
ROUTES_OF_A_HOST = 3
OWN_TO_A_SIDE = {
    "host",
    "date",
    "x-request-id",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-envoy-internal",
    "x-envoy-external-address",
    "x-envoy-upstream-service-time",
    "content-length",
}
"""Headers that say which way a request came; the length of a body that holds them."""


def modifier(rng: Random) -> dict:
    return {
        "set": [{"name": f"x-{rng.choice(NAMES)}", "value": f"set{rng.randrange(9)}"}],
        "add": [{"name": "x-added", "value": f"%{rng.randrange(9)}"}],
        "remove": ["x-removed"],
    }


def match(rng: Random) -> dict:
    kind = rng.choice(["Exact", "PathPrefix", "PathPrefix", "RegularExpression"])
    value = rng.choice(EXPRESSIONS if kind == "RegularExpression" else PATHS)
    made: dict = {"path": {"type": kind, "value": value}}
    if rng.random() < 0.3:
        made["method"] = rng.choice(METHODS)
    if rng.random() < 0.3:
        names = rng.sample(NAMES, rng.randint(1, 2))
        made["headers"] = [{"name": f"x-{n}", "value": rng.choice(VALUES)} for n in names]
    if rng.random() < 0.3:
        names = rng.sample(NAMES, rng.randint(1, 2))
        made["queryParams"] = [{"name": n, "value": rng.choice(VALUES)} for n in names]
    return made


def path_modifier(rng: Random, matches: list[dict]) -> dict:
    one_prefix = len(matches) == 1 and matches[0]["path"]["type"] == "PathPrefix"
    if one_prefix and rng.random() < 0.7:
        replacement = rng.choice(["/", "/new", "/new/", ""])
        return {"type": "ReplacePrefixMatch", "replacePrefixMatch": replacement}
    return {"type": "ReplaceFullPath", "replaceFullPath": "/full"}


def rule(rng: Random) -> dict:
    matches = [match(rng) for _ in range(rng.choice([1, 1, 2]))]
    filters = []
    if rng.random() < 0.4:
        filters.append({"type": "RequestHeaderModifier", "requestHeaderModifier": modifier(rng)})
    if rng.random() < 0.4:
        filters.append({"type": "ResponseHeaderModifier", "responseHeaderModifier": modifier(rng)})
    kind = rng.random()
    if kind < 0.15:
        redirect = {"statusCode": rng.choice([301, 302, 303, 307, 308])}
        if rng.random() < 0.5:
            redirect["path"] = path_modifier(rng, matches)
        if rng.random() < 0.5:
            redirect["scheme"] = rng.choice(["http", "https"])
        if rng.random() < 0.5:
            redirect["port"] = rng.choice([80, 443, 8080])
        return {
            "matches": matches,
            "filters": [*filters, {"type": "RequestRedirect", "requestRedirect": redirect}],
        }
    if kind < 0.5:
        rewrite: dict = {"path": path_modifier(rng, matches)}
        if rng.random() < 0.3:
            rewrite["hostname"] = "inner.example"
        filters.append({"type": "URLRewrite", "urlRewrite": rewrite})
    elif kind < 0.55:
        reference = {"group": "some.example", "kind": "Thing", "name": "none"}
        filters.append({"type": "ExtensionRef", "extensionRef": reference})
    backend = {"name": rng.choice(["v1", "v2", "v3", "v3", "absent"]), "port": 80}
    if rng.random() < 0.3:
        backend["filters"] = [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": modifier(rng)}
        ]
    return {"matches": matches, "filters": filters, "backendRefs": [backend]}


def routes(name: str, rng: Random) -> Manifest:
    """Some routes with the host `name`.example and the Service `name` as parents."""
    texts = [
        route(
            f"{name}-{index}",
            yaml.safe_dump([rule(rng) for _ in range(rng.randint(2, 6))]),
            parents=f"{GATEWAY_PARENT}, {service_parent(name)}",
            hostnames=f"{name}.example",
        )
        for index in range(ROUTES_OF_A_HOST)
    ]
    return Manifest("---\n".join(texts), name, roots=(("default", name),))


DUAL_0, DUAL_1, DUAL_2, DUAL_3 = (routes(f"dual-{seed}", Random(seed)) for seed in range(HOSTS))


def request(rng: Random) -> tuple[str, dict]:
    """Target and options of a request."""
    path = rng.choice([*PATHS, *PATHS, "/a/", "/a/x", "/x", "/bb", "/a/b/c/d"])
    names = rng.sample(NAMES, rng.randint(0, 2))
    query = "&".join(f"{name}={rng.choice(VALUES)}" for name in names)
    headers = [(f"x-{name}", rng.choice(VALUES)) for name in rng.sample(NAMES, rng.randint(0, 2))]
    headers.append(("x-removed", "now"))
    headers.append(("x-echo-set", "x-removed=now"))
    options = {"method": rng.choice(METHODS), "headers": tuple(headers)}
    return f"{path}?{query}" if query else path, options


def seen(answer: Answer, host: str) -> dict:
    """What must be the same from both sides."""
    location = (answer.location or "").replace(f"//{host}", "//HOST")
    found: dict = {
        "status": answer.status,
        "location": location,
        "headers": _common(answer.headers, host) - {("location", answer.location)},
    }
    if answer.said is not None:
        received = [tuple(pair) for pair in answer.said["headers"]]
        hosts = [value.replace(host, "HOST") for name, value in received if name == "host"]
        found |= {
            "backend": answer.backend,
            "target": answer.target,
            "method": answer.said["method"],
        }
        found |= {"host": hosts, "received": _common(received, host)}
    return found


def _common(headers, host: str) -> set[tuple[str, str]]:
    return {(n, v.replace(host, "HOST")) for n, v in headers if n not in OWN_TO_A_SIDE}


@pytest.mark.parametrize("target", [DUAL_0, DUAL_1, DUAL_2, DUAL_3], ids=lambda t: t.name)
def test_both_parents_give_the_same_answers(scene, target):
    rng = Random(target.name)
    outcomes = set()
    for number in range(REQUESTS):
        path, options = request(rng)
        south = seen(scene.ask("gateway", target, path, **options), target.host)
        east = seen(scene.ask("mesh", target, path, **options), target.name)
        assert south == east, f"request {number}: {options['method']} {path} {options['headers']}"
        outcomes.add((south["status"], south.get("backend")))
    statuses = {status for status, _ in outcomes}
    assert 200 in statuses
    assert len(outcomes) >= 4, outcomes


def test_both_parents_are_told_the_same(scene):
    for target in (DUAL_0, DUAL_1, DUAL_2, DUAL_3):
        for index in range(ROUTES_OF_A_HOST):
            named = Manifest("", f"{target.name}-{index}")
            assert scene.parent(named, 0) == scene.parent(named, 1)
            assert scene.parent(named, 0)
