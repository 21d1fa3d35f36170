"""Why the other routes do not serve a request: each that could be meant, with its reason.

Those are the routes of the virtual host, those that name the same Gateway or Service as a parent,
and those whose hostnames are about the request's host, wherever they are attached.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

import msgspec

from fairlead.analysis.explain.decision import Decision, Where
from fairlead.analysis.explain.facts import Facts
from fairlead.analysis.explain.matching import Asked, failures
from fairlead.analysis.explain.order import place_of, reason, route_of
from fairlead.analysis.explain.request import Request, split_port
from fairlead.analysis.routes import ROUTE_KINDS, Route, hostnames
from fairlead.ir.listener import TcpChain
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Rule
from fairlead.ir.virtual_host import VirtualHost
from fairlead.translate import hostnames as names
from fairlead.translate.report import ParentReport
from fairlead.translate.sources import Key

RouteKey = tuple[str, str, str]
"""Kind, namespace and name."""


class Loser(msgspec.Struct, frozen=True):
    """A route, or one of its rules, that does not serve the request."""

    kind: str
    namespace: str
    name: str
    rule: str
    """Name of the rule or its index; empty for the whole route."""
    match: str
    """Index of the match, where the rule has several; else empty."""
    why: str
    distance: int
    """How far it is from serving the request: 0 it matches as well; 1 its parent does not take it;
    2 and more some of its conditions do not hold; `OTHER_HOST`."""

    @property
    def near(self) -> bool:
        """It would take the request if what comes before it did not."""
        return not self.distance


OTHER_HOST = 100
"""Distance of a route that is for other hosts."""


_FIRST = "which comes first"
"""What conditions say of routes that another one takes a port or name from."""
_WITHOUT_HOSTS = frozenset({"TCPRoute", "UDPRoute"})


class Losers:
    """The losers of one decision."""

    def __init__(self, facts: Facts, request: Request, decision: Decision) -> None:
        self._facts = facts
        self._request = request
        self._decision = decision
        self._shown = decision.shown

    def all(self) -> list[Loser]:
        """All, the nearest first; else in the order in which they are tried."""
        return sorted(self._found(), key=lambda loser: loser.distance)

    def _found(self) -> list[Loser]:
        host = self._decision.host
        if self._decision.where is not None and self._decision.where.table and not self._shown:
            return []  # no rule was looked for
        in_host = list(self._in_host(host)) if host is not None else []
        rules = host.rules if host is not None else ()
        known = {_route_key(rule.origin) for rule in rules} | set(self._serving)
        if self._decision.where is None:
            return in_host
        return [*in_host, *self._elsewhere(self._decision.where, known)]

    def _in_host(self, host: VirtualHost) -> Iterator[Loser]:
        shown = self._shown
        if shown is None:
            return
        asked, winner, passed = Asked(shown), self._decision.rule, False
        for rule in host.rules:
            if rule is winner:
                passed = True
                continue
            if rule.origin.kind not in ROUTE_KINDS:
                continue
            missing = tuple(failures(rule.match, asked))
            if missing:
                yield self._loser(rule, "; ".join(missing), 1 + len(missing))
            elif passed and winner is not None:
                why = reason(self._facts, host, winner, rule)
                yield self._loser(rule, f"matches as well, but {why}", 0)
            else:
                yield self._loser(rule, f"matches, but {self._decision.why}", 0)

    def _loser(self, rule: Rule, why: str, distance: int) -> Loser:
        origin = rule.origin
        index, match = place_of(rule)
        route = route_of(self._facts, origin)
        several = route is not None and len(route.spec.rules[index].matches) > 1
        return Loser(
            origin.kind,
            origin.namespace,
            origin.name,
            origin.rule,
            str(match) if several else "",
            why,
            distance,
        )

    def _elsewhere(self, where: Where, known: set[RouteKey]) -> Iterator[Loser]:
        for kind in ROUTE_KINDS:
            for key, route in self._facts.sources.of(kind).items():
                if (kind, *key) in known:
                    continue
                why = self._why_not(where, kind, key, route)
                if why:
                    distance = 1 if self._names_host(route) else OTHER_HOST
                    yield Loser(kind, *key, "", "", why, distance)

    def _why_not(self, where: Where, kind: str, key: Key, route: Route) -> str:
        """Why a route has no rule in the virtual host; empty if nobody would expect it to."""
        report = self._facts.outputs.reports.get((kind, *key))
        parents = report.parents if report is not None else ()
        here = [each for each in parents if self._is_here(where, each, key[0])]
        if where.kind == "gateway" and not _carries(kind, where):
            return ""
        refused = [why for each in here if (why := _refusal(each))]
        if where.kind == "mesh":
            return self._why_not_for_pod(where, key, here, refused) if here else ""
        if not here:
            return self._elsewhere_attached(kind, key, route, parents)
        if len(refused) == len(here):
            return refused[0]
        if not self._names_host(route):
            listed = ", ".join(hostnames(route)) or "those of its listeners"
            return f"its hostnames ({listed}) do not cover {self._host()}"
        place = self._other_place if where.table else self._passed_by
        return place(where, (kind, *key), here)

    def _passed_by(self, where: Where, route: RouteKey, here: list[ParentReport]) -> str:
        """Why a route does not serve connections or datagrams; empty if it does."""
        told = [
            condition.message
            for each in here
            for condition in each.conditions
            if condition.type == "Accepted" and _FIRST in condition.message
        ]
        if told:
            return told[0]
        if where.chain is not None:
            return self._other_place(where, route, here)
        if any(self._means(where, each) for each in here):
            return ""
        return "it is attached to another listener"

    def _means(self, where: Where, parent: ParentReport) -> bool:
        """Whether a parentRef means the port that was called, among others."""
        reference = parent.parent_ref
        if reference.port not in {None, where.port}:
            return False
        found = self._facts.sources.gateways.get((where.namespace, where.name))
        listeners = found.spec.listeners if found is not None else ()
        named = [each.port for each in listeners if each.name == reference.section_name]
        return not named or where.port in named

    def _elsewhere_attached(
        self, kind: str, key: Key, route: Route, parents: tuple[ParentReport, ...]
    ) -> str:
        if kind in _WITHOUT_HOSTS or not self._names_host(route):
            return ""
        listed = ", ".join(_parent(each, key[0]) for each in parents)
        return f"it is not attached to this Gateway, but to {listed or 'nothing that is served'}"

    def _why_not_for_pod(
        self, where: Where, key: Key, here: list[ParentReport], refused: list[str]
    ) -> str:
        if not where.meshed:
            return f"pod {where.namespace}/{where.name} opted out of the mesh, so no route acts"
        if len(refused) == len(here):
            return refused[0]
        service = here[0].parent_ref.key_from(key[0])
        if key[0] not in {service[0], where.namespace}:
            return f"it acts for clients of namespace {key[0]} only, since its Service is not there"
        if key[0] != where.namespace:
            return f"routes of the client's own namespace {where.namespace} take its place"
        ports = {each.parent_ref.port for each in here}
        if ports and None not in ports:
            return f"it is for port {', '.join(map(str, sorted(filter(None, ports))))}"
        return "routes of another kind govern the port"

    def _is_here(self, where: Where, parent: ParentReport, namespace: str) -> bool:
        """Whether a parent is what the request came to."""
        reference = parent.parent_ref
        key = reference.key_from(namespace)
        if where.kind == "mesh":
            return reference.kind == "Service" and key == self._service
        if reference.kind == "ListenerSet":
            found = self._facts.sources.listener_sets.get(key)
            if found is None:
                return False
            key = found.spec.parent_ref.key_from(key[0])
        elif reference.kind != "Gateway":
            return False
        return key == (where.namespace, where.name)

    @cached_property
    def _service(self) -> Key | None:
        """The Service that a pod calls."""
        host = self._decision.host
        parts = host.name.split("/") if host is not None else []
        return (parts[0], parts[1]) if len(parts) == 3 else None  # noqa: PLR2004 - with the port

    @cached_property
    def _serving(self) -> tuple[RouteKey, ...]:
        """The routes that serve a connection or datagram."""
        where = self._decision.where
        chain = where.chain if where is not None else None
        origins = [chain.origin] if isinstance(chain, TcpChain) else []
        origins += [share.backend.origin for share in self._decision.shares]
        return tuple(_route_key(origin) for origin in origins if origin is not None)

    def _host(self) -> str:
        host = self._shown.host if self._shown is not None else self._request.host
        return split_port(host)[0].lower()

    def _names_host(self, route: Route) -> bool:
        listed = hostnames(route)
        return not listed or any(names.covers(each, self._host()) for each in listed)

    def _other_place(self, where: Where, route: RouteKey, _here: list[ParentReport]) -> str:
        """Where a route is served, if not here."""
        places = self._places.get(route, ())
        here = [host for table, host in places if table == where.table]
        if here:
            return (
                f"on this port it serves {', '.join(sorted(here)[:5])}, and {self._host()} belongs "
                "to a more specific listener"
            )
        listeners = sorted({table.rpartition("/")[2] for table, _ in places})
        if listeners:
            return f"it serves {', '.join(listeners)}, not {where.listener}"
        if where.table:
            return "it has no rule that could serve a request"
        return "it is attached to another listener"

    @cached_property
    def _places(self) -> Mapping[RouteKey, set[tuple[str, str]]]:
        """Tables and virtual hosts in which routes of this Gateway have rules."""
        where = self._decision.where
        mine = f"{where.proxy}/" if where is not None else ""
        found: dict[RouteKey, set[tuple[str, str]]] = defaultdict(set)
        for (table, name), host in self._facts.outputs.virtual_hosts.items():
            if table.startswith(mine):
                for rule in host.rules:
                    found[_route_key(rule.origin)].add((table, name))
        for (proxy, listener, name), chain in self._facts.outputs.chains.items():
            if f"{proxy}/" == mine and isinstance(chain, TcpChain) and chain.origin is not None:
                found[_route_key(chain.origin)].add((f"{proxy}/{listener}", name))
        return found


def _route_key(origin: Origin) -> RouteKey:
    return (origin.kind, origin.namespace, origin.name)


def _carries(kind: str, where: Where) -> bool:
    """Whether routes of a kind can serve what comes to that port at all."""
    match where.listener.partition("-")[0]:
        case "tcp":
            return kind == "TCPRoute"
        case "udp":
            return kind == "UDPRoute"
        case _:
            return kind == "TLSRoute" if not where.table else kind in {"HTTPRoute", "GRPCRoute"}


def _refusal(parent: ParentReport) -> str:
    """Why a parent does not take the route; empty if it does."""
    for condition in parent.conditions:
        if condition.type == "Accepted" and condition.status == "False":
            return f"not accepted ({condition.reason}): {condition.message}"
    return ""


def _parent(parent: ParentReport, namespace: str) -> str:
    reference = parent.parent_ref
    return f"{reference.kind} {'/'.join(reference.key_from(namespace))}"
