"""The decision on one request: each step in the order in which proxies take it."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from fairlead.analysis.explain.decision import Decision, Shown, Where
from fairlead.analysis.explain.facts import Facts
from fairlead.analysis.explain.matching import Asked, is_grpc, joined, matches
from fairlead.analysis.explain.reception import Answered, content_type, received, upgrade_refused
from fairlead.analysis.explain.request import Request
from fairlead.analysis.explain.shares import (
    aborted,
    aborts_always,
    always_aborted,
    chances,
    of_connection,
    of_datagrams,
    of_route,
)
from fairlead.analysis.explain.target import location
from fairlead.analysis.explain.where import Nowhere, find
from fairlead.ir.http_policy import Cors, Fault
from fairlead.ir.listener import GatewayListener, HttpChain, TcpChain
from fairlead.ir.rule import Redirect, Respond, Route, Rule
from fairlead.ir.virtual_host import VirtualHost

FORBIDDEN: Final = 403
MISDIRECTED: Final = 421
UNMATCHED: Final = 404
NOT_CARRIED_OUT: Final = 500

_PREFLIGHT: Final = "a CORS preflight, which the proxy answers"
_UNKNOWN: Final = 2
_GRPC_STATUS: Final[Mapping[int, int]] = {
    400: 13,
    401: 16,
    403: 7,
    404: 12,
    429: 14,
    502: 14,
    503: 14,
    504: 14,
}
"""What clients of gRPC are told in place of a proxy's own HTTP status."""


def decide(facts: Facts, request: Request) -> Decision:
    """Decide on a request as the proxies do that `facts` describe."""
    place = find(facts, request)
    if isinstance(place, Nowhere):
        return Decision(place.where, closed=place.closed, why=place.why)
    if not place.table:
        return _connection(facts, place)
    return _told_to_grpc(_request(facts, place, request))


def _connection(facts: Facts, place: Where) -> Decision:
    """What becomes of a connection or datagram that carries no HTTP."""
    if place.chain is None:
        return of_datagrams(facts, place)
    if isinstance(place.chain, TcpChain):
        return of_connection(facts, place, place.chain)
    return Decision(place, closed=True, why="the port has no route table")


def _request(facts: Facts, place: Where, request: Request) -> Decision:
    edge = place.kind == "gateway"
    reception = received(request, place)
    if isinstance(reception, Answered):
        return _without_rules(place, request, reception)
    shown, notes = reception.shown, (*_demands(facts, place), *reception.notes)
    if not joined(shown).get("x-forwarded-proto"):
        why = "x-forwarded-proto is empty, so that no route is looked for"
        return Decision(place, UNMATCHED, why=why, notes=notes, shown=shown)
    host = facts.host(place.table, shown.host, any_port=edge)
    if host is None:
        why = f"nothing on this port is for the host {shown.host}"
        return Decision(place, UNMATCHED, why=why, notes=notes, shown=shown)
    decision = Decision(place, notes=notes, shown=shown, host=host)
    owner = place.chain.owner if isinstance(place.chain, HttpChain) else ""
    if host.owner and host.owner != owner:
        why = (
            f"the connection is for {owner}, by its name (SNI), but the host {shown.host} belongs "
            f"to the listener of {host.owner}"
        )
        return msgspec.structs.replace(decision, status=MISDIRECTED, why=why)
    return _in_host(facts, decision, shown, host)


def _without_rules(place: Where, request: Request, answer: Answered) -> Decision:
    """What is answered before a rule is looked for."""
    grpc = answer.as_grpc and is_grpc(content_type(request))
    told = _GRPC_STATUS[answer.status] if grpc else None
    return Decision(place, answer.status, told, answer.location, why=answer.why)


def _in_host(facts: Facts, decision: Decision, shown: Shown, host: VirtualHost) -> Decision:
    if shown.method == "CONNECT":
        return _tunnel(decision, host)
    if host.filters is not None and host.filters.refused:
        why = "a filter of the listener cannot be carried out, so it answers every request 500"
        return msgspec.structs.replace(decision, status=NOT_CARRIED_OUT, why=why)
    asked = Asked(shown)
    if asked.grpc and not host.tunnel and decision.where and decision.where.kind == "mesh":
        note = (
            "clients of gRPC open a tunnel (CONNECT), which this port does not take: "
            "give it appProtocol kubernetes.io/h2c or grpc"
        )
        decision = msgspec.structs.replace(decision, notes=(*decision.notes, note))
    found = _by_rules(facts, decision, asked, host)
    filters = host.filters.requests if host.filters is not None else ()
    faults = [each for each in filters if isinstance(each, Fault) and aborts_always(each)]
    if not faults or (found.status == FORBIDDEN and upgrade_refused(shown.headers)):
        return found
    return _aborted(found, faults[0], "a FaultInjection of the listener aborts every request")


