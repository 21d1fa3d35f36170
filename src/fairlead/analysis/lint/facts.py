"""What rules of lint look at: objects, and what translation makes of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from fairlead import api
from fairlead.analysis.routes import ROUTE_KINDS, Route
from fairlead.ir.rule import Rule
from fairlead.ir.virtual_host import VirtualHost
from fairlead.translate.outputs import Outputs
from fairlead.translate.report import Condition, ParentReport
from fairlead.translate.sources import Key, Settings, Sources


@dataclass(frozen=True)
class Facts:
    """One look at a set of manifests, translated as if everything that is written ran."""

    sources: Sources
    outputs: Outputs
    settings: Settings
    now: datetime
    complete: bool = False
    """Whether what is referred to has to be among the manifests."""

    def objects(self, kind: str) -> tuple[Any, ...]:
        """All objects of a kind, sorted by namespace and name."""
        return tuple(obj for _, obj in self.sources.of(kind).items())

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """All routes, sorted by kind, namespace and name."""
        return tuple(route for kind in ROUTE_KINDS for route in self.objects(kind))

    @cached_property
    def http_routes(self) -> tuple[api.HTTPRoute, ...]:
        """All HTTPRoutes, sorted by namespace and name."""
        return self.objects("HTTPRoute")

    @cached_property
    def virtual_hosts(self) -> tuple[VirtualHost, ...]:
        """All virtual hosts, sorted by table and name."""
        return tuple(host for _, host in self.outputs.virtual_hosts.items())

    @cached_property
    def pods(self) -> Mapping[str, tuple[api.Pod, ...]]:
        """The pods that shall run, by namespace."""
        found: dict[str, list[api.Pod]] = {}
        for key, pod in self.outputs.pods.items():
            found.setdefault(key[0], []).append(pod)
        return {namespace: tuple(pods) for namespace, pods in found.items()}

    def selected(self, key: Key) -> tuple[api.Pod, ...]:
        """The pods that a Service selects; none if it is not there or selects nothing."""
        service = self.sources.services.get(key)
        if service is None or not service.spec.selector:
            return ()
        wanted = set(service.spec.selector.items())
        return tuple(
            pod for pod in self.pods.get(key[0], ()) if wanted <= set(pod.metadata.labels.items())
        )

    def parents(self, route: Route) -> tuple[ParentReport, ...]:
        """What became of each parent of a route."""
        report = self.outputs.reports.get((route.kind, *route.key))
        return report.parents if report is not None else ()

    def service_parents(self, route: Route) -> Iterator[tuple[int, Key, ParentReport]]:
        """Place and key of each Service that a route is accepted by, with its report."""
        for told in self.parents(route):
            ref = told.parent_ref
            if ref.is_service and holds(told.conditions, "Accepted"):
                yield place_of(route, ref), ref.key_from(route.metadata.namespace), told


def holds(conditions: tuple[Condition, ...], kind: str) -> bool:
    """Whether a condition is there and True."""
    return any(each.type == kind and each.status == "True" for each in conditions)


def place_of(route: Route, ref: api.ParentReference) -> int:
    """Index of a parentRef; that of the first one if the route has it by default."""
    refs = route.spec.parent_refs
    return refs.index(ref) if ref in refs else 0


def place_of_rule(rule: Rule) -> tuple[int, int]:
    """Indices of the rule and the match in its route (see `ir.rule.Rule.name`)."""
    _, index, match = rule.name.rsplit("/", 2)
    return int(index), int(match)
