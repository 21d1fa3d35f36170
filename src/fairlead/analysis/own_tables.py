"""Tables and objects of an instance's own two kinds: proxies and problems.

They are no API kinds: nobody writes them. As objects they have the shape of one, so that the same
tools read them.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from fairlead import api
from fairlead.analysis.document import Json
from fairlead.analysis.table import NONE, Row, Table, columns
from fairlead.analysis.view import ProxyFacts, View

API_VERSION = "fairlead.dev/v1alpha1"


def proxy_state(proxy: ProxyFacts) -> str:
    """NACK, DISCONNECTED, STALE or SYNCED: the worst that is true."""
    if not proxy.connected:
        return "DISCONNECTED"
    if proxy.rejections:
        return "NACK"
    return "SYNCED" if proxy.synced else "STALE"


def proxy_table(view: View, name: str | None) -> Table:
    """Every proxy, or the one of that name."""
    rows = (
        Row(
            "",
            proxy.name,
            (
                proxy.name,
                proxy.kind,
                proxy_state(proxy),
                NONE if proxy.last_ack is None else f"{proxy.last_ack:.0f}s",
                str(len(proxy.rejections)),
                NONE if proxy.pid is None else str(proxy.pid),
                str(proxy.restarts),
                "; ".join(f"{refused.name}: {refused.message}" for refused in proxy.rejections),
            ),
        )
        for proxy in _proxies(view, name)
    )
    shown = columns("PROXY KIND STATUS LAST-ACK NACK PID RESTARTS | REFUSED")
    return Table("proxies", namespaced=False, columns=shown, rows=tuple(rows))


def proxy_objects(view: View, name: str | None) -> list[Json]:
    """Every proxy, or the one of that name, as an object."""
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "Proxy",
            "metadata": {"name": proxy.name},
            "status": {"state": proxy_state(proxy)}
            | _without(msgspec.to_builtins(proxy), {"name"}),
        }
        for proxy in _proxies(view, name)
    ]


def problem_table(view: View, namespace: str | None) -> Table:
    """Every problem, or those of objects in a namespace and of whole documents."""
    rows = (
        Row(
            problem.namespace,
            problem.name,
            (
                problem.severity.upper(),
                problem.code,
                f"{problem.kind}/{problem.name}" if problem.name else problem.kind or NONE,
                place(problem) or NONE,
                problem.message,
                problem.field,
                problem.remedy,
            ),
        )
        for problem in _problems(view, namespace)
    )
    shown = columns("SEVERITY CODE OBJECT PLACE MESSAGE | FIELD REMEDY")
    return Table("problems", namespaced=True, columns=shown, rows=tuple(rows))


def problem_objects(view: View, namespace: str | None) -> list[Json]:
    """The same as objects."""
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "Problem",
            "metadata": {"name": problem.code.lower(), "namespace": problem.namespace},
            "problem": msgspec.to_builtins(problem),
        }
        for problem in _problems(view, namespace)
    ]


def place(problem: api.Problem) -> str:
    """``file:line``, as far as it is known."""
    return f"{problem.file}:{problem.line}" if problem.line else problem.file


def _proxies(view: View, name: str | None) -> Iterable[ProxyFacts]:
    found = sorted(view.proxies.items())
    return [proxy for key, proxy in found if name in {None, key}]


def _problems(view: View, namespace: str | None) -> Iterable[api.Problem]:
    """A problem without object belongs to every namespace."""
    return [p for p in view.live.problems() if namespace is None or p.namespace in {namespace, ""}]


def _without(fields: dict[str, Any], names: set[str]) -> Json:
    return {name: value for name, value in fields.items() if name not in names}