def _by_rules(facts: Facts, decision: Decision, asked: Asked, host: VirtualHost) -> Decision:
    """What the first rule that matches does."""
    for rule in host.rules:
        preflight = _preflight(rule, asked)
        if preflight is not None:
            return _answered(decision, rule)
        if matches(rule.match, asked):
            return _carried_out(facts, decision, asked.shown, rule)
    why = "the host is known, but no rule of it matches"
    return msgspec.structs.replace(decision, status=UNMATCHED, why=why)


def _demands(facts: Facts, place: Where) -> Iterator[str]:
    """What a connection must bring along besides the request."""
    listener = facts.outputs.listeners.get((place.proxy, place.listener))
    if isinstance(listener, GatewayListener) and listener.proxy_protocol == "required":
        yield "connections must begin with a PROXY protocol header, else they are closed"
    tls = place.chain.tls if isinstance(place.chain, HttpChain) else None
    if tls is not None and tls.validation is not None and not tls.validation.insecure_fallback:
        yield "clients must show a certificate (spec.tls.frontend), else they are refused"


def _tunnel(decision: Decision, host: VirtualHost) -> Decision:
    if host.tunnel:
        why = "a tunnel is opened; what comes out of it are requests of the same client"
        return msgspec.structs.replace(decision, status=200, why=why)
    why = "tunnels lead only from pods to Service ports that say that they speak HTTP/2"
    return msgspec.structs.replace(decision, status=UNMATCHED, why=why)


def _carried_out(facts: Facts, decision: Decision, shown: Shown, rule: Rule) -> Decision:
    decision = msgspec.structs.replace(decision, rule=rule, chances=tuple(chances(rule.policies)))
    if refused := upgrade_refused(shown.headers):
        return msgspec.structs.replace(decision, status=FORBIDDEN, why=refused)
    fault = always_aborted(rule.policies)
    match rule.action:
        case Respond() as answer:
            return msgspec.structs.replace(decision, status=answer.status, why=answer.reason)
        case Redirect() as redirect:
            to = location(shown, redirect, rule.match.path)
            decision = msgspec.structs.replace(decision, status=redirect.status, location=to)
        case Route() as route:
            decision = of_route(facts, decision, shown, rule, route)
    if fault is not None:
        return _aborted(decision, fault, "a FaultInjection aborts every request")
    return decision


def _aborted(decision: Decision, fault: Fault, why: str) -> Decision:
    status, grpc_status = aborted(fault)
    return msgspec.structs.replace(
        decision, status=status, grpc_status=grpc_status, location=None, why=why, shares=()
    )


def _preflight(rule: Rule, asked: Asked) -> Cors | None:
    """What the CORS filter of a rule answers a request with; None if it is no preflight of it."""
    cors = rule.policies.cors if rule.policies is not None else None
    wanted = asked.headers.get("access-control-request-method")
    if cors is None or asked.method != "OPTIONS" or not wanted or not asked.headers.get("origin"):
        return None
    if rule.match.method is None:
        return cors if matches(rule.match, asked) else None
    if rule.match.method not in {wanted, "OPTIONS"}:
        return None
    free = msgspec.structs.replace(rule.match, method=None)
    return cors if matches(free, asked) else None


def _answered(decision: Decision, rule: Rule) -> Decision:
    """A preflight is answered by the proxy, whether or not the origin is allowed."""
    return msgspec.structs.replace(decision, rule=rule, status=200, why=_PREFLIGHT)


def _told_to_grpc(decision: Decision) -> Decision:
    """Add what clients of gRPC see of an answer of the proxy."""
    shown, status = decision.shown, decision.status
    if shown is None or status is None or decision.why == _PREFLIGHT:
        return decision
    if not is_grpc(joined(shown).get("content-type", "")):
        return msgspec.structs.replace(decision, grpc_status=None)
    told = decision.grpc_status
    if told is None:
        told = _GRPC_STATUS.get(status, _UNKNOWN)
    return msgspec.structs.replace(decision, grpc_status=told)
