"""What is done to a request between its match and its backend, in the order in which it is done."""

from collections.abc import Iterator

from fairlead.analysis.explain.decision import Decision
from fairlead.ir.backend import Forward
from fairlead.ir.filter import HeaderModifier, PathModifier, ReplaceFullPath, UrlRewrite
from fairlead.ir.http_policy import (
    Cors,
    ExternalAuth,
    Fault,
    HttpPolicies,
    Mirror,
    RateLimit,
    RequestFilter,
)
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Redirect, Route, Rule


def request_steps(decision: Decision, rule: Rule) -> Iterator[str]:
    """The filters of the listener, then those of the rule."""
    host = decision.host
    for each in host.filters.requests if host is not None and host.filters is not None else ():
        yield f"filter of the listener: {_policy(each)}"
    yield from (f"filter {text}" for text in _policies(rule.policies))
    yield from (f"filter {text}" for text in _modifier("request", rule.request_headers))
    match rule.action:
        case Redirect() as redirect:
            yield f"filter RequestRedirect {_redirect(redirect)}"
        case Route() as route:
            if route.rewrite is not None:
                yield f"filter URLRewrite {rewrite_text(route.rewrite)}"
            for mirror in route.mirrors:
                yield f"filter RequestMirror {mirror_text(mirror)}"
        case _:
            pass


def response_steps(rule: Rule) -> Iterator[str]:
    """What is done to the answer on its way back."""
    yield from (f"filter {text}" for text in _modifier("response", rule.response_headers))


def backend_steps(backend: Forward) -> Iterator[str]:
    """The filters of one backendRef."""
    yield from _policies(backend.policies)
    yield from _modifier("request", backend.request_headers)
    if backend.rewrite is not None:
        yield f"URLRewrite {rewrite_text(backend.rewrite)}"
    for mirror in backend.mirrors:
        yield f"RequestMirror {mirror_text(mirror)}"
    yield from _modifier("response", backend.response_headers)


def _policies(policies: HttpPolicies | None) -> Iterator[str]:
    """Filters that may answer themselves, in their order."""
    if policies is None:
        return
    if policies.cors is not None:
        yield _cors(policies.cors)
    for each in (policies.fault, policies.rate_limit, policies.external_auth):
        if each is not None:
            yield _policy(each)


def _cors(cors: Cors) -> str:
    return f"CORS, origins {', '.join(cors.allow_origins) or 'none'}"


def _policy(each: RequestFilter) -> str:
    match each:
        case ExternalAuth(protocol=protocol, cluster=cluster):
            return f"ExternalAuth, {cluster} is asked by {protocol}"
        case RateLimit(requests=requests, seconds=seconds, burst=burst, origin=origin):
            return f"{_from(origin)}{requests} requests in {seconds:g} s, bursts of {burst}"
        case Fault(origin=origin):
            return f"{_from(origin)}{_fault(each)}"


def _from(origin: Origin | None) -> str:
    return "" if origin is None else f"{origin}: "


def _fault(fault: Fault) -> str:
    parts: list[str] = []
    if fault.delay_percent:
        parts.append(f"{fault.delay_percent:g}% delayed by {fault.delay:g} s")
    if fault.abort_percent:
        answer = fault.abort_status or f"gRPC status {fault.abort_grpc_status}"
        parts.append(f"{fault.abort_percent:g}% answered {answer}")
    return ", ".join(parts) or "nothing goes wrong"


def _modifier(side: str, modifier: HeaderModifier | None) -> Iterator[str]:
    if modifier is None:
        return
    parts = [f"remove {name}" for name in modifier.remove]
    parts += [f"set {name}: {value}" for name, value in modifier.set]
    parts += [f"add {name}: {value}" for name, value in modifier.add]
    if parts:
        yield f"{side.title()}HeaderModifier {', '.join(parts)}"


def _redirect(redirect: Redirect) -> str:
    parts = [str(redirect.status)]
    if redirect.scheme is not None:
        parts.append(f"scheme {redirect.scheme}")
    if redirect.hostname is not None:
        parts.append(f"host {redirect.hostname}")
    if redirect.port is not None:
        parts.append(f"port {redirect.port}")
    if redirect.path is not None:
        parts.append(_path(redirect.path))
    return ", ".join(parts)


def rewrite_text(rewrite: UrlRewrite) -> str:
    """A URLRewrite in words."""
    parts: list[str] = []
    if rewrite.hostname is not None:
        parts.append(f"host {rewrite.hostname}")
    if rewrite.path is not None:
        parts.append(_path(rewrite.path))
    return ", ".join(parts)


def _path(modifier: PathModifier) -> str:
    if isinstance(modifier, ReplaceFullPath):
        return f"path {modifier.value}"
    return f"prefix replaced by {modifier.value or '/'}"


def mirror_text(mirror: Mirror) -> str:
    """A RequestMirror in words."""
    share = 100 * mirror.numerator / mirror.denominator
    return f"{share:g}% to {mirror.cluster}"
