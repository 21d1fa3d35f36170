"""What becomes of a request, as it is decided and as it is seen from outside, in one form."""

import dataclasses

from differential.client import Reply
from differential.proxies import told
from fairlead.analysis.explain import Decision, Facts, Sent, Share
from fairlead.analysis.explain.matching import is_grpc, joined

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
    return _sent(share.cluster, share.sent)


def _sent(cluster: str, sent: Sent) -> Outcome:
    return Outcome(
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
