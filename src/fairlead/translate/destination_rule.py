"""DestinationRules: which one shapes which Service for whose clients, and what is told about it.

In: DestinationRules and Services. Out: `Scopes` per Service, the read settings per rule, and a
report per rule. As in Istio, the client's namespace is looked up first, then the Service's, then
the root namespace; within one, the most specific host wins, then the older rule, then the name.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.translate import age, traffic_policy
from fairlead.translate.finding import sentence
from fairlead.translate.report import Condition, Report
from fairlead.translate.sources import Key, Settings, Sources
from fairlead.translate.traffic_policy import PortPolicy, TrafficSettings

ROOT_NAMESPACE: Final = "istio-system"
"""Rules here apply to every namespace that has none of its own (Istio's rootNamespace)."""

ANY_HOST: Final = "*"

Candidates: TypeAlias = list[tuple[int, Key, api.DestinationRule]]
"""(position of the host among the Service's, closest first; key; rule)."""


class Scopes(msgspec.Struct, frozen=True):
    """The DestinationRules of one Service, by key."""

    shared: Key | None = None
    """For clients of every namespace not named in `own`."""
    own: tuple[tuple[str, Key | None], ...] = ()
    """(client namespace, rule) where it differs from `shared`, sorted."""


@dataclass(frozen=True, slots=True)
class DestinationRules:
    """What the clusters are shaped by."""

    scopes: Collection[Key, Scopes]
    """By Service; none where no rule names it."""
    settings: Collection[Key, TrafficSettings]
    """By DestinationRule."""
    reports: Collection[Key, Report]
    """By DestinationRule."""

    def port_policy(self, ctx: Context, rule: Key | None, port: int) -> PortPolicy:
        """Return what `rule` makes of a Service port; the defaults for None."""
        settings = ctx.fetch(self.settings, rule) if rule else None
        return settings.on(port) if settings else PortPolicy()


@dataclass(frozen=True, slots=True)
class _Hosts:
    """Who calls which host its own."""

    rules: Index[Key, api.DestinationRule, str]
    """By the host a rule names."""
    services: Index[Key, api.Service, str]
    """By every host that names a Service, wildcards included."""
    domain: str


def build(sources: Sources, settings: Settings) -> DestinationRules:
    """Derive scopes, settings and reports."""
    domain = settings.cluster_domain
    rules = sources.destination_rules
    hosts = _Hosts(
        rules.index("destination rules by host", lambda _key, rule: _host(rule, domain)),
        sources.services.index("services by host", lambda key, _service: names(key, domain)),
        domain,
    )

    def scopes(ctx: Context, key: Key, _service: api.Service) -> Scopes | None:
        found: Candidates = [
            (position, rule_key, rule)
            for position, host in enumerate(names(key, domain))
            for rule_key, rule in ctx.fetch_by(hosts.rules, host)
        ]
        return _scopes(key[0], found) if found else None

    read = rules.map("traffic settings", lambda _ctx, _key, rule: traffic_policy.read(rule))

    def report(ctx: Context, key: Key, rule: api.DestinationRule) -> Report:
        generation = rule.metadata.generation
        findings = (ctx.fetch(read, key) or TrafficSettings()).findings
        outdated = tuple(finding for finding in findings if finding.reason == "Deprecated")
        without_effect = tuple(finding for finding in findings if finding not in outdated)
        reason, message = _verdict(ctx, hosts, key, rule)
        status = "True" if reason == "Accepted" else "False"
        said = "; ".join((message, *map(str, outdated)))
        conditions = [Condition("Accepted", status, reason, said, generation)]
        if without_effect:
            text = sentence(without_effect, most=len(without_effect))
            conditions.append(Condition("NotApplied", "True", "FieldsNotApplied", text, generation))
        return Report("DestinationRule", *key, generation, tuple(conditions))

    return DestinationRules(
        scopes=sources.services.map("destination rule scopes", scopes),
        settings=read,
        reports=rules.map("destination rule reports", report),
    )


def names(service: Key, domain: str) -> tuple[str, ...]:
    """Return the hosts a rule may name a Service by: its FQDN, then wildcards, closest first."""
    namespace, name = service
    labels = (namespace, "svc", *domain.split("."))
    wildcards = (f"*.{'.'.join(labels[start:])}" for start in range(len(labels)))
    return (f"{name}.{'.'.join(labels)}", *wildcards, ANY_HOST)


def resolve(rule: api.DestinationRule, domain: str) -> str:
    """Return the host of a rule in lower case; a short name is one of the rule's namespace."""
    host = rule.spec.host.lower()
    if "." in host or host.startswith("*"):
        return host
    return f"{host}.{rule.metadata.namespace}.svc.{domain}"


def _scopes(service_namespace: str, found: Candidates) -> Scopes:
    """Decide which of the rules that name a Service applies to whom."""
    clients = {namespace for _, (namespace, _), _ in found}
    clients.update(
        name for _, _, rule in found for name in rule.spec.export_to if name not in {".", "*"}
    )
    shared = _effective(None, service_namespace, found)
    effective = (
        (client, _effective(client, service_namespace, found)) for client in sorted(clients)
    )
    return Scopes(shared, tuple((client, rule) for client, rule in effective if rule != shared))


def _effective(client: str | None, service_namespace: str, found: Candidates) -> Key | None:
    """Return the rule for clients of a namespace; None stands for one that has no rules."""
    for namespace in (client, service_namespace, ROOT_NAMESPACE):
        rules = [
            (position, age.order(rule.metadata), key)
            for position, key, rule in found
            if key[0] == namespace and _visible(rule, client, first=namespace == client)
        ]
        if rules:
            return min(rules)[2]
    return None


def _visible(rule: api.DestinationRule, client: str | None, *, first: bool) -> bool:
    """True if a rule is meant for clients of a namespace (exportTo; empty is everybody).

    Clients in the root namespace see its public rules last, like everyone else: they are the
    mesh's defaults, not that namespace's own.
    """
    own = rule.metadata.namespace
    exported = _exported(rule)
    if first and own == ROOT_NAMESPACE and exported != {own}:
        return False
    return "*" in exported or client in exported


def _exported(rule: api.DestinationRule) -> set[str]:
    """Return the namespaces whose clients a rule is meant for; ``*`` stands for all."""
    own = rule.metadata.namespace
    return {own if name == "." else name for name in rule.spec.export_to} or {"*"}


def _covers(rival: api.DestinationRule, rule: api.DestinationRule) -> bool:
    """True if a rule of the same namespace and host is meant for all whom `rule` is meant for."""
    exported = _exported(rival)
    return "*" in exported or _exported(rule) <= exported


def _host(rule: api.DestinationRule, domain: str) -> tuple[str, ...]:
    """Index term of a rule; none for one that is meant for some pods only."""
    return () if rule.spec.workload_selector else (resolve(rule, domain),)


def _verdict(ctx: Context, hosts: _Hosts, key: Key, rule: api.DestinationRule) -> tuple[str, str]:
    """Return reason and message of a rule's Accepted condition; the reason ``Accepted`` is True."""
    if rule.spec.workload_selector:
        message = "rules for some of a namespace's pods are not supported; it has no effect"
        return "UnsupportedValue", f"spec.workloadSelector: {message}"
    host = resolve(rule, hosts.domain)
    rivals = (
        (rival_key, rival)
        for rival_key, rival in ctx.fetch_by(hosts.rules, host)
        if rival_key[0] == key[0] and _covers(rival, rule)
    )
    winner = age.first(rivals)
    if winner is not None and winner != key:
        return "Conflicted", f"spec.host: DestinationRule {winner[1]} is for {host} too; merge them"
    if not ctx.count_by(hosts.services, host):
        return "TargetNotFound", f"spec.host: {_not_found(host, hosts.domain)}"
    return "Accepted", f"applies to {host}"


def _not_found(host: str, domain: str) -> str:
    """Say that no Service has this name, and what may have been meant."""
    message = f"no Service is called {host}"
    if host.startswith("*") or host.endswith(f".svc.{domain}"):
        return message
    name, namespace, *rest = host.split(".")
    if rest in ([], ["svc"]):
        return f"{message}; write {name}.{namespace}.svc.{domain}"
    return f"{message}; write a Service's name, or NAME.NAMESPACE.svc.{domain}"
