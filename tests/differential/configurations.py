"""Random Gateways and routes, valid or not, as a YAML parser makes them of manifests.

Names, hosts, paths and values come out of small pools, so that routes meet each other.
"""

from random import Random

from differential.filters import backend_filters, rule_filters
from differential.matches import grpc_matches, http_matches
from differential.surroundings import SERVICES
from differential.world import Raw

HOSTS = (
    *("a.example", "b.example", "x.a.example", "*.example", "*.a.example", "y.x.a.example"),
    *("other.test", "*.x.a.example"),
)
NAMESPACES = ("default", "default", "default", "b")
TIMES = ("2024-01-01T00:00:00Z", "2024-06-01T00:00:00Z", "2024-06-01T00:00:00Z")
GATEWAY_GROUP = "gateway.networking.k8s.io"
MANY = 0.04
"""Share of configurations with a host of so many rules that a tree decides."""


def configuration(pick: Random) -> list[Raw]:
    """One Gateway and some routes."""
    made = [gateway(pick)]
    if pick.random() < 0.25:
        made.append(listener_set(pick))
    number = pick.choice((1, 2, 2, 3, 3, 4, 5, 6))
    for index in range(number):
        make = grpc_route if pick.random() < 0.2 else http_route
        made.append(make(pick, f"r{index}"))
    if pick.random() < MANY:
        made += many_rules(pick)
    return made


def gateway(pick: Random) -> Raw:
    listeners: list[Raw] = []
    for port, protocol, most in ((80, "HTTP", 3), (8080, "HTTP", 1), (443, "HTTPS", 3)):
        least = 1 if port == 80 else 0
        hostnames = [*pick.sample(HOSTS, pick.randint(0, most))]
        if (least and not hostnames) or (hostnames and pick.random() < 0.6):
            hostnames.insert(0, None)
        for hostname in hostnames:
            listeners.append(listener(pick, f"l{len(listeners)}", port, protocol, hostname))
    return {
        "apiVersion": f"{GATEWAY_GROUP}/v1",
        "kind": "Gateway",
        "metadata": {"name": "gate", "namespace": "default"},
        "spec": {
            "gatewayClassName": "fairlead",
            "allowedListeners": {"namespaces": {"from": "All"}},
            "listeners": listeners,
        },
    }


def listener_set(pick: Random) -> Raw:
    """More listeners of the Gateway; some want what it has."""
    listeners = [
        listener(pick, f"s{index}", port, protocol, pick.choice((None, *HOSTS)))
        for index, (port, protocol) in enumerate(
            pick.sample(((80, "HTTP"), (443, "HTTPS"), (443, "HTTPS")), pick.randint(1, 2))
        )
    ]
    return {
        "apiVersion": f"{GATEWAY_GROUP}/v1",
        "kind": "ListenerSet",
        "metadata": {
            "name": "set",
            "namespace": "default",
            "creationTimestamp": pick.choice(TIMES),
        },
        "spec": {
            "parentRef": {"name": "gate", "kind": "Gateway", "group": GATEWAY_GROUP},
            "listeners": listeners,
        },
    }


def listener(pick: Random, name: str, port: int, protocol: str, hostname: str | None) -> Raw:
    made: Raw = {"name": name, "port": port, "protocol": protocol}
    if hostname is not None:
        made["hostname"] = hostname
    if protocol == "HTTPS":
        made["tls"] = {"certificateRefs": [{"name": "cert"}]}
    allowed: Raw = {"namespaces": {"from": pick.choice(("All",) * 7 + ("Same",))}}
    if pick.random() < 0.1:
        allowed["kinds"] = [{"kind": pick.choice(("HTTPRoute", "GRPCRoute"))}]
    made["allowedRoutes"] = allowed
    if pick.random() < 0.05:
        fault = {"group": "fairlead.dev", "kind": "FaultInjection"}
        ref = {**fault, "name": pick.choice(("broken", "missing"))}
        made["filters"] = {"requests": [{"type": "ExtensionRef", "extensionRef": ref}]}
    return made


def http_route(pick: Random, name: str) -> Raw:
    made = _route(pick, "HTTPRoute", name)
    made["spec"]["rules"] = [_http_rule(pick) for _ in range(pick.choice((1, 1, 2, 3)))]
    return made


