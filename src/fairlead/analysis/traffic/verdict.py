"""Whether what happens to a request is what a test expects.

In: the document of a decision (`explain.document`), and with `--live` what really came back. Out:
what is otherwise, in sentences; nothing where all is as expected.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from fairlead.analysis.traffic.case import Expectation
from fairlead.translate.cluster_name import parse

Json = Mapping[str, Any]

_FROM_A_BACKEND: Final = 200
"""What a backend is taken to answer, where it is not asked."""
_TOLERANCE: Final = 1e-6


class Observed(msgspec.Struct, frozen=True):
    """What came back for a request that was sent."""

    status: int | None
    """None if the connection was closed without an answer."""
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case."""
    body: str = ""


def differences(
    decision: Json, expected: Expectation, observed: Observed | None = None
) -> list[str]:
    """What is otherwise than expected.

    Args:
        decision: What `fairlead explain -o json` says.
        expected: By the test.
        observed: What came back; without it, status and headers are those of the decision.
    """
    return [
        *_route(decision, expected),
        *_backends(decision, expected),
        *_request(decision, expected),
        *(_answer(decision, expected) if observed is None else _observed(observed, expected)),
    ]


def _route(decision: Json, expected: Expectation) -> Iterator[str]:
    rule = decision.get("rule", {})
    full = f"{rule.get('namespace', '')}/{rule.get('name', '')}" if rule else "none"
    if expected.route is not None and expected.route not in {full, rule.get("name")}:
        yield f"route: {full}, expected {expected.route}"
    index = str(rule.get("id", "")).rpartition("/")[0].rpartition("/")[2]
    if expected.rule is not None and expected.rule not in {rule.get("rule"), index}:
        yield f"rule: {rule.get('rule') or 'none'}, expected {expected.rule}"


def _backends(decision: Json, expected: Expectation) -> Iterator[str]:
    wanted = expected.backends
    if expected.backend is not None:
        wanted = {expected.backend: 1.0}
    if wanted is None:
        return
    shares: list[tuple[str, float]] = [
        (str(share["status"]) if "status" in share else share.get("cluster", ""), share["weight"])
        for share in decision.get("backends", ())
    ]
    if not shares and "status" in decision:
        shares = [(str(decision["status"]), 1.0)]
    names = list(wanted)
    total = sum(weight for _, weight in shares)
    got = [
        sum(weight for name, weight in shares if _is_called(name, each)) / total if total else 0.0
        for each in names
    ]
    weights = [wanted[name] for name in names] if isinstance(wanted, Mapping) else None
    same = abs(sum(got) - 1.0) <= _TOLERANCE and all(share > 0 for share in got)
    if weights is not None and sum(weights):
        asked = [weight / sum(weights) for weight in weights]
        pairs = zip(got, asked, strict=True)
        same = abs(sum(got) - 1.0) <= _TOLERANCE and all(abs(g - a) <= _TOLERANCE for g, a in pairs)
    if not same:
        told = ", ".join(f"{100 * weight / total:g}% {name}" for name, weight in shares)
        yield f"backends: {told or 'none'}, expected {_listed(names, weights)}"


def _listed(names: list[str], weights: list[float] | None) -> str:
    if weights is None or not sum(weights):
        return ", ".join(names)
    total = sum(weights)
    pairs = zip(names, weights, strict=True)
    return ", ".join(f"{100 * weight / total:g}% {name}" for name, weight in pairs)


def _is_called(cluster: str, name: str) -> bool:
    """Whether ``NAME``, ``NAMESPACE/NAME``, with or without ``:PORT``, means a cluster."""
    if cluster == name:
        return True
    found = parse(cluster)
    if found is None:
        return False
    plain, _, port = name.partition(":")
    if port and port != str(found.port):
        return False
    return plain in {found.name, f"{found.namespace}/{found.name}"}


