"""What keeps a running instance from doing what is decided: refusals, and documents with errors."""

from collections.abc import Iterable, Iterator

from fairlead import api
from fairlead.analysis.explain.decision import Decision
from fairlead.analysis.view import View, rejections_of
from fairlead.ir.origin import Origin

MOST = 5
"""Documents with errors that are told one by one."""


def warnings(view: View, decision: Decision) -> Iterator[str]:
    """Where the proxy may serve something else than what is decided."""
    where = decision.where
    proxy = view.proxies.get(where.proxy) if where is not None else None
    if proxy is None:
        return
    if not proxy.connected:
        yield f"proxy {proxy.name} is not connected: it serves what it had last, if it runs at all"
    elif not proxy.synced:
        yield f"proxy {proxy.name} has not acknowledged the newest configuration yet"
    told: set[str] = set()
    for origin in _origins(decision):
        for refused in rejections_of(proxy, origin.kind, (origin.namespace, origin.name)):
            told.add(
                f"proxy {proxy.name} refused {refused.part or refused.name}: {refused.message}; "
                "it serves what it had before, or an error"
            )
    yield from sorted(told)


def _origins(decision: Decision) -> Iterator[Origin]:
    """The objects that the decision comes from."""
    if decision.rule is not None:
        yield decision.rule.origin
    chain = decision.where.chain if decision.where is not None else None
    if chain is not None and chain.origin is not None:
        yield chain.origin
    for share in decision.shares:
        if share.backend.origin is not None:
            yield share.backend.origin


def unread(problems: Iterable[api.Problem]) -> list[str]:
    """Documents with errors: what they hold is served as it was before, or not at all."""
    found = [str(problem) for problem in problems if problem.severity == "error"]
    if len(found) <= MOST:
        return found
    return [*found[:MOST], f"and {len(found) - MOST} more (fairlead get problems)"]
