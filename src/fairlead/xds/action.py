"""What a rule does with a request, as the action of an ``envoy.config.route.v3.Route``.

A share that can't be forwarded is answered 500 (503 for gRPC): it goes to a cluster that is never
made. The time of a whole request is unlimited unless the route limits it (Gateway API leaves the
default open).
"""

from typing import Final

from fairlead.ir.backend import Backend, Forward, Invalid
from fairlead.ir.filter import UrlRewrite
from fairlead.ir.http_policy import Mirror
from fairlead.ir.match import PathMatch
from fairlead.ir.rule import HashOn, Redirect, Respond, Route
from fairlead.xds import header, policy, retry, rewrite
from fairlead.xds.messages import Message, duration, wrapped

INVALID: Final = "invalid"
"""Name of the cluster that is never made."""
UNMATCHED: Final = 404
"""Status where no rule matches."""
NOT_CARRIED_OUT: Final = 500
"""Status where a rule cannot be carried out."""

STREAM_IDLE: Final = 300
"""Seconds after which a request is ended when nothing happens, unless its route asks for more."""

_NOT_FOUND: Final = {500: "INTERNAL_SERVER_ERROR", 503: "SERVICE_UNAVAILABLE"}
_MILLION: Final = 1_000_000
_WELL_KNOWN: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}


def weighted(route: Route) -> tuple[Backend, ...]:
    """The backends that get a share."""
    return tuple(backend for backend in route.backends if backend.weight > 0)


def forward(
    route: Route,
    path: PathMatch,
    backends: tuple[Backend, ...],
    own: UrlRewrite | None = None,
    host: str | None = None,
) -> dict[str, Message]:
    """Fields of a RouteAction that shares requests out over `backends` by weight.

    Args:
        route: The action of the rule.
        path: The path of the rule's match.
        backends: At least one, not all of them `Invalid`, each with a weight above 0.
        own: Rewrite that wins over the rule's, part by part.
        host: What the rule's header modifiers make of the host.
    """
    fields = _targets(backends)
    fields["cluster_not_found_response_code"] = _NOT_FOUND[route.unavailable]
    fields["timeout"] = duration(_timeout(route))
    fields.update(_idle(route))
    fields.update(rewrite.of_route(_path(route.rewrite, own), path))
    hostname = _hostname(own) or _hostname(route.rewrite) or host
    if hostname:
        fields["host_rewrite_literal"] = hostname
    retried = retry.policy(route.retry, route.backend_timeout)
    if retried is not None:
        fields["retry_policy"] = retried
    own_mirrors = [each for backend in backends for each in _mirrors_of(backend)]
    if mirrors := [*route.mirrors, *own_mirrors]:
        fields["request_mirror_policies"] = [_mirror(each) for each in mirrors]
    if route.hash_on:
        fields["hash_policy"] = [_hash(each) for each in route.hash_on]
    return fields


def redirect(action: Redirect, path: PathMatch) -> dict[str, Message]:
    """Fields of a RedirectAction."""
    fields = rewrite.of_redirect(action.path, path)
    fields["response_code"] = _REDIRECTS[action.status]
    if action.scheme is not None:
        fields["scheme_redirect"] = action.scheme
    if action.hostname is not None:
        fields["host_redirect"] = action.hostname
    if action.port is not None and not (action.hostname and _well_known(action)):
        fields["port_redirect"] = action.port
    return fields


def hides_port(action: Redirect) -> bool:
    """Whether the location shall have no port, and the request's own has to give way to that."""
    return action.hostname is None and _well_known(action)


def _well_known(action: Redirect) -> bool:
    """Whether the port is the one that the scheme implies."""
    return action.port == _WELL_KNOWN[action.scheme or action.listener_scheme]


def respond(action: Respond) -> dict[str, Message]:
    """Fields of a DirectResponseAction."""
    fields: dict[str, Message] = {"status": action.status}
    if action.reason:
        fields["body"] = {"inline_string": f"{action.reason}\n"}
    return fields


