"""HTTPRoutes on Gateways and ListenerSets against a second reading of the specification.

In: random worlds of listeners and routes. The oracle below knows nothing of virtual hosts: it takes
one request at a time, looks for its listener, then for the best match of the routes attached there.
"""

import json
from random import Random

import pytest

from fairlead.ir.match import PathExact
from translate.hosts import covers, meets, width
from translate.world import World

NAMESPACES = ("default", "app", "app-x")
HOSTS = ("*.com", "*.a.com", "*.b.a.com", "x.a.com", "x.b.a.com", "a.com", "y.a.com")
ASKED = ("x.a.com", "x.b.a.com", "a.com", "y.a.com", "q.com", "c.b.a.com", "z.org")
PATHS = ("/", "/a", "/a/b", "/ab", "/a/b/c", "/b")
PORTS = (80, 80, 8080)


def chosen(random, share, make):
    return make() if random.random() < share else {}


def listener(random, index):
    source = random.choice(["All", "All", "Same", "Selector"])
    selector = {"matchLabels": {"team": "red"}}
    kinds = [{"kind": random.choice(["HTTPRoute", "GRPCRoute"])}]
    return {
        "name": f"l{index}",
        "port": random.choice(PORTS),
        "protocol": "HTTP",
        "allowedRoutes": {
            "namespaces": {"from": source, "selector": selector},
            **chosen(random, 0.2, lambda: {"kinds": kinds}),
        },
        **chosen(random, 0.8, lambda: {"hostname": random.choice(HOSTS)}),
    }


def listeners(random):
    made = [listener(random, index) for index in range(random.randint(1, 4))]
    return list({slot(each): each for each in made}.values())


def match(random):
    path = {
        "type": random.choice(["Exact", "PathPrefix"]),
        "value": random.choice(["/", "/a", "/a/b"]),
    }
    names = random.sample(["h", "i"], random.randint(1, 2))
    return {
        **chosen(random, 0.8, lambda: {"path": path}),
        **chosen(random, 0.3, lambda: {"headers": pairs(random, names)}),
        **chosen(random, 0.25, lambda: {"method": random.choice(["GET", "POST"])}),
        **chosen(random, 0.2, lambda: {"queryParams": pairs(random, ["q"])}),
    }


def pairs(random, names):
    return [{"name": name, "value": random.choice("12")} for name in names]


def reference(random, parent):
    where = [{}, {"sectionName": random.choice(["l0", "l1"])}, {"port": random.choice(PORTS)}]
    named = {key: parent["metadata"][key] for key in ("namespace", "name")}
    return {"kind": parent["kind"], **named, **random.choice(where)}


def metadata(random, name, **more):
    return {"name": name, "creationTimestamp": f"2025-01-0{random.randint(1, 2)}T00:00:00Z", **more}


class Scene:
    """A Gateway, ListenerSets and routes; what the specification makes of them."""

    def __init__(self, random):
        self.labels = {each: random.choice([{}, {"team": "red"}]) for each in NAMESPACES}
        allowed = {"namespaces": {"from": random.choice(["All", "All", "Same", "None"])}}
        spec = {"gatewayClassName": "fairlead", "allowedListeners": allowed}
        gate = {
            "kind": "Gateway",
            "metadata": {"name": "gate", "namespace": "default"},
            "spec": {**spec, "listeners": listeners(random)},
        }
        up = {"name": "gate", "namespace": "default"}
        sets = [
            {
                "kind": "ListenerSet",
                "metadata": metadata(random, f"s{index}", namespace=random.choice(NAMESPACES)),
                "spec": {"parentRef": up, "listeners": listeners(random)},
            }
            for index in range(random.randint(0, 2))
        ]
        self.parents = [gate, *sets]
        self.routes = [self.route(random, f"r{index}") for index in range(random.randint(1, 5))]
        self.served = list(self.claims(allowed["namespaces"]["from"]))

    def route(self, random, name):
        refs = [reference(random, each) for each in self.parents if random.random() < 0.7]
        rules = [
            {"matches": [match(random) for _ in range(random.randint(1, 2))]}
            for _ in range(random.randint(1, 2))
        ]
        hosts = random.sample(HOSTS, random.randint(0, 3))
        return {
            "kind": "HTTPRoute",
            "metadata": metadata(random, name, namespace=random.choice(NAMESPACES)),
            "spec": {"parentRefs": refs, "hostnames": hosts, "rules": rules},
        }

    def world(self):
        spaces = [
            {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}
            for name, labels in self.labels.items()
        ]
        return World("\n---\n".join(map(json.dumps, (*spaces, *self.parents, *self.routes))))

    def claims(self, allowed):
        """The (object, listener)s that are served: the Gateway's, then the older sets', by name."""
        taken = set()
        for parent in sorted(self.parents, key=lambda each: (each["kind"], *age(each))):
            theirs = parent["kind"] == "ListenerSet"
            if theirs and not (allowed == "All" or (allowed, space(parent)) == ("Same", "default")):
                continue
            for each in parent["spec"]["listeners"]:
                if slot(each) not in taken:
                    taken.add(slot(each))
                    yield parent, each

    def attached(self, parent, listener):
        """The routes that a listener takes, be it served or not."""
        source = listener["allowedRoutes"]["namespaces"]["from"]
        kinds = listener["allowedRoutes"].get("kinds", [{"kind": "HTTPRoute"}])
        for route in self.routes:
            takes = {
                "All": True,
                "Same": space(route) == space(parent),
                "Selector": bool(self.labels[space(route)]),
            }[source]
            named = any(names(ref, parent, listener) for ref in route["spec"]["parentRefs"])
            shared = any(meets(listener.get("hostname"), host) for host in hosts_of(route))
            if takes and named and shared and {"kind": "HTTPRoute"} in kinds:
                yield route

    def answer(self, port, host, request):
        """The name of the rule that takes a request, None for a 404."""
        found = [
            (parent, each)
            for parent, each in self.served
            if each["port"] == port and covers(each.get("hostname"), host)
        ]
        if not found:
            return None
        parent, owner = min(found, key=lambda item: width(item[1].get("hostname")))
        ranked = []
        for route in self.attached(parent, owner):
            own = [
                each
                for each in hosts_of(route)
                if covers(each, host) and meets(owner.get("hostname"), each)
            ]
            for index, rule in enumerate(route["spec"]["rules"] if own else ()):
                for place, wanted in enumerate(rule["matches"]):
                    if takes(wanted, request):
                        name = f"{space(route)}/{route['metadata']['name']}/{index}/{place}"
                        rank = (min(map(width, own)), rank_of(wanted), age(route), index, place)
                        ranked.append((rank, name))
        return min(ranked)[1] if ranked else None