def _request(decision: Json, expected: Expectation) -> Iterator[str]:
    """The request as each backend gets it."""
    told: dict[str, None] = {}
    asks = expected.host or expected.path or expected.request_headers
    forms = [share["request"] for share in decision.get("backends", ()) if "request" in share]
    if asks and not forms:
        yield "no backend gets the request"
    for form in forms:
        if expected.host is not None and form["host"] != expected.host:
            told[f"host: {form['host']}, expected {expected.host}"] = None
        if expected.path is not None and form["path"] != expected.path:
            told[f"path: {form['path']}, expected {expected.path}"] = None
        pairs = [(each["name"], each["value"]) for each in form.get("headers", ())]
        for name, wanted in expected.request_headers.items():
            found = _joined(pairs, name)
            if found != wanted:
                told[f"request header {name}: {_shown(found)}, expected {_shown(wanted)}"] = None
    yield from told


def _answer(decision: Json, expected: Expectation) -> Iterator[str]:
    """What the decision tells of the answer."""
    statuses = _statuses(decision)
    if expected.status is not None and statuses != {expected.status}:
        told = " or ".join(map(str, sorted(statuses))) or "none"
        yield f"status: {told}, expected {expected.status}"
    status = decision.get("grpcStatus")
    if expected.grpc_status is not None and status != expected.grpc_status:
        yield f"gRPC status: {status}, expected {expected.grpc_status}"
    location = decision.get("location")
    if expected.location is not None and location != expected.location:
        yield f"location: {location or 'none'}, expected {expected.location}"
    if expected.closed is not None and bool(decision.get("closed")) != expected.closed:
        yield f"the connection is {'' if decision.get('closed') else 'not '}closed"
    for name, wanted in expected.headers.items():
        for changed in _changes(decision):
            found = _changed(changed, name.lower(), wanted)
            if found is not None:
                yield f"header {name}: {found}, expected {_shown(wanted)}"
                break


def _statuses(decision: Json) -> set[int]:
    if "grpcStatus" in decision:
        return {200}
    if "status" in decision:
        return {decision["status"]}
    return {share.get("status", _FROM_A_BACKEND) for share in decision.get("backends", ())}


def _changes(decision: Json) -> list[list[Json]]:
    """What is done to headers of the answer, for each backend: the rule's part, then its own."""
    rule = decision.get("rule", {}).get("responseHeaders", {})
    shares: list[Json] = list(decision.get("backends", ())) or [{}]
    return [[rule, share.get("responseHeaders", {})] for share in shares]


def _changed(modifiers: list[Json], name: str, wanted: str | None) -> str | None:
    """What a header is where it is surely not as wanted; None where it is, or may be."""
    known, value = False, None
    for modifier in modifiers:
        if name in modifier.get("remove", ()):
            known, value = True, None
        if name in modifier.get("set", {}):
            known, value = True, modifier["set"][name]
        if name in modifier.get("add", {}):
            added = modifier["add"][name]
            known, value = True, added if value is None else f"{value},{added}"
    return _shown(value) if known and value != wanted else None


def _observed(observed: Observed, expected: Expectation) -> Iterator[str]:
    """What really came back."""
    closed = observed.status is None
    if expected.closed is not None and closed != expected.closed:
        yield f"the connection was {'' if closed else 'not '}closed"
    if expected.status is not None and observed.status != expected.status:
        yield f"status: {'none' if closed else observed.status}, expected {expected.status}"
    location = _joined(observed.headers, "location")
    if expected.location is not None and location != expected.location:
        yield f"location: {_shown(location)}, expected {expected.location}"
    grpc = _joined(observed.headers, "grpc-status")
    if expected.grpc_status is not None and grpc != str(expected.grpc_status):
        yield f"gRPC status: {_shown(grpc)}, expected {expected.grpc_status}"
    for name, wanted in expected.headers.items():
        found = _joined(observed.headers, name)
        if found != wanted:
            yield f"header {name}: {_shown(found)}, expected {_shown(wanted)}"
    if expected.body is not None and expected.body not in observed.body:
        yield f"body: {observed.body[:200]!r}, expected to hold {expected.body!r}"


def _joined(pairs: Any, name: str) -> str | None:  # noqa: ANN401 - pairs of text
    values = [value for each, value in pairs if each == name.lower()]
    return ",".join(values) if values else None


def _shown(value: str | None) -> str:
    return "none" if value is None else repr(value)
