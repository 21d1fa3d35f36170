"""A decision in words, as lines with a depth: what `fairlead explain` prints."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from fairlead.analysis.explain.decision import Decision, Sent, Share, Where
from fairlead.analysis.explain.facts import Facts
from fairlead.analysis.explain.losers import Loser
from fairlead.analysis.explain.order import route_of
from fairlead.analysis.explain.policies import of_backend, of_rule
from fairlead.analysis.explain.request import Request
from fairlead.analysis.explain.steps import backend_steps, request_steps, response_steps
from fairlead.analysis.explain.where import others
from fairlead.analysis.lines import Line, percent, section
from fairlead.analysis.naming import backend_text, rule_text
from fairlead.ir.backend import Forward
from fairlead.ir.listener import HttpChain, TcpChain
from fairlead.ir.match import Match, PathExact, PathPrefix, PathRegex
from fairlead.ir.rule import Rule

MOST_LOSERS: Final = 12
"""Routes that are told one by one, unless all are asked for."""
_MOST_ENDPOINTS: Final = 4
_BACKEND_REF: Final = re.compile(r"spec\.rules\[(\d+)\]\.backendRefs\[(\d+)\]")
_REASONS: Final[Mapping[int, str]] = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    421: "Misdirected Request",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def lines(
    facts: Facts, request: Request, decision: Decision, losers: list[Loser], *, every: bool = False
) -> list[Line]:
    """Everything to tell about a request.

    Args:
        facts: What the decision was made from.
        request: The request.
        decision: What `decide` said of it.
        losers: Who does not serve it (`losers.Losers`).
        every: Tell each of them, however many there are.
    """
    found = [(0, _title(request))]
    if decision.where is not None:
        found += _place(decision, decision.where)
        found += [(1, f"not {other}") for other in _others(facts, request, decision.where)]
    found += [(1, note) for note in decision.notes]
    found += _answer(facts, decision)
    found += _effect(facts, decision)
    found += section("Not chosen:", list(_losers(losers, every=every)))
    return found


def _title(request: Request) -> str:
    url = f"{request.scheme}://{request.host}"
    if request.scheme in {"tls", "tcp", "udp"}:
        return f"A connection to {url}" if request.scheme != "udp" else f"Datagrams to {url}"
    by = f" from pod {request.source}" if request.source is not None else ""
    return f"{request.method} {url}{request.path}{by}"


def _place(decision: Decision, where: Where) -> Iterator[Line]:
    """The listener, its chain and the virtual host."""
    if where.kind == "gateway":
        yield 0, f"Gateway {where.namespace}/{where.name}, port {where.port} ({where.listener})"
    else:
        beside = "" if where.meshed else ", which opted out of the mesh"
        yield 0, f"Mesh, as pod {where.namespace}/{where.name}{beside}"
    match where.chain:
        case HttpChain(owner=owner, origin=origin) if owner:
            at = f" ({origin})" if origin is not None else ""
            yield 1, f"TLS for {owner}{at}"
        case TcpChain(name=name, tls=tls, origin=origin):
            how = "TLS ends here" if tls is not None else "bytes are passed on"
            at = f" ({origin})" if origin is not None else ""
            yield 1, f"connections of {name}: {how}{at}"
        case _:
            pass
    host = decision.host
    if host is None:
        return
    if where.kind == "gateway":
        yield 1, f"virtual host {host.name}"
    elif host.name == "*":
        yield 1, "no Service of that name and port"
    else:
        yield 1, f"Service port {host.name}"


def _others(facts: Facts, request: Request, where: Where) -> Iterator[str]:
    for namespace, name in others(facts, request, where):
        yield f"Gateway {namespace}/{name}, which listens on that port as well (--gateway)"


def _answer(facts: Facts, decision: Decision) -> Iterator[Line]:
    """The rule, and what it does."""
    rule = decision.rule
    if rule is None:
        return
    yield 0, _rule_title(facts, rule)
    yield 1, f"match {match_text(rule.match)}"
    yield from ((1, step) for step in request_steps(decision, rule))
    yield from ((1, step) for step in response_steps(rule))
    yield from ((1, text) for text in of_rule(rule))


def _rule_title(facts: Facts, rule: Rule) -> str:
    origin = rule.origin
    route = route_of(facts, origin)
    if route is None:
        return f"{origin.kind} {origin.namespace}/{origin.name}, which no route governs"
    index = int(rule.name.rsplit("/", 2)[1])
    written = rule_text(route.spec.rules[index], index)
    return f"{origin.kind} {origin.namespace}/{origin.name}, {written}"


def match_text(match: Match) -> str:
    """The conditions of a rule in words."""
    match match.path:
        case PathExact(value):
            parts = [f"path {value}"]
        case PathPrefix("/"):
            parts = []
        case PathPrefix(value):
            parts = [f"path prefix {value}"]
        case PathRegex(value):
            parts = [f"path matching {value}"]
    if match.method is not None:
        parts.insert(0, f"method {match.method}")
    parts += [f"header {each.name}{_sign(each.regex)}{each.value}" for each in match.headers]
    parts += [f"query {each.name}{_sign(each.regex)}{each.value}" for each in match.query]
    if match.grpc:
        parts.append("gRPC")
    return ", ".join(parts) or "every request"


def _sign(regex: bool) -> str:  # noqa: FBT001 - a field of the match
    return "=~" if regex else "="


def _effect(facts: Facts, decision: Decision) -> Iterator[Line]:
    """What is answered, or which backends get the request in what form."""
    if decision.where is None:
        yield 0, f"Nothing answers: {decision.why}"
        return
    if decision.closed and not decision.shares:
        yield 0, f"The connection is closed: {decision.why}"
        return
    if decision.status is None and not decision.shares:
        yield 0, f"Not routed: {decision.why}"
        return
    if decision.status is not None and not decision.shares:
        yield 0, answered(decision)
        return
    yield from _backends(facts, decision)


def answered(decision: Decision) -> str:
    """What the proxy answers by itself, in a line."""
    status = decision.status or 0
    text = f"Answered {status} {_REASONS.get(status, '')}".rstrip()
    if decision.grpc_status is not None:
        text += f" (gRPC status {decision.grpc_status})"
    if decision.location is not None:
        text += f", Location: {decision.location}"
    return f"{text}: {decision.why}" if decision.why else text


def _backends(facts: Facts, decision: Decision) -> Iterator[Line]:
    total = sum(share.weight for share in decision.shares)
    sent = {(s.sent.host, s.sent.path, s.sent.headers) for s in decision.shares if s.sent}
    common = len(sent) == 1
    first = decision.sent
    if common and first is not None:
        yield 0, "Request to the backend:"
        yield from _form(decision, first, 1)
    yield 0, "Backends:"
    for share in decision.shares:
        yield 1, _share(facts, decision, share, total)
        if share.sent is not None and not common:
            yield from _form(decision, share.sent, 2)
        if isinstance(share.backend, Forward):
            yield from ((2, f"filter {text}") for text in backend_steps(share.backend))
        yield from ((2, text) for text in of_backend(facts, share.backend))
        shown = [f"{each.address}:{each.port}" for each in share.endpoints[:_MOST_ENDPOINTS]]
        rest = len(share.endpoints) - len(shown)
        if shown:
            more = f" and {rest} more" if rest > 0 else ""
            yield 2, f"endpoints {', '.join(shown)}{more}"


def _form(decision: Decision, made: Sent, depth: int) -> Iterator[Line]:
    """A request as it reaches a backend; what the proxy adds of itself is left out."""
    yield depth, f"{made.method} {made.path}"
    yield depth, f"host: {made.host}"
    scheme = decision.shown.scheme if decision.shown is not None else ""
    for name, value in made.headers:
        if (name, value) != ("x-forwarded-proto", scheme):
            yield depth, f"{name}: {value}"


def _share(facts: Facts, decision: Decision, share: Share, total: int) -> str:
    part = percent(share.weight, total)
    name = share.cluster or _name(facts, share)
    if share.status is not None:
        grpc = f" (gRPC status {decision.grpc_status})" if decision.grpc_status is not None else ""
        return f"{part} {name}: answered {share.status}{grpc}: {share.why}"
    if share.why:
        return f"{part} {name}: closed: {share.why}"
    return f"{part} {name}"


def _name(facts: Facts, share: Share) -> str:
    """What a backendRef that does not resolve names."""
    origin = share.backend.origin
    if origin is None:
        return "a backend"
    route, place = route_of(facts, origin), _BACKEND_REF.fullmatch(origin.field)
    if route is None or place is None:
        return origin.field
    ref = route.spec.rules[int(place[1])].backend_refs[int(place[2])]
    return backend_text(ref, "")


def _losers(losers: list[Loser], *, every: bool) -> Iterator[Line]:
    """The nearest; of the rest, how many there are."""
    shown = losers if every else losers[:MOST_LOSERS]
    for loser in shown:
        rule = f", rule {loser.rule}" if loser.rule else ""
        match = f" match {loser.match}" if loser.match else ""
        yield 1, f"{loser.kind} {loser.namespace}/{loser.name}{rule}{match}: {loser.why}"
    if len(losers) > len(shown):
        yield 1, f"and {len(losers) - len(shown)} more (--all)"