def slot(listener):
    return listener["port"], listener.get("hostname")


def space(obj):
    return obj["metadata"]["namespace"]


def age(obj):
    created = obj["metadata"].get("creationTimestamp", "")
    return created, f"{space(obj)}/{obj['metadata']['name']}"


def hosts_of(route):
    return route["spec"]["hostnames"] or [None]


def names(ref, parent, listener):
    named = (ref["kind"], ref["namespace"], ref["name"])
    return (
        named == (parent["kind"], space(parent), parent["metadata"]["name"])
        and ref.get("sectionName", listener["name"]) == listener["name"]
        and ref.get("port", listener["port"]) == listener["port"]
    )


def path_of(wanted):
    return wanted.get("path", {"type": "PathPrefix", "value": "/"})


def takes(wanted, request):
    path, method, headers, query = request
    value = path_of(wanted)["value"]
    exact = path_of(wanted)["type"] == "Exact"
    below = path == value or path.startswith(f"{value.rstrip('/')}/")
    return (
        (path == value if exact else below)
        and wanted.get("method", method) == method
        and all(headers.get(each["name"]) == each["value"] for each in wanted.get("headers", ()))
        and all(query.get(each["name"]) == each["value"] for each in wanted.get("queryParams", ()))
    )


def rank_of(wanted):
    path = path_of(wanted)
    counts = (-len(wanted.get("headers", ())), -len(wanted.get("queryParams", ())))
    return path["type"] != "Exact", -len(path["value"]), "method" not in wanted, *counts


def served(world, port, host, request):
    """What proxies do: the closest virtual host, and the first of its rules that matches."""
    path, method, headers, query = request
    hosts = {
        key[1]: each
        for key, each in world.outputs.virtual_hosts.items()
        if key[0] == f"gateway/default/gate/http-{port}"
    }
    labels = host.split(".")
    wider = ["*." + ".".join(labels[index:]) for index in range(1, len(labels))]
    name = next((each for each in (host, *wider, "*") if each in hosts), None)
    for rule in hosts[name].rules if name else ():
        value, wanted = rule.match.path.value, rule.match
        below = path == value or path.startswith(f"{value.rstrip('/')}/")
        if (
            (path == value if isinstance(wanted.path, PathExact) else below)
            and wanted.method in (None, method)
            and all(headers.get(each.name) == each.value for each in wanted.headers)
            and all(query.get(each.name) == each.value for each in wanted.query)
        ):
            return rule.name
    return None


@pytest.mark.parametrize("seed", range(100))
def test_any_world_is_served_as_the_specification_says(seed):
    random = Random(seed)
    scene = Scene(random)
    world = scene.world()
    for parent in scene.parents:
        report = world.report(parent["kind"], parent["metadata"]["name"], space(parent))
        assert [each.attached_routes for each in report.listeners] == [
            len(list(scene.attached(parent, each))) for each in parent["spec"]["listeners"]
        ]
    for _ in range(100):
        headers = {name: random.choice("12") for name in random.sample("hi", random.randint(0, 2))}
        query = random.choice([{}, {"q": "1"}, {"q": "2"}])
        request = (random.choice(PATHS), random.choice(["GET", "POST"]), headers, query)
        port, host = random.choice(PORTS), random.choice(ASKED)
        assert served(world, port, host, request) == scene.answer(port, host, request)
