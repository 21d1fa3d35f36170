"""Routes that a Gateway serves with TLS and without (Gateway API's HTTP to HTTPS redirect)."""

from collections.abc import Iterator

from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.api.codes import Code
from fairlead.ir.rule import Route as Forwarding
from fairlead.ir.rule import Rule
from fairlead.translate.sources import Key


def remarks(facts: Facts) -> Iterator[Remark]:
    """Look at the hosts that a Gateway has on ports of both sorts."""
    secured: set[tuple[str, str, str, Key]] = set()
    for host in facts.virtual_hosts:
        gateway, _, port = host.table.rpartition("/")
        if port.startswith("tls-"):
            secured.update((gateway, host.name, *_route(rule)) for rule in _forwarding(host.rules))
    routes = {(each.kind, each.key): each for each in facts.routes}
    told: dict[tuple[str, Key], set[str]] = {}
    for host in facts.virtual_hosts:
        gateway, _, port = host.table.rpartition("/")
        if port.startswith("http-"):
            for rule in _forwarding(host.rules):
                if (gateway, host.name, *_route(rule)) in secured:
                    told.setdefault(_route(rule), set()).add(port.removeprefix("http-"))
    for each in sorted(told):
        route = routes.get(each)
        if route is not None:
            ports = ", ".join(sorted(told[each], key=int))
            yield remark(
                route,
                Code.PLAIN_TEXT,
                ("spec", "parentRefs"),
                f"the route is served with TLS, and the same without on port {ports}",
                "name the HTTPS listener by sectionName, and let a route of its own redirect the "
                "HTTP listener to https (RequestRedirect)",
            )


def _forwarding(rules: tuple[Rule, ...]) -> Iterator[Rule]:
    return (rule for rule in rules if isinstance(rule.action, Forwarding))


def _route(rule: Rule) -> tuple[str, Key]:
    return rule.origin.kind, (rule.origin.namespace, rule.origin.name)