def grpc_route(pick: Random, name: str) -> Raw:
    made = _route(pick, "GRPCRoute", name)
    made["spec"]["rules"] = [_grpc_rule(pick) for _ in range(pick.choice((1, 1, 2)))]
    return made


def _route(pick: Random, kind: str, name: str) -> Raw:
    metadata = {
        "name": name,
        "namespace": pick.choice(NAMESPACES),
        "creationTimestamp": pick.choice(TIMES),
    }
    spec: Raw = {"parentRefs": _parents(pick, metadata["namespace"])}
    if hostnames := pick.sample(HOSTS, pick.choice((0, 1, 1, 2, 2, 3))):
        spec["hostnames"] = hostnames
    return {"apiVersion": f"{GATEWAY_GROUP}/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _parents(pick: Random, namespace: str) -> list[Raw]:
    """Distinct parents: the Gateway or its set, or parts of them, and Services."""
    made: list[Raw] = []
    if pick.random() < 0.85:
        made.append({"name": "gate", "namespace": "default"})
        if pick.random() < 0.25:
            made[-1]["sectionName"] = f"l{pick.randint(0, 4)}"
        elif pick.random() < 0.2:
            made[-1]["port"] = pick.choice((80, 8080, 443, 81))
    if pick.random() < 0.15:
        made.append({"kind": "ListenerSet", "name": "set", "namespace": "default"})
    if not made or pick.random() < 0.45:
        space, name = pick.choice(list(SERVICES))
        made.append({"group": "", "kind": "Service", "name": name, "namespace": space})
        if pick.random() < 0.4:
            made[-1]["port"] = pick.choice((80, 8080))
        if pick.random() < 0.1 and space == namespace:
            del made[-1]["namespace"]
    return made


def _http_rule(pick: Random) -> Raw:
    made: Raw = {}
    matches = http_matches(pick)
    if matches:
        made["matches"] = matches
    filters = rule_filters(pick, matches)
    if filters:
        made["filters"] = filters
    if not any(each["type"] == "RequestRedirect" for each in filters):
        made["backendRefs"] = backends(pick, matches)
    return made


def _grpc_rule(pick: Random) -> Raw:
    made: Raw = {}
    if matches := grpc_matches(pick):
        made["matches"] = matches
    if filters := rule_filters(pick, [], grpc=True):
        made["filters"] = filters
    made["backendRefs"] = backends(pick, [], grpc=True)
    return made


def backends(pick: Random, matches: list[Raw], *, grpc: bool = False) -> list[Raw]:
    return [
        backend(pick, matches, grpc=grpc) for _ in range(pick.choice((0, 1, 1, 1, 1, 1, 1, 2, 3)))
    ]


def backend(pick: Random, matches: list[Raw], *, grpc: bool) -> Raw:
    """A Service port, mostly one that is there."""
    chance = pick.random()
    (space, name), listed = pick.choice(list(SERVICES.items()))
    made: Raw = {"name": name, "namespace": space, "port": pick.choice(list(listed))}
    if chance < 0.06:
        made["name"] = "nobody"
    elif chance < 0.1:
        made["port"] = 81
    elif chance < 0.13:
        made |= {"group": "example.com", "kind": "Thing"}
    if pick.random() < 0.4:
        made["weight"] = pick.choice((0, 1, 1, 2))
    if filters := backend_filters(pick, matches, grpc=grpc):
        made["filters"] = filters
    return made


def many_rules(pick: Random) -> list[Raw]:
    """Routes of one host with more rules than are tried one by one."""
    host = pick.choice(HOSTS)
    made: list[Raw] = []
    for number in range(3):
        each = http_route(pick, f"many{number}")
        each["spec"]["parentRefs"] = [{"name": "gate", "namespace": "default"}]
        each["spec"]["hostnames"] = [host]
        each["metadata"]["namespace"] = "default"
        rules = [_http_rule(pick) for _ in range(16)]
        for rule in rules:
            if len(rule.get("matches", ())) == 1 and pick.random() < 0.9:
                continue
            rule["matches"] = [match for _ in range(5) for match in http_matches(pick)][:7]
            rule.pop("filters", None)
            rule["backendRefs"] = [backend(pick, [], grpc=False)]
        each["spec"]["rules"] = rules
        made.append(each)
    return made