def _targets(backends: tuple[Backend, ...]) -> dict[str, Message]:
    """One cluster, or several with their weights and header changes."""
    invalid = sum(each.weight for each in backends if isinstance(each, Invalid))
    valid = [each for each in backends if isinstance(each, Forward)]
    only = valid[0] if len(valid) == 1 and not invalid else None
    if only and not (only.request_headers or only.response_headers or only.session):
        return {"cluster": only.cluster}
    shares = [_share(each) for each in valid]
    if invalid:
        shares.append({"name": INVALID, "weight": wrapped(invalid)})
    return {"weighted_clusters": {"clusters": shares}}


def _timeout(route: Route) -> float:
    """Seconds for all of a request; 0 for no limit.

    Envoy's limit of an attempt ends with the headers of its answer, timeouts.backendRequest with
    the whole of it. So it is one of the request as well, where only one attempt is sent: without
    `retry` others may have failed to connect, and that time is none of the backend's.
    """
    whole, attempt = route.timeout or 0, route.backend_timeout or 0
    if not attempt or (route.retry is not None and route.retry.attempts):
        return whole
    if route.retry is None:
        attempt += retry.ATTEMPTS * retry.CONNECTING
    return min(whole, attempt) if whole else attempt


def _idle(route: Route) -> dict[str, Message]:
    """How long nothing may happen, where the route asks for more time than listeners leave."""
    if route.idle_timeout is not None:
        return {"idle_timeout": duration(route.idle_timeout)}
    asked = route.backend_timeout if route.timeout is None else route.timeout
    if asked is None or 0 < asked <= STREAM_IDLE:
        return {}
    return {"idle_timeout": duration(asked)}


def _share(backend: Forward) -> dict[str, Message]:
    fields: dict[str, Message] = {"name": backend.cluster, "weight": wrapped(backend.weight)}
    fields.update(header.modifications(backend.request_headers, backend.response_headers))
    if hostname := header.host(backend.request_headers):
        fields["host_rewrite_literal"] = hostname
    if configured := policy.of_backend(backend):
        fields["typed_per_filter_config"] = configured
    return fields


def _mirrors_of(backend: Backend) -> tuple[Mirror, ...]:
    return backend.mirrors if isinstance(backend, Forward) else ()


def _mirror(mirror: Mirror) -> Message:
    """A RequestMirrorPolicy: a share to the nearest millionth, and no other host than asked for."""
    share = round(mirror.numerator * _MILLION / mirror.denominator)
    if mirror.numerator:
        share = min(max(share, 1), _MILLION)
    fraction = {"numerator": share, "denominator": "MILLION"}
    return {
        "cluster": mirror.cluster,
        "runtime_fraction": {"default_value": fraction},
        "disable_shadow_host_suffix_append": True,
        "trace_sampled": wrapped(value=False),
    }


def _path(of_rule: UrlRewrite | None, own: UrlRewrite | None):  # noqa: ANN202 - inferred
    if own is not None and own.path is not None:
        return own.path
    return of_rule.path if of_rule is not None else None


def _hostname(given: UrlRewrite | None) -> str | None:
    return given.hostname if given is not None else None


def _hash(hash_on: HashOn) -> Message:
    """A HashPolicy; the first of several that finds something in a request does not end it."""
    if hash_on.header is not None:
        return {"header": {"header_name": hash_on.header}}
    if hash_on.cookie is not None:
        cookie: dict[str, Message] = {"name": hash_on.cookie}
        if hash_on.cookie_path is not None:
            cookie["path"] = hash_on.cookie_path
        if hash_on.cookie_ttl is not None:
            cookie["ttl"] = duration(hash_on.cookie_ttl)
        return {"cookie": cookie}
    if hash_on.query is not None:
        return {"query_parameter": {"name": hash_on.query}}
    return {"connection_properties": {"source_ip": True}}
