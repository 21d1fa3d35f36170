"""What becomes of a request, as it is decided and as it is seen from outside, in one form."""

import dataclasses
from collections.abc import Sequence

from differential.client import Reply
from differential.filters import ANSWERED
from differential.proxies import ANSWER, told
from fairlead.analysis.explain import Decision, Facts, Sent, Share
from fairlead.analysis.explain.matching import is_grpc, joined
from fairlead.ir.backend import Forward
from fairlead.ir.filter import HeaderModifier

GRPC = {400: "13", 401: "16", 403: "7", 404: "12", 429: "14", 502: "14", 503: "14", 504: "14"}
"""gRPC's status for an HTTP status; 2 for all others."""
OWN = (
    "x-forwarded-for",
    "x-request-id",
    "host",
    "content-length",
    "transfer-encoding",
    "x-envoy-external-address",
)
"""Headers that proxies write for backends, which a decision leaves out."""
_CHANGED = frozenset(name.lower() for name in ANSWERED)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One possible end; of a backend's answer the status is left out."""

    status: int | None = None
    """0 if the connection is closed."""
    location: str | None = None
    grpc_status: str | None = None
    backend: str = ""
    """``NAMESPACE/SERVICE/PORT``."""
    method: str = ""
    host: str = ""
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Sorted, those of one name joined."""
    answer: tuple[tuple[str, str], ...] = ()
    """Headers of a backend's answer that routes may change, in the same form."""


def decided(facts: Facts, decision: Decision) -> frozenset[Outcome] | None:
    """All that may come of it; None if that is up to what lies outside."""
    if decision.closed:
        return frozenset({Outcome(status=0)})
    if decision.status is not None:
        told = decision.grpc_status
        if told is None:
            return frozenset({Outcome(decision.status, decision.location)})
        return frozenset({Outcome(200, decision.location, str(told))})
    for share in decision.shares:
        cluster = facts.outputs.clusters.get(share.cluster)
        if cluster is not None and cluster.passthrough:
            return None
    return frozenset(_of_share(decision, share) for share in decision.shares)


def _of_share(decision: Decision, share: Share) -> Outcome:
    if share.status is not None:
        assert decision.shown is not None
        if not is_grpc(joined(decision.shown).get("content-type", "")):
            return Outcome(share.status)
        told = share.grpc_status
        return Outcome(200, None, GRPC.get(share.status, "2") if told is None else str(told))
    assert share.sent is not None
    assert decision.rule is not None
    modifiers = [decision.rule.response_headers]
    if isinstance(share.backend, Forward):
        modifiers.append(share.backend.response_headers)
    return _sent(share.cluster, share.sent, _changed(modifiers))


def _changed(modifiers: Sequence[HeaderModifier | None]) -> tuple[tuple[str, str], ...]:
    """What becomes of the echo's headers."""
    made = dict(ANSWER)
    for modifier in filter(None, modifiers):
        for name in modifier.remove:
            made.pop(name, None)
        made |= modifier.set
        for name, value in modifier.add:
            made[name] = f"{made[name]},{value}" if made.get(name) else value
    return tuple(sorted(made.items()))


def _sent(cluster: str, sent: Sent, answer: tuple[tuple[str, str], ...]) -> Outcome:
    return Outcome(
        answer=answer,
        backend=cluster.partition("+")[0],
        method=sent.method,
        host=sent.host,
        path=sent.path,
        headers=_headers(list(sent.headers)),
    )


def _headers(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    made: dict[str, str] = {}
    for name, value in pairs:
        if name in OWN or name.startswith(":"):
            continue
        before = made.get(name)
        between = "; " if name == "cookie" else ","  # HTTP/2 has many cookies as one
        made[name] = f"{before}{between}{value}" if before and value else before or value
    return tuple(sorted(made.items()))


def seen(reply: Reply) -> Outcome:
    """What a client saw, or what the echo told it."""
    value = reply.header("x-told")
    if value is None:
        return Outcome(reply.status, reply.header("location"), reply.header("grpc-status"))
    backend, pairs = told(value)
    shown = dict(pairs)
    return Outcome(
        answer=_headers([pair for pair in reply.headers if pair[0] in _CHANGED]),
        backend=backend,
        method=shown[":method"],
        host=shown[":authority"],
        path=shown[":path"],
        headers=_headers(pairs),
    )


def text(outcome: Outcome) -> str:
    """Only what is there to tell."""
    fields = dataclasses.asdict(outcome)
    return ", ".join(f"{name} {value!r}" for name, value in fields.items() if value)
