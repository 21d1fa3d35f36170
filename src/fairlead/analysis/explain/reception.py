"""What a proxy does with a request before it looks for a rule.

Gateways stand at the edge: they refuse and strip what could deceive a backend. A pod's outbound
listener changes as little as it can.
"""

from typing import Final

import msgspec

from fairlead.analysis.explain.decision import Shown, Where
from fairlead.analysis.explain.matching import is_grpc
from fairlead.analysis.explain.path import canonical, merge_slashes, split, unescape_slashes
from fairlead.analysis.explain.request import Headers, Request, split_port
from fairlead.ir.listener import HttpChain

_OWN: Final = "x-fairlead-"
"""How headers begin that nobody but our listeners may set."""
_NEVER: Final = frozenset(
    {
        *("keep-alive", "proxy-connection", "transfer-encoding"),
        *("x-envoy-internal", "x-forwarded-client-cert"),
        *("x-envoy-expected-rq-timeout-ms", "x-envoy-force-trace", "x-envoy-ip-tags"),
        *("x-envoy-hedge-on-per-try-timeout", "x-envoy-max-retries", "x-envoy-retry-grpc-on"),
        *("x-envoy-retriable-header-names", "x-envoy-retriable-status-codes", "x-envoy-retry-on"),
        *("x-envoy-upstream-alt-stat-name", "x-envoy-upstream-rq-per-try-timeout-ms"),
        *("x-envoy-upstream-rq-timeout-alt-response", "x-envoy-upstream-rq-timeout-ms"),
    }
)
"""Headers that rules never see; nobody may tell Envoy itself what to do by them."""
_CLAIMS: Final = ("x-envoy-", "x-forwarded-")
_CLAIMS_BY_NAME: Final = frozenset({"forwarded", "x-real-ip", "x-request-id"})
"""Headers about clients, which Gateways drop or write themselves, whatever a client says."""
_DOTS_LEFT: Final = ("/.;", "/..;")
"""Dot segments with parameters that normalisation leaves; servers that drop parameters would go up
by them."""
_WHY_DOTS: Final = "in which a server that drops parameters (;) would find a dot segment"
_UPGRADE: Final = ("connection", "upgrade")
_PERMITTED: Final = frozenset({"websocket"})
_IGNORED: Final = frozenset({"h2c"})


class Received(msgspec.Struct, frozen=True):
    """A request as rules see it."""

    shown: Shown
    notes: tuple[str, ...]
    """What was changed."""


class Answered(msgspec.Struct, frozen=True):
    """A request that is answered without any rule."""

    status: int
    why: str
    location: str | None = None
    as_grpc: bool = False
    """Whether clients of gRPC are told in their own way."""


def received(request: Request, place: Where) -> Received | Answered:
    """What a listener makes of a request, before it looks for a rule."""
    edge = place.kind == "gateway"
    underscored = [name for name, _ in request.headers if "_" in name]
    if edge and underscored:
        return Answered(400, f"header {underscored[0]} has an underscore in its name")
    notes: list[str] = []
    path = request.path
    if request.method != "CONNECT":
        normal = _normal_path(path, edge=edge)
        if isinstance(normal, Answered) and normal.location and is_grpc(content_type(request)):
            why = "the path has escaped slashes, and clients of gRPC follow no redirect"
            return Answered(400, why, as_grpc=True)
        if isinstance(normal, Answered):
            return normal
        if any(words in split(normal)[0] for words in _DOTS_LEFT):
            return Answered(400, f"the path is normalised to {normal}, {_WHY_DOTS}", as_grpc=True)
        if normal != path:
            notes.append(f"the path is normalised to {normal}")
        path = normal
    host = _without_trailing_dot(request.host)
    tls = isinstance(place.chain, HttpChain) and place.chain.tls is not None
    scheme = "https" if tls else "http"
    shown = Shown(request.method, scheme, host, path, _headers(request, scheme, edge=edge))
    return Received(shown, tuple(notes))


def content_type(request: Request) -> str:
    """The header of that name, empty without it."""
    named = (value for name, value in request.headers if name.lower() == "content-type")
    return next(named, "")


def _normal_path(path: str, *, edge: bool) -> str | Answered:
    """The path as rules see it, or what is answered instead."""
    if "#" in path:
        return Answered(400, "the path has a fragment", as_grpc=True)
    unescaped = unescape_slashes(path) if edge else path
    normal = canonical(unescaped)
    if normal is None:
        return Answered(400, f"the path {path} cannot be normalised", as_grpc=True)
    if not edge:
        return normal
    normal = merge_slashes(normal)
    if unescaped != path:
        why = "the path has escaped slashes: the client is sent to the plain path"
        return Answered(307, why, normal)
    return normal


def _without_trailing_dot(host: str) -> str:
    name, port = split_port(host)
    if not name.endswith("."):
        return host
    return f"{name[:-1]}:{port}" if port else name[:-1]


def upgrade_of(headers: Headers) -> str:
    """The protocol that a client asks to go over to, in lower case; empty if it asks for none."""
    found = dict(headers)
    asked = {part.strip().lower() for part in found.get("connection", "").split(",")}
    return found.get("upgrade", "").lower() if "upgrade" in asked else ""


def upgrade_refused(headers: Headers) -> str:
    """Why a request is refused for the protocol that it wants to go over to; empty if it is not."""
    kind = upgrade_of(headers)
    if not kind or kind in _PERMITTED | _IGNORED:
        return ""
    return f"an upgrade to {kind} is not served; websocket is"


def _headers(request: Request, scheme: str, *, edge: bool) -> Headers:
    """The headers that rules see, names in lower case."""
    upgrade = upgrade_of(request.headers)
    kept: list[tuple[str, str]] = []
    for written, value in request.headers:
        name = written.lower()
        claimed = name in _CLAIMS_BY_NAME or name.startswith(_CLAIMS)
        hidden = name in _NEVER or name.startswith(_OWN) or (edge and claimed)
        idle = name in _UPGRADE and not upgrade
        if hidden or idle or (name == "te" and value.strip().lower() != "trailers"):
            continue
        kept.append((name, value.strip()))
    if "x-forwarded-proto" not in dict(kept):
        kept.append(("x-forwarded-proto", scheme))
    return tuple(kept)
