"""What there is to say about a Service: ports, policies, routes with their shares, endpoints."""

from collections.abc import Iterable, Iterator

from fairlead import api
from fairlead.analysis.acknowledged import acknowledged
from fairlead.analysis.lines import Line, percent, problem_lines, rule_matches, section
from fairlead.analysis.naming import name_text, parent_text, parent_urls, rule_text
from fairlead.analysis.routes import Route
from fairlead.analysis.rules import backend_lines
from fairlead.analysis.shares import shares_of, without_route
from fairlead.analysis.view import View
from fairlead.ir.cluster import Cluster
from fairlead.ir.origin import Origin
from fairlead.translate.report import Condition, ParentReport
from fairlead.translate.sources import Key

_PROTOCOLS = {"http": "HTTP", "h2c": "HTTP2", "ws": "HTTP", "tcp": "TCP", "udp": "UDP"}


def describe_service(view: View, key: Key) -> list[Line] | None:
    """Lines about a Service, None if there is none of that name."""
    service = view.object("Service", key)
    if not isinstance(service, api.Service):
        return None
    return [
        *_head(view, key, service),
        *_policies(view, key, service),
        *_gateways(view),
        *_sent_here(view, key),
        *_splits(view, key),
        *_endpoints(view, key, service),
        *section("Warnings:", list(_warnings(view, key, service))),
        *section("Problems:", list(problem_lines(view, "Service", key, 1))),
    ]


def _head(view: View, key: Key, service: api.Service) -> Iterator[Line]:
    yield 0, f"Service: {key[1]}"
    report = view.report("Service", key)
    for port in service.spec.ports:
        clusters = view.clusters(key, port.port)
        protocol = _PROTOCOLS[clusters[0].protocol] if clusters else port.protocol
        name = f"{port.name} " if port.name else ""
        target = port.port if port.target_port is None else port.target_port
        yield 1, f"Port: {name}{port.port}/{protocol} targets pod port {target}"
    for _, address in report.addresses if report else ():
        yield 1, f"Virtual IP: {address}"
    for condition in report.conditions if report else ():
        if condition.type == "Routable" and condition.status != "True":
            yield 1, f"Not routable ({condition.reason}): {condition.message}"


def _policies(view: View, key: Key, service: api.Service) -> Iterator[Line]:
    """Each policy that shapes a cluster of the Service, once."""
    rules: dict[Key, str] = {}
    standard: dict[str, None] = {}
    for port in service.spec.ports:
        for cluster in view.clusters(key, port.port):
            origin = cluster.origin
            if cluster.policy is not None:
                standard[_standard_policy(cluster, cluster.policy, key)] = None
            if origin is not None and origin.kind == "DestinationRule":
                clients = cluster.name.partition("@")[2]
                rules.setdefault((origin.namespace, origin.name), clients)
    for line in standard:
        yield 0, line
    for rule_key, clients in rules.items():
        yield from _policy(view, key, rule_key, clients)


def _standard_policy(cluster: Cluster, policy: Origin, key: Key) -> str:
    """``BackendTLSPolicy: NAME for port 443 (TLS to backend.example.com)``."""
    said: list[str] = []
    if cluster.tls is not None:
        said.append(f"TLS to {cluster.tls.sni}")
    if cluster.retry_budget is not None:
        said.append(f"{cluster.retry_budget.percent:g}% of requests may be retries")
    name = name_text((policy.namespace, policy.name), key[0])
    extra = f" ({', '.join(said)})" if said else ""
    return f"{policy.kind}: {name} for port {cluster.port}{extra}"


def _policy(view: View, key: Key, rule_key: Key, clients: str) -> Iterator[Line]:
    rule = view.object("DestinationRule", rule_key)
    if not isinstance(rule, api.DestinationRule):
        return
    scope = f" (clients in namespace {clients} only)" if clients else ""
    yield 0, f'DestinationRule: {name_text(rule_key, key[0])} for "{rule.spec.host}"{scope}'
    policy = rule.spec.traffic_policy
    if policy is None:
        yield 1, "No Traffic Policy"
        return
    if policy.tls is not None and policy.tls.mode is not None:
        yield 1, f"Traffic Policy TLS Mode: {policy.tls.mode}"
    parts = {
        "load balancer": policy.load_balancer,
        "connection pool": policy.connection_pool,
        "outlier detection": policy.outlier_detection,
    }
    if names := [name for name, part in parts.items() if part is not None]:
        yield 1, f"Policies: {'/'.join(names)}"
    report = view.report("DestinationRule", rule_key)
    for condition in report.conditions if report else ():
        if condition.type == "NotApplied" and condition.status == "True":
            yield 1, f"Not applied: {condition.message}"


def _gateways(view: View) -> Iterator[Line]:
    gateways = [key for key, _ in view.objects("Gateway")]
    if not gateways:
        yield 0, "Skipping Gateway information (no ingress gateway pods)"


