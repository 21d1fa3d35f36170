"""The policies on a request's way, each with the object and field that it comes from."""

from collections.abc import Iterator
from typing import Final

from fairlead.analysis.explain.facts import Facts
from fairlead.ir.backend import Backend, Forward
from fairlead.ir.cluster import Cluster, ConnectionPool, LoadBalancer
from fairlead.ir.origin import Origin
from fairlead.ir.rule import HashOn, Route, Rule

_BALANCERS: Final = {
    "least_request": "least requests",
    "round_robin": "round robin",
    "random": "at random",
    "ring_hash": "consistent hashing (ring)",
    "maglev": "consistent hashing (maglev)",
    "passthrough": "the endpoint that the client named",
}


def of_rule(rule: Rule) -> Iterator[str]:
    """Times, attempts and hashing of a rule that forwards."""
    route = rule.action
    if not isinstance(route, Route):
        return
    where = rule.origin.field.partition(".matches")[0] or "spec"
    if route.timeout is not None:
        yield f"timeout {_seconds(route.timeout)} ({where}.timeouts.request)"
    if route.backend_timeout is not None:
        limit = _seconds(route.backend_timeout)
        once = route.retry is not None and not route.retry.attempts
        what = "the whole answer" if once else "each attempt, until its answer begins"
        yield f"timeout of {what}: {limit} ({where}.timeouts.backendRequest)"
    if route.retry is not None:
        codes = f" on {', '.join(map(str, route.retry.codes))}" if route.retry.codes else ""
        more = f"{route.retry.attempts} more attempts{codes}" if route.retry.attempts else "none"
        yield f"retries: {more} ({where}.retry)"
    for each in route.hash_on:
        yield f"hashed by {_hash(each)} (DestinationRule)"


def of_backend(facts: Facts, backend: Backend) -> Iterator[str]:
    """What shapes the way to a backend."""
    if not isinstance(backend, Forward):
        return
    if backend.session is not None:
        session = backend.session
        yield f"session kept by {session.kind} {session.name}"
    cluster = facts.outputs.clusters.get(backend.cluster)
    if cluster is not None:
        yield from _of_cluster(facts, cluster)


def _of_cluster(facts: Facts, cluster: Cluster) -> Iterator[str]:
    origin = cluster.origin
    if origin is not None and origin.kind == "DestinationRule":
        field = _policy_field(facts, origin, cluster.port)
        yield from _of_destination_rule(
            cluster, f"{origin.kind} {origin.namespace}/{origin.name}", field
        )
    if cluster.tls is not None:
        names = ", ".join(value for _, value in cluster.tls.subject_alt_names) or "any name"
        whose = _from(cluster.policy) or _from(origin)
        yield f"TLS to {cluster.tls.sni}, whose certificate is for {names}{whose}"
    if cluster.retry_budget is not None:
        budget = cluster.retry_budget
        policy = cluster.policy
        named = _from(policy) if policy and policy.kind == "XBackendTrafficPolicy" else ""
        field = named or " (XBackendTrafficPolicy spec.retryConstraint)"
        yield f"at most {budget.percent:g}% of requests are retries{field}"


def _of_destination_rule(cluster: Cluster, rule: str, field: str) -> Iterator[str]:
    balancer = cluster.load_balancer
    if balancer != LoadBalancer():
        yield f"load balancing: {_BALANCERS[balancer.kind]} ({rule} {field}.loadBalancer)"
    pool, default = cluster.connection_pool, ConnectionPool()
    limits = [
        f"{name.replace('_', ' ')} {_plain(getattr(pool, name))}"
        for name in pool.__struct_fields__
        if getattr(pool, name) != getattr(default, name)
    ]
    if limits:
        yield f"connection pool: {', '.join(limits)} ({rule} {field}.connectionPool)"
    detection = cluster.outlier_detection
    if detection is not None:
        asked = [
            f"{name.replace('_', ' ')} {_plain(getattr(detection, name))}"
            for name in detection.__struct_fields__
            if getattr(detection, name) not in {None, False}
        ]
        told = ", ".join(asked) or "by default"
        yield f"outlier detection: {told} ({rule} {field}.outlierDetection)"


def _policy_field(facts: Facts, origin: Origin, port: int) -> str:
    """Which traffic policy of a DestinationRule counts for a port."""
    rule = facts.sources.destination_rules.get((origin.namespace, origin.name))
    policy = rule.spec.traffic_policy if rule is not None else None
    for index, settings in enumerate(policy.port_level_settings if policy is not None else ()):
        if settings.port is not None and settings.port.number == port:
            return f"spec.trafficPolicy.portLevelSettings[{index}]"
    return "spec.trafficPolicy"


def _from(origin: Origin | None) -> str:
    return "" if origin is None else f" ({origin})"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _seconds(value: float) -> str:
    return f"{value:g} s" if value else "none"


def _hash(each: HashOn) -> str:
    for what, name in (("header", each.header), ("cookie", each.cookie), ("query", each.query)):
        if name is not None:
            return f"{what} {name}"
    return "the client's address"
