"""DestinationRules beside routes: mutual TLS, subsets, and Services that have no policy."""

from collections.abc import Iterator, Mapping

from fairlead import api
from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.api.codes import Code
from fairlead.translate import destination_rule, enrolment
from fairlead.translate.sources import Key


def remarks(facts: Facts) -> Iterator[Remark]:
    """Look at every DestinationRule, then at Services that are parents."""
    domain = facts.settings.cluster_domain
    hosts = {destination_rule.resolve(rule, domain) for rule in facts.objects("DestinationRule")}
    services = {
        destination_rule.names(key, domain)[0]: key for key, _ in facts.sources.services.items()
    }
    for rule in facts.objects("DestinationRule"):
        service = services.get(destination_rule.resolve(rule, domain))
        yield from _mutual_tls(facts, rule, service)
        yield from _subsets(facts, rule, service)
    yield from _roots(facts, hosts)


def _mutual_tls(facts: Facts, rule: api.DestinationRule, service: Key | None) -> Iterator[Remark]:
    policy = rule.spec.traffic_policy
    if policy is None or policy.tls is None or policy.tls.mode != "ISTIO_MUTUAL":
        return
    at = ("spec", "trafficPolicy", "tls", "mode")
    yield remark(
        rule,
        Code.PINNED_MTLS,
        at,
        "ISTIO_MUTUAL asks for mutual TLS always; a mesh uses it by itself where both sides can, "
        "and so pods outside of the mesh stay reachable",
        "remove `tls`, unless such pods shall be cut off",
        severity="info",
    )
    without = (
        [pod.metadata.name for pod in facts.selected(service) if not _meshed(facts, pod)]
        if (service is not None)
        else []
    )
    if without:
        shown = ", ".join(without[:3]) + (f" and {len(without) - 3} more" if without[3:] else "")
        yield remark(
            rule,
            Code.NO_IDENTITY,
            at,
            f"{len(without)} pods of Service {rule.spec.host} are not in the mesh and have no "
            f"identity for mutual TLS: {shown}",
            "enrol them, or remove `tls`",
        )


def _meshed(facts: Facts, pod: api.Pod) -> bool:
    namespace = facts.sources.namespaces.get(("", pod.metadata.namespace))
    labels: Mapping[str, str] = namespace.metadata.labels if namespace is not None else {}
    return enrolment.meshed(pod.metadata.labels, labels)


def _subsets(facts: Facts, rule: api.DestinationRule, service: Key | None) -> Iterator[Remark]:
    subsets = rule.spec.subsets
    if not subsets:
        return
    found = facts.sources.services.get(service) if service is not None else None
    base = rule.spec.host.partition(".")[0]
    names = ", ".join(f"{base}-{subset.name}" for subset in subsets)
    labels = "; ".join(
        f"{base}-{subset.name} selecting "
        + ",".join(
            f"{label}={value}"
            for label, value in sorted(
                {**(found.spec.selector if found is not None else {}), **subset.labels}.items()
            )
        )
        for subset in subsets
    )
    yield remark(
        rule,
        Code.SUBSETS,
        ("spec", "subsets"),
        "routes of Gateway API send to Services and cannot reach subsets",
        f"make a Service of each and name them as backends ({names}): {labels}",
    )


def _roots(facts: Facts, hosts: set[str]) -> Iterator[Remark]:
    """Services whose routes send to backends with policies, and which have none themselves."""
    domain = facts.settings.cluster_domain
    for route in facts.routes:
        backends = {
            ref.key_from(route.metadata.namespace)
            for rule in route.spec.rules
            for ref in rule.backend_refs
            if ref.is_service
        }
        ruled = sorted(key for key in backends if destination_rule.names(key, domain)[0] in hosts)
        for index, service, _ in facts.service_parents(route):
            covered = any(name in hosts for name in destination_rule.names(service, domain))
            if ruled and not covered:
                yield remark(
                    route,
                    Code.NO_ROOT_POLICY,
                    ("spec", "parentRefs", index),
                    f"Service {service[1]} has no DestinationRule, its backends have "
                    f"({', '.join(key[1] for key in ruled)}): should this route be lost, requests "
                    "go by the defaults",
                    f"write one for {service[1]} too, if that matters",
                    severity="info",
                )
