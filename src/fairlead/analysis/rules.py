"""A rule's backends in words: share, policy, endpoints, and what is wrong with them."""

from collections.abc import Iterator

from fairlead import api
from fairlead.analysis.lines import Line, percent
from fairlead.analysis.naming import backend_text, name_text
from fairlead.analysis.shares import is_service
from fairlead.analysis.view import View


def backend_lines(
    view: View, route: api.HTTPRoute, rule: api.HTTPRouteRule, depth: int
) -> Iterator[Line]:
    """Each backendRef of a rule with its share; one line on what answers if there is none."""
    namespace = route.metadata.namespace
    total = sum(backend.weight for backend in rule.backend_refs)
    redirect = any(filter_.request_redirect for filter_ in rule.filters)
    if not rule.backend_refs and not redirect:
        yield depth, "no backend: answered 500"
    if rule.backend_refs and not total:
        yield depth, "the weights sum to 0: answered 500"
    for backend in rule.backend_refs:
        share = percent(backend.weight, total)
        yield (
            depth,
            f"{share} {backend_text(backend, namespace)}{_behind(view, backend, namespace)}",
        )
        for filter_ in backend.filters:
            yield depth + 1, f"filter {filter_text(filter_)}"
        yield from _policy(view, backend, namespace, depth + 1)


def _behind(view: View, backend: api.HTTPBackendRef, namespace: str) -> str:
    """`` (3 of 3 endpoints ready)``, or what is wrong with the reference."""
    key = backend.key_from(namespace)
    service = view.object("Service", key) if is_service(backend) else None
    if not isinstance(service, api.Service):
        return f": answered 500, there is no {backend.kind} {name_text(key, namespace)}"
    if backend.port is None or backend.port not in {port.port for port in service.spec.ports}:
        return f": answered 500, the Service has no port {backend.port}"
    ready, total = view.endpoint_counts(key, service, backend.port)
    answer = "" if ready else ": answered 503"
    return f" ({ready} of {total} endpoints ready){answer}"


def _policy(view: View, backend: api.HTTPBackendRef, namespace: str, depth: int) -> Iterator[Line]:
    """The DestinationRules that shape the way to a backend."""
    if not is_service(backend) or backend.port is None:
        return
    seen: set[tuple[str, str]] = set()
    for cluster in view.clusters(backend.key_from(namespace), backend.port):
        origin = cluster.origin
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


def filter_text(filter_: api.HTTPRouteFilter) -> str:
    """A filter in words."""
    modifier = filter_.request_header_modifier or filter_.response_header_modifier
    if modifier is not None:
        parts = [f"set {header.name}: {header.value}" for header in modifier.set]
        parts += [f"add {header.name}: {header.value}" for header in modifier.add]
        parts += [f"remove {name}" for name in modifier.remove]
        return f"{filter_.type} {', '.join(parts)}"
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
    return f"{filter_.type} {', '.join(parts)}".rstrip()
