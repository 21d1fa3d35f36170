"""What becomes of the shares of a rule's requests, or of a listener's connections."""

from collections.abc import Iterator

import msgspec

from fairlead.analysis.explain.decision import Decision, Share, Shown, Where
from fairlead.analysis.explain.facts import Facts
from fairlead.analysis.explain.target import sent
from fairlead.ir.backend import Backend, Forward, Invalid
from fairlead.ir.http_policy import Fault, HttpPolicies
from fairlead.ir.listener import TcpChain, UdpListener
from fairlead.ir.rule import Route, Rule

_ALL = 100.0
_NO_ENDPOINT = 503


def of_route(facts: Facts, decision: Decision, shown: Shown, rule: Rule, route: Route) -> Decision:
    """What a rule that forwards does with a request."""
    backends = [each for each in route.backends if each.weight > 0]
    if not backends:
        why = "the weights sum to 0" if route.backends else "the rule has no backend"
        return msgspec.structs.replace(decision, status=route.unavailable, why=why)
    found = tuple(_share(facts, shown, rule, route, each) for each in backends)
    answers = {(share.status, share.grpc_status) for share in found}
    if len(answers) > 1 or found[0].status is None:
        return msgspec.structs.replace(decision, shares=found)
    [(status, grpc_status)] = answers
    return msgspec.structs.replace(
        decision, shares=found, status=status, grpc_status=grpc_status, why=found[0].why
    )


def _share(facts: Facts, shown: Shown, rule: Rule, route: Route, backend: Backend) -> Share:
    if isinstance(backend, Invalid):
        why = f"{backend.reason}: {backend.message}"
        return Share(backend.weight, "", route.unavailable, why, None, (), backend)
    if facts.outputs.clusters.get(backend.cluster) is None:
        why = "a policy of the backend cannot be carried out, so nothing is sent there"
        return Share(backend.weight, "", route.unavailable, why, None, (), backend)
    fault = always_aborted(backend.policies)
    if fault is not None:
        status, grpc_status = aborted(fault)
        why = "a FaultInjection aborts every request"
        return Share(backend.weight, backend.cluster, status, why, None, (), backend, grpc_status)
    endpoints = facts.endpoints(backend.cluster)
    if endpoints is not None and not endpoints:
        why = "it has no endpoint that is ready"
        return Share(backend.weight, backend.cluster, _NO_ENDPOINT, why, None, (), backend)
    made = sent(shown, rule, route, backend)
    return Share(backend.weight, backend.cluster, None, "", made, endpoints or (), backend)


def of_connection(facts: Facts, where: Where, chain: TcpChain) -> Decision:
    """What a chain does with a connection."""
    backends = [each for each in chain.backends if each.weight > 0]
    if not backends:
        why = "no route serves it"
        return Decision(where, closed=True, why=why)
    found = tuple(_part(facts, each) for each in backends)
    closed = all(share.why for share in found)
    return Decision(where, shares=found, closed=closed, why=found[0].why if closed else "")


def of_datagrams(facts: Facts, where: Where) -> Decision:
    """What a UDP listener does with datagrams: its cluster holds the endpoints of all backends."""
    listener = facts.outputs.listeners.get((where.proxy, where.listener))
    if not isinstance(listener, UdpListener):
        return Decision(where, closed=True, why="nothing listens there")
    share = _part(facts, Forward(listener.cluster, 1))
    return Decision(where, shares=(share,), closed=bool(share.why), why=share.why)


def _part(facts: Facts, backend: Backend) -> Share:
    """A share of connections; one that cannot be passed on is closed."""
    if isinstance(backend, Invalid):
        why = f"{backend.reason}: {backend.message}"
        return Share(backend.weight, "", None, why, None, (), backend)
    if facts.outputs.clusters.get(backend.cluster) is None:
        why = "nothing is behind it"
        return Share(backend.weight, "", None, why, None, (), backend)
    endpoints = facts.endpoints(backend.cluster)
    why = "it has no endpoint that is ready" if endpoints is not None and not endpoints else ""
    return Share(backend.weight, backend.cluster, None, why, None, endpoints or (), backend)


def always_aborted(policies: HttpPolicies | None) -> Fault | None:
    """The fault that aborts every request, if there is one."""
    fault = policies.fault if policies is not None else None
    return fault if fault is not None and aborts_always(fault) else None


def aborts_always(fault: Fault) -> bool:
    """Whether a fault leaves no request."""
    return fault.abort_percent >= _ALL and bool(fault.abort_status or fault.abort_grpc_status)


def aborted(fault: Fault) -> tuple[int, int | None]:
    """Status of what a fault aborts, and what it says in gRPC, if it does."""
    return fault.abort_status or 200, fault.abort_grpc_status or None


def chances(policies: HttpPolicies | None) -> Iterator[str]:
    """What may become of a request besides, and is not for us to tell."""
    if policies is None:
        return
    fault, limit, auth = policies.fault, policies.rate_limit, policies.external_auth
    if fault is not None and fault.delay_percent:
        yield f"{fault.delay_percent:g}% of the requests are delayed by {fault.delay:g} s"
    if fault is not None and 0 < fault.abort_percent < _ALL:
        answer = fault.abort_status or f"gRPC status {fault.abort_grpc_status}"
        yield f"{fault.abort_percent:g}% of the requests are answered {answer}"
    if limit is not None:
        what = f"{limit.requests} requests in {limit.seconds:g} s"
        yield f"beyond {what} (bursts of {limit.burst}), requests are answered 429"
    if auth is not None:
        yield f"{auth.cluster} is asked by {auth.protocol} whether the request may pass"
