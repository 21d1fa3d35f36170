"""BackendTLSPolicy (GEP-1897): TLS that proxies originate towards the endpoints of Services.

In: policies, Services, and authorities. Out: for each policy what it asks for, which policy is for
which Service port, and a report with one entry for each ancestor. A policy for a port (by
`sectionName`) goes before one for the whole Service; among equals the older one, then the first by
name. A policy that cannot be carried out is not replaced by the next one: nothing is sent.

It holds for all who send by a proxy: routes of Gateways, mirrors, authorization, and pods in the
mesh. TLS that is passed through (TLSRoute) stays as it comes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.cluster import UpstreamTls
from fairlead.translate import age, policy_target, service_port, upstream_tls
from fairlead.translate.conditions import Conditions, Refusal
from fairlead.translate.finding import sentence
from fairlead.translate.policy_target import Ancestry, TargetKey
from fairlead.translate.report import Condition, Report
from fairlead.translate.sources import Key, Sources
from fairlead.translate.trust import TrustInputs
from fairlead.translate.upstream_tls import Origination


@dataclass(frozen=True, slots=True)
class BackendTlsPolicies:
    """The policies, read."""

    sources: Sources
    asked: Collection[Key, Origination]
    """What each policy asks for."""
    by_target: Index[Key, api.BackendTLSPolicy, TargetKey]

    def of_port(
        self, ctx: Context, service: Key, port_name: str
    ) -> tuple[Key, UpstreamTls | None] | None:
        """Return the policy for a port of a Service, and the TLS that it comes to.

        None if there is no policy; with a policy but without TLS, nothing may be sent.
        """
        winner = _winner(ctx, self, service, port_name)
        if winner is None:
            return None
        asked = ctx.fetch(self.asked, winner)
        return winner, asked.tls if asked else None


def build(sources: Sources, trusts: TrustInputs) -> BackendTlsPolicies:
    """Read the policies."""

    def read(ctx: Context, key: Key, policy: api.BackendTLSPolicy) -> Origination:
        owner = ("BackendTLSPolicy", *key)
        return upstream_tls.originate(ctx, trusts, owner, policy.spec.validation)

    policies = sources.backend_tls_policies
    return BackendTlsPolicies(
        sources,
        policies.map("BackendTLSPolicies", read),
        policies.index("BackendTLSPolicies by target", policy_target.targets),
    )


def reports(policies: BackendTlsPolicies, ancestry: Ancestry) -> Collection[Key, Report]:
    """Derive the reports of all policies."""

    def report(ctx: Context, key: Key, policy: api.BackendTLSPolicy) -> Report | None:
        generation = policy.metadata.generation
        make = Conditions(generation)
        asked = ctx.fetch(policies.asked, key) or Origination(None)
        entries = (
            (ancestor, _conditions(make, policy, asked, refusal))
            for target, refusal in _judged(ctx, policies, key, policy)
            for ancestor in ancestry.of_target(ctx, key[0], target.ref)
        )
        return policy_target.report("BackendTLSPolicy", key, generation, entries)

    return policies.sources.backend_tls_policies.map("BackendTLSPolicy reports", report)


class _Target(msgspec.Struct, frozen=True):
    """One entry of `targetRefs`."""

    ref: api.LocalPolicyTargetReferenceWithSectionName
    key: TargetKey | None
    """None for a kind that nothing is sent to."""


def _winner(
    ctx: Context, policies: BackendTlsPolicies, service: Key, port_name: str | None
) -> Key | None:
    """The policy for a port, or for a whole Service if None."""
    found = ctx.fetch_by(policies.by_target, ("Service", *service))
    if port_name:
        own = age.first(
            (key, policy) for key, policy in found if port_name in _sections(policy, service[1])
        )
        if own is not None:
            return own
    return age.first(
        (key, policy) for key, policy in found if None in _sections(policy, service[1])
    )


def _sections(policy: api.BackendTLSPolicy, service: str) -> set[str | None]:
    """The ports of a Service that a policy targets by name; None stands for all."""
    return {
        ref.section_name or None
        for ref in policy.spec.target_refs
        if (ref.group, ref.kind, ref.name) == ("", "Service", service)
    }


def _judged(
    ctx: Context, policies: BackendTlsPolicies, key: Key, policy: api.BackendTLSPolicy
) -> Iterator[tuple[_Target, Refusal | None]]:
    """Yield the targets of a policy, and why it does not count for them."""
    for index, ref in enumerate(policy.spec.target_refs):
        target = _Target(ref, policy_target.target(key[0], ref))
        yield target, _refusal(ctx, policies, key, target, f"spec.targetRefs[{index}]")


def _refusal(
    ctx: Context, policies: BackendTlsPolicies, key: Key, target: _Target, field: str
) -> Refusal | None:
    """Why a policy does not count for one target."""
    ref = target.ref
    if target.key is None:
        message = f"{ref.kind} of group {ref.group!r} cannot be targeted; use a Service"
        return "TargetNotFound", f"{field}.kind: {message}"
    if target.key[0] != "Service":
        message = f"the TLS of an {ref.kind} stands in its own spec.tls; write it there"
        return "TargetNotFound", f"{field}.kind: {message}"
    service = target.key[1:]
    found = ctx.fetch(policies.sources.services, service)
    if found is None:
        message = f"Service {service[0]}/{service[1]} does not exist"
        return "TargetNotFound", f"{field}.name: {message}"
    section = ref.section_name or None
    if section is not None:
        names = [port.name for port in service_port.ports(found)]
        if section not in names:
            known = ", ".join(filter(None, names)) or "none with a name"
            shown = f"Service {service[0]}/{service[1]}"
            message = f"{shown} has no port called {section}; it has {known}"
            return "TargetNotFound", f"{field}.sectionName: {message}"
    winner = _winner(ctx, policies, service, section)
    if winner is not None and winner != key:
        what = f"port {section} of Service {ref.name}" if section else f"Service {ref.name}"
        message = f"BackendTLSPolicy {winner[1]} is for {what} too and comes first; remove one"
        return "Conflicted", f"{field}: {message}"
    return None


def _conditions(
    make: Conditions, policy: api.BackendTLSPolicy, asked: Origination, refusal: Refusal | None
) -> tuple[Condition, ...]:
    """Accepted and ResolvedRefs for one ancestor."""
    invalid = [finding for finding in asked.findings if finding.reason != "Invalid"]
    if refusal is None and asked.tls is None:
        reason = "NoValidCACertificate" if invalid else "Invalid"
        message = f"{sentence(asked.findings)}; requests are answered 500 until that is put right"
        refusal = (reason, message)
    if refusal is not None:
        accepted = make.negative("Accepted", refusal)
    else:
        accepted = make.true("Accepted", "Accepted", _applied(policy))
    if invalid:
        told = sentence(tuple(invalid))
        return accepted, make.false("ResolvedRefs", invalid[0].reason, told)
    return accepted, make.true("ResolvedRefs", "ResolvedRefs", "every reference resolves")


def _applied(policy: api.BackendTLSPolicy) -> str:
    """What an accepted policy does."""
    message = f"TLS is originated with SNI {policy.spec.validation.hostname}"
    if policy.spec.options:
        names = ", ".join(sorted(policy.spec.options))
        message += f"; spec.options without effect: {names}"
    return message
