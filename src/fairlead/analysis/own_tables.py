"""Tables and objects of an instance's own two kinds: proxies and problems.

They are no API kinds: nobody writes them. As objects they have the shape of one, so that the same
tools read them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from fairlead import api
from fairlead.analysis.document import Json
from fairlead.analysis.table import NONE, Row, Table, columns
from fairlead.analysis.view import ProxyFacts, View

API_VERSION = "fairlead.dev/v1alpha1"
_OF_PROCESSES = frozenset({"pid", "restarts"})
"""Fields of a proxy that is a process of this machine; in a cluster pods have their own."""


def proxy_state(proxy: ProxyFacts) -> str:
    """NACK, DISCONNECTED, STALE or SYNCED: the worst that is true."""
    if not proxy.connected:
        return "DISCONNECTED"
    if proxy.rejections:
        return "NACK"
    return "SYNCED" if proxy.synced else "STALE"


def proxy_table(view: View, name: str | None) -> Table:
    """Every proxy, or the one of that name; in a cluster a row for each of its pods."""
    found = list(_proxies(view, name))
    if any(proxy.instances is not None for proxy in found):
        rows = [_pod_row(view, proxy, pod) for proxy in found for pod in proxy.instances or (None,)]
        shown = columns("PROXY KIND POD REPLICA STATUS LAST-ACK NACK | LABELS REFUSED")
    else:
        rows = [_process_row(view, proxy) for proxy in found]
        shown = columns("PROXY KIND STATUS LAST-ACK NACK PID RESTARTS | LABELS REFUSED")
    return Table("proxies", namespaced=False, columns=shown, rows=tuple(rows))


def _process_row(view: View, proxy: ProxyFacts) -> Row:
    """The row of a proxy that is one process of this machine."""
    pid = NONE if proxy.pid is None else str(proxy.pid)
    runs = (*_sync_cells(proxy), pid, str(proxy.restarts))
    cells = (proxy.name, proxy.kind, *runs, *_wide_cells(view, proxy.name, proxy))
    return Row("", proxy.name, cells)


def _pod_row(view: View, proxy: ProxyFacts, pod: ProxyFacts | None) -> Row:
    """The row of a proxy's pod; of the proxy itself if no pod of it is connected."""
    facts = pod or proxy
    where = ((pod_name(pod.name) if pod else "") or NONE, facts.replica or NONE)
    wide = _wide_cells(view, proxy.name, facts)
    return Row("", proxy.name, (proxy.name, proxy.kind, *where, *_sync_cells(facts), *wide))


def pod_name(node_id: str) -> str:
    """The pod of a node id ``PROXY~POD``; all of a name without."""
    return node_id.rpartition("~")[2]


def _sync_cells(facts: ProxyFacts) -> tuple[str, str, str]:
    """STATUS, LAST-ACK and NACK."""
    last = NONE if facts.last_ack is None else f"{facts.last_ack:.0f}s"
    return proxy_state(facts), last, str(len(facts.rejections))


def _wide_cells(view: View, name: str, facts: ProxyFacts) -> tuple[str, str]:
    """LABELS and REFUSED."""
    labels = _pairs(_infrastructure(view, name).get("labels", {})) or NONE
    refused = "; ".join(f"{refused.name}: {refused.message}" for refused in facts.rejections)
    return labels, refused


def proxy_objects(view: View, name: str | None) -> list[Json]:
    """Every proxy, or the one of that name, as an object."""
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "Proxy",
            "metadata": {"name": proxy.name, **_infrastructure(view, proxy.name)},
            "status": _status(proxy),
        }
        for proxy in _proxies(view, name)
    ]


def _status(proxy: ProxyFacts) -> Json:
    """What is known of a proxy; fields that make no sense where it runs are left out."""
    fields = _without(msgspec.to_builtins(proxy), {"name", "instances", "replica"})
    if proxy.instances is None:
        return {"state": proxy_state(proxy)} | fields
    pods = [
        {"name": pod_name(pod.name), "state": proxy_state(pod)}
        | _without(msgspec.to_builtins(pod), {"name", "kind", "instances", *_OF_PROCESSES})
        for pod in proxy.instances
    ]
    return {"state": proxy_state(proxy)} | _without(fields, {*_OF_PROCESSES}) | {"pods": pods}


def problem_table(view: View) -> Table:
    """Every problem, of all namespaces: who looks for one doesn't know yet where it is."""
    rows = (
        Row(
            problem.namespace,
            problem.name,
            (
                problem.severity.upper(),
                problem.code,
                _owner(problem) or NONE,
                place(problem) or NONE,
                problem.message,
                problem.field,
                problem.remedy,
            ),
        )
        for problem in view.live.problems()
    )
    shown = columns("SEVERITY CODE OBJECT PLACE MESSAGE | FIELD REMEDY")
    return Table("problems", namespaced=False, columns=shown, rows=tuple(rows))


def problem_objects(view: View) -> list[Json]:
    """The same as objects."""
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "Problem",
            "metadata": {"name": problem.code.lower(), "namespace": problem.namespace},
            "problem": msgspec.to_builtins(problem),
        }
        for problem in view.live.problems()
    ]


def place(problem: api.Problem) -> str:
    """``file:line``, as far as it is known."""
    return f"{problem.file}:{problem.line}" if problem.line else problem.file


def _proxies(view: View, name: str | None) -> Iterable[ProxyFacts]:
    found = sorted(view.proxies.items())
    return [proxy for key, proxy in found if name in {None, key}]


def _infrastructure(view: View, name: str) -> Mapping[str, Mapping[str, str]]:
    """Labels and annotations of a Gateway's `spec.infrastructure`, those that there are."""
    proxy = view.outputs.fleet.get(name)
    found = {"labels": proxy.labels, "annotations": proxy.annotations} if proxy is not None else {}
    return {field: dict(pairs) for field, pairs in found.items() if pairs}


def _pairs(found: Mapping[str, str]) -> str:
    """``name=value`` for each, as kubectl shows labels."""
    return ",".join(f"{name}={value}" for name, value in found.items())


def _owner(problem: api.Problem) -> str:
    name = "/".join(part for part in (problem.namespace, problem.name) if part)
    return " ".join(part for part in (problem.kind, name) if part)


def _without(fields: dict[str, Any], names: set[str]) -> Json:
    return {name: value for name, value in fields.items() if name not in names}
