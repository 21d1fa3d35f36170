"""What the socket answers: JSON values made from a view; no HTTP here."""

from collections.abc import Mapping

import msgspec

from fairlead import api
from fairlead.analysis.columns import table
from fairlead.analysis.describe import DESCRIPTIONS
from fairlead.analysis.document import Json, document
from fairlead.analysis.own_tables import (
    place,
    problem_objects,
    problem_table,
    proxy_objects,
    proxy_table,
)
from fairlead.analysis.table import Table
from fairlead.analysis.view import View
from fairlead.status.conditions import timestamp
from fairlead.translate.sources import Key

_KINDS: Mapping[str, api.Kind] = {kind.plural: kind for kind in api.KINDS}


class NotFoundError(Exception):
    """There is nothing of that kind or name; says what there is instead where that helps."""


class Query(msgspec.Struct, frozen=True):
    """Which objects are asked for."""

    kind: str
    """Plural."""
    namespace: str | None = None
    """None for all."""
    name: str | None = None


def table_of(view: View, query: Query) -> Table:
    """The table of what `query` asks for.

    Raises:
        NotFoundError: unknown kind, or nothing of the name that is asked for.
    """
    if query.kind == "proxies":
        answer = proxy_table(view, query.name)
    elif query.kind == "problems":
        answer = problem_table(view)
    else:
        answer = table(view, _kind(query.kind).kind, query.namespace, query.name)
    if query.name is not None and not answer.rows:
        raise _missing(view, query)
    return answer


def objects_of(view: View, query: Query) -> list[Json]:
    """Whole objects, with status. Raises NotFoundError as `table_of` does."""
    if query.kind == "proxies":
        items = proxy_objects(view, query.name)
    elif query.kind == "problems":
        items = problem_objects(view)
    else:
        kind = _kind(query.kind)
        items = [
            object_of(view, kind.kind, key, item)
            for key, item in view.objects(kind.kind)
            if (not kind.namespaced or query.namespace in {None, key[0]})
            and query.name in {None, key[1]}
        ]
    if query.name is not None and not items:
        raise _missing(view, query)
    return items


def object_of(view: View, kind: str, key: Key, item: api.Object) -> Json:
    """One object as a cluster would show it: with status, and the address it was given."""
    answer = document(item, view.live.status(kind, key))
    metadata: Json = answer["metadata"]
    metadata.setdefault("creationTimestamp", timestamp(view.born(kind, key)))
    report = view.report(kind, key)
    if kind == "Service" and report is not None and report.addresses:
        answer.setdefault("spec", {}).setdefault("clusterIP", report.addresses[0][1])
    live = view.sources.workloads.get(key) if kind == "Pod" else None
    if live is not None:
        status: Json = answer.setdefault("status", {})
        status |= {"phase": live.phase, "podIP": live.ip, "podIPs": [{"ip": live.ip}]}
        if live.reason:
            status["reason"] = live.reason
    return answer


def description_of(view: View, kind: str, key: Key) -> Json:
    """The lines that describe an object. Raises NotFoundError."""
    if kind not in DESCRIPTIONS:
        raise NotFoundError(f"{kind} can't be described; choose {', '.join(DESCRIPTIONS)}")
    name, describe = DESCRIPTIONS[kind]
    lines = describe(view, key)
    if lines is None:
        raise _missing(view, Query(api.KIND_OF[name].plural, *key))
    return {"lines": lines}


def _kind(plural: str) -> api.Kind:
    if plural not in _KINDS:
        raise NotFoundError(f"no kind is called {plural!r}")
    return _KINDS[plural]


def _missing(view: View, query: Query) -> NotFoundError:
    """``httproutes "x" not found in namespace "default"``, and where there is one."""
    text = f'{query.kind} "{query.name}" not found'
    kind = _KINDS.get(query.kind)
    if kind is None:
        return NotFoundError(text)
    if kind.namespaced and query.namespace is not None:
        text += f' in namespace "{query.namespace}"'
    for problem in view.live.problems():
        whose = problem.kind, problem.name
        if whose == (kind.kind, query.name) and query.namespace in {None, problem.namespace}:
            about = f"{problem.field}: " if problem.field else ""
            return NotFoundError(
                f"{text}; what is written of it in {place(problem)} is refused "
                f"({problem.code}): {about}{problem.message}"
            )
    if not kind.namespaced or query.namespace is None:
        return NotFoundError(text)
    others = [key[0] for key, _ in view.objects(kind.kind) if key[1] == query.name]
    if others:
        text += f"; there is one in namespace {others[0]} (-n {others[0]})"
    return NotFoundError(text)
