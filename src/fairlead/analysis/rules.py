"""A rule's backends in words: share, policy, endpoints, and what is wrong with them."""

from collections.abc import Iterator

from fairlead import api
from fairlead.analysis.lines import Line, percent
from fairlead.analysis.naming import backend_text, name_text
from fairlead.analysis.routes import Route, RouteFilter, RouteRule, backend_filters, filters
from fairlead.analysis.view import View


def backend_lines(view: View, route: Route, rule: RouteRule, depth: int) -> Iterator[Line]:
    """Each backendRef of a rule with its share; one line on what answers if there is none."""
    namespace = route.metadata.namespace
    total = sum(backend.weight for backend in rule.backend_refs)
    redirect = any(filter_.type == "RequestRedirect" for filter_ in filters(rule))
    failure = failed(route, "500")
    if not rule.backend_refs and not redirect:
        yield depth, f"no backend: {failure}"
    if rule.backend_refs and not total:
        yield depth, f"the weights sum to 0: {failure}"
    for backend in rule.backend_refs:
        share = percent(backend.weight, total)
        yield (
            depth,
            f"{share} {backend_text(backend, namespace)}{_behind(view, route, backend)}",
        )
        for filter_ in backend_filters(backend):
            yield depth + 1, f"filter {filter_text(filter_)}"
        yield from _policy(view, backend, namespace, depth + 1)


def failed(route: Route, code: str) -> str:
    """What a client sees of a rule that has nowhere to send to."""
    match route:
        case api.HTTPRoute():
            return f"answered {code}"
        case api.GRPCRoute():
            return "answered UNAVAILABLE"
        case api.UDPRoute():
            return "dropped"
        case _:
            return "closed"


def _behind(view: View, route: Route, backend: api.BackendRef) -> str:
    """`` (3 of 3 endpoints ready)``, or what is wrong with the reference."""
    namespace = route.metadata.namespace
    key, wrong = backend.key_from(namespace), failed(route, "500")
    if (backend.group, backend.kind) == (api.EXPERIMENTAL_GROUP, "XBackend"):
        there = view.object("XBackend", key) is not None
        return "" if there else f": {wrong}, there is no XBackend {name_text(key, namespace)}"
    service = view.object("Service", key) if backend.is_service else None
    if not isinstance(service, api.Service):
        return f": {wrong}, there is no {backend.kind} {name_text(key, namespace)}"
    transport = "UDP" if isinstance(route, api.UDPRoute) else "TCP"
    protocols = {port.protocol for port in service.spec.ports if port.port == backend.port}
    if backend.port is None or not protocols:
        return f": {wrong}, the Service has no port {backend.port}"
    if transport not in protocols:
        return f": {wrong}, port {backend.port} of the Service is not {transport}"
    ready, total = view.endpoint_counts(key, service, backend.port, transport)
    answer = "" if ready else f": {failed(route, '503')}"
    return f" ({ready} of {total} endpoints ready){answer}"


def _policy(view: View, backend: api.BackendRef, namespace: str, depth: int) -> Iterator[Line]:
    """The policies that shape the way to a backend."""
    if not backend.is_service or backend.port is None:
        return
    seen: set[tuple[str, str]] = set()
    told: set[str] = set()
    for cluster in view.clusters(backend.key_from(namespace), backend.port):
        origin, standard = cluster.origin, cluster.policy
        if standard is not None and str(standard) not in told:
            told.add(str(standard))
            tls = f": TLS to {cluster.tls.sni}" if cluster.tls is not None else ""
            name = name_text((standard.namespace, standard.name), namespace)
            yield depth, f"{standard.kind} {name}{tls}"
        if origin is None or origin.kind != "DestinationRule":
            continue
        key = (origin.namespace, origin.name)
        rule = view.object("DestinationRule", key)
        if key in seen or not isinstance(rule, api.DestinationRule):
            continue
        seen.add(key)
        yield depth, f"DestinationRule {name_text(key, namespace)}: {_settings(rule)}"


def _settings(rule: api.DestinationRule) -> str:
    """What a DestinationRule sets, in one line."""
    policy = rule.spec.traffic_policy
    parts: list[str] = []
    if policy is not None:
        balancer = policy.load_balancer
        if balancer is not None:
            parts.append(f"load balancer {balancer.simple or 'consistent hash'}")
        if policy.connection_pool is not None:
            parts.append("connection pool")
        if policy.outlier_detection is not None:
            parts.append("outlier detection")
        if policy.tls is not None and policy.tls.mode is not None:
            parts.append(f"TLS mode {policy.tls.mode} (not enforced between local processes)")
    return ", ".join(parts) or "no traffic policy"


def filter_text(filter_: RouteFilter) -> str:
    """A filter in words."""
    modifier = filter_.request_header_modifier or filter_.response_header_modifier
    parts: list[str] = []
    if modifier is not None:
        parts += [f"set {header.name}: {header.value}" for header in modifier.set]
        parts += [f"add {header.name}: {header.value}" for header in modifier.add]
        parts += [f"remove {name}" for name in modifier.remove]
    elif filter_.request_mirror is not None:
        parts += _mirror(filter_.request_mirror)
    elif filter_.extension_ref is not None:
        parts.append(f"{filter_.extension_ref.kind} {filter_.extension_ref.name}")
    elif isinstance(filter_, api.HTTPRouteFilter):
        parts += _http_filter(filter_)
    return f"{filter_.type} {', '.join(parts)}".rstrip()


def _mirror(mirror: api.HTTPRequestMirrorFilter) -> list[str]:
    backend = mirror.backend_ref
    target = backend.name if backend.port is None else f"{backend.name}:{backend.port}"
    parts = [f"to {backend.namespace}/{target}" if backend.namespace else f"to {target}"]
    if mirror.percent is not None:
        parts.append(f"{mirror.percent}%")
    if mirror.fraction is not None:
        parts.append(f"{mirror.fraction.numerator}/{mirror.fraction.denominator}")
    return parts


def _http_filter(filter_: api.HTTPRouteFilter) -> list[str]:
    """What only HTTPRoutes have."""
    redirect, rewrite = filter_.request_redirect, filter_.url_rewrite
    parts: list[str] = []
    if redirect is not None:
        parts.append(str(redirect.status_code))
        if redirect.scheme:
            parts.append(f"scheme {redirect.scheme}")
        if redirect.port:
            parts.append(f"port {redirect.port}")
    target = redirect or rewrite
    if target is not None:
        if target.hostname:
            parts.append(f"host {target.hostname}")
        if target.path is not None:
            value = target.path.replace_full_path or target.path.replace_prefix_match or ""
            parts.append(f"{target.path.type} {value!r}")
    if filter_.cors is not None:
        parts.append(f"origins {' '.join(filter_.cors.allow_origins) or 'none'}")
    if filter_.external_auth is not None:
        auth = filter_.external_auth
        parts.append(f"{auth.protocol} {auth.backend_ref.name}")
    return parts