def _sent_here(view: View, key: Key) -> Iterator[Line]:
    """``HTTPRoute: R sends 90% of backend:80 here (Accepted, 1/1 proxies)`` for each parent."""
    for share in shares_of(view, key):
        route = share.route
        report = view.report(route.kind, route.key)
        rule = route.spec.rules[share.rule]
        several = f" {rule_text(rule, share.rule)}" if len(route.spec.rules) > 1 else ""
        name = name_text(route.key, key[0]) + several
        part = percent(share.weight, share.total)
        for parent in report.parents if report else ():
            whole, state = _parent(view, route, parent, key[0]), _state(view, route, parent)
            yield 0, f"{route.kind}: {name} sends {part} of {whole} here ({state})"


def _parent(view: View, route: Route, parent: ParentReport, namespace: str) -> str:
    """``backend:80`` for a Service, ``gateway shop (http://127.0.0.1:8080)`` for a Gateway."""
    reference = parent.parent_ref
    key = reference.key_from(route.metadata.namespace)
    name = name_text(key, namespace)
    if reference.kind == "Service":
        return name if reference.port is None else f"{name}:{reference.port}"
    urls = parent_urls(view, route.kind, reference, route.metadata.namespace)
    return f"{reference.kind.lower()} {name}" + (f" ({', '.join(urls)})" if urls else "")


def _state(view: View, route: Route, parent: ParentReport) -> str:
    """``Accepted, 1/1 proxies``, or why not."""
    acked, total = acknowledged(view, parent, route.kind, route.key)
    said = [_word(c) for c in parent.conditions if c.type in {"Accepted", "ResolvedRefs"}]
    return ", ".join([*(word for word in said if word), f"{acked}/{total} proxies"])


def _word(condition: Condition) -> str:
    if condition.type == "Accepted" and condition.status == "True":
        return "Accepted"
    return "" if condition.status == "True" else f"not {condition.type}: {condition.reason}"


def _splits(view: View, key: Key) -> Iterator[Line]:
    """Routes attached to the Service, with every rule and its backends."""
    for route, parent in view.attached.get(("Service", key), ()):
        name = name_text(route.key, key[0])
        state = _state(view, route, parent)
        port = f":{parent.parent_ref.port}" if parent.parent_ref.port else ""
        consumer = route.metadata.namespace != key[0]
        scope = f" from clients in namespace {route.metadata.namespace}" if consumer else ""
        yield 0, f"{route.kind}: {name} routes requests to {key[1]}{port}{scope} ({state})"
        for index, rule in enumerate(route.spec.rules):
            matches = " or ".join(rule_matches(rule))
            yield 1, f"{rule_text(rule, index)}: {matches}"
            yield from backend_lines(view, route, rule, 2)


def _endpoints(view: View, key: Key, service: api.Service) -> Iterator[Line]:
    for port in service.spec.ports:
        ready, total = view.endpoint_counts(key, service, port.port, port.protocol)
        which = f" of port {port.name or port.port}" if len(service.spec.ports) > 1 else ""
        yield 0, f"Endpoints{which}: {ready} of {total} ready"
        for endpoint in view.endpoints(key, port.port, port.protocol):
            pod = f" pod {endpoint.pod}" if endpoint.pod else ""
            yield 1, f"{endpoint.address}:{endpoint.port}{pod}"


def _warnings(view: View, key: Key, service: api.Service) -> Iterator[Line]:
    report = view.report("Service", key)
    for condition in report.conditions if report else ():
        bad = "True" if condition.type == "Warning" else "False"
        if condition.status == bad and condition.type != "Routable":
            yield 1, condition.message
    for route, parent in view.attached.get(("Service", key), ()):
        ports: Iterable[int] = [port.port for port in service.spec.ports]
        if parent.parent_ref.port is not None:
            ports = [parent.parent_ref.port]
        for port in ports:
            yield from _fail_open(view, key, port, route)
        for condition in parent.conditions:
            if condition.status == "False":
                name = name_text(route.key, key[0])
                where = parent_text(parent.parent_ref, route.metadata.namespace)
                said = f"{condition.type} is False ({condition.reason}): {condition.message}"
                yield 1, f"{route.kind} {name}, parent {where}: {said}"


def _fail_open(view: View, key: Key, port: int, route: Route) -> Iterator[Line]:
    """What the selector alone would send to a backend, where it differs from the weight."""
    for rule in route.spec.rules:
        total = sum(backend.weight for backend in rule.backend_refs)
        for backend in rule.backend_refs:
            name = backend.key_from(route.metadata.namespace)
            if not backend.is_service or name == key:
                continue
            shared, everything = without_route(view, key, port, name)
            share, planned = percent(shared, everything), percent(backend.weight, total)
            if shared and share != planned:
                route_name = name_text(route.key, key[0])
                text = (
                    f"the selector of {key[1]} also covers {name_text(name, key[0])}: without "
                    f"{route.kind} {route_name}, {share} of the requests to port {port} would go "
                    f"there instead of {planned}"
                )
                yield 1, text
