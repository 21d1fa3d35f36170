"""XBackendTrafficPolicy (GEP-3388): how much may be retried to a backend, and sessions (GEP-1619).

In: policies, Services and XBackends. Out: what each asks for, which one is for which backend, and
a report with one entry for each ancestor. Among policies for one backend the older one counts, then
the first by name.

Proxies count the requests that are active, not those of an interval, and a number of retries at a
time rather than a rate; conditions say so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.cluster import RetryBudget
from fairlead.ir.http_policy import SessionPersistence
from fairlead.ir.origin import Origin
from fairlead.translate import age, policy_target, session_persistence
from fairlead.translate.conditions import Conditions, Refusal
from fairlead.translate.finding import Finding
from fairlead.translate.policy_target import Ancestry, TargetKey
from fairlead.translate.report import Condition, Report
from fairlead.translate.sources import Key, Sources


class Traffic(msgspec.Struct, frozen=True):
    """What one policy asks for."""

    origin: Origin
    retry_budget: RetryBudget | None = None
    session: SessionPersistence | None = None
    refused: Finding | None = None
    """Why it is not carried out; then it has no effect."""
    notes: tuple[str, ...] = ()
    """What its owner should know although it is."""


@dataclass(frozen=True, slots=True)
class BackendTrafficPolicies:
    """The policies, read."""

    sources: Sources
    asked: Collection[Key, Traffic]
    by_target: Index[Key, api.XBackendTrafficPolicy, TargetKey]

    def of(self, ctx: Context, target: TargetKey) -> Traffic | None:
        """Return what the policy for a backend asks for; None if there is none."""
        winner = age.first(ctx.fetch_by(self.by_target, target))
        asked = ctx.fetch(self.asked, winner) if winner is not None else None
        return asked if asked is not None and asked.refused is None else None


def build(sources: Sources) -> BackendTrafficPolicies:
    """Read the policies."""
    policies = sources.backend_traffic_policies
    return BackendTrafficPolicies(
        sources,
        policies.map("XBackendTrafficPolicies", lambda _ctx, key, policy: _read(key, policy)),
        policies.index("XBackendTrafficPolicies by target", policy_target.targets),
    )


def reports(policies: BackendTrafficPolicies, ancestry: Ancestry) -> Collection[Key, Report]:
    """Derive the reports of all policies."""

    def report(ctx: Context, key: Key, policy: api.XBackendTrafficPolicy) -> Report | None:
        generation = policy.metadata.generation
        asked = ctx.fetch(policies.asked, key)
        entries = (
            (ancestor, (_accepted(Conditions(generation), asked, refusal),))
            for ref, refusal in _judged(ctx, policies, key, policy)
            for ancestor in ancestry.of_target(ctx, key[0], ref)
        )
        return policy_target.report("XBackendTrafficPolicy", key, generation, entries)

    source = policies.sources.backend_traffic_policies
    return source.map("XBackendTrafficPolicy reports", report)


def _read(key: Key, policy: api.XBackendTrafficPolicy) -> Traffic:
    """Read one policy."""
    origin = Origin("XBackendTrafficPolicy", *key)
    constraint, sessions = policy.spec.retry_constraint, policy.spec.session_persistence
    budget, notes = _budget(constraint) if constraint else (None, ())
    if sessions is None:
        return Traffic(origin, budget, notes=notes)
    owner = ("XBackendTrafficPolicy", *key)
    session = session_persistence.read(sessions, "spec.sessionPersistence", owner)
    if isinstance(session, Finding):
        return Traffic(origin, refused=session)
    lost = session_persistence.without_effect(sessions)
    return Traffic(origin, budget, session, notes=(*notes, *filter(None, (lost,))))


def _budget(constraint: api.RetryConstraint) -> tuple[RetryBudget, tuple[str, ...]]:
    """The retry budget that comes closest to a constraint, and in what it differs."""
    rate, budget = constraint.min_retry_rate, constraint.budget
    seconds = api.duration.seconds(rate.interval) if rate.interval is not None else 1.0
    minimum = ceil((rate.count or 1) / seconds) if seconds else rate.count or 1
    note = (
        f"{budget.percent}% of the requests active at a time may be retries, and always {minimum} "
        "at a time; proxies do not count by the interval"
    )
    return RetryBudget(float(budget.percent), minimum), (note,)


def _judged(
    ctx: Context, policies: BackendTrafficPolicies, key: Key, policy: api.XBackendTrafficPolicy
) -> Iterator[tuple[api.LocalPolicyTargetReference, Refusal | None]]:
    """Yield the targets of a policy, and why it does not count for them."""
    for index, ref in enumerate(policy.spec.target_refs):
        field = f"spec.targetRefs[{index}]"
        yield ref, _refusal(ctx, policies, key, policy_target.target(key[0], ref), ref, field)


def _refusal(  # noqa: PLR0917 - one entry of targetRefs and where it stands
    ctx: Context,
    policies: BackendTrafficPolicies,
    key: Key,
    target: TargetKey | None,
    ref: api.LocalPolicyTargetReference,
    field: str,
) -> Refusal | None:
    """Why a policy does not count for one target."""
    if target is None:
        message = f"{ref.kind} of group {ref.group!r} cannot be targeted; use a Service"
        return "TargetNotFound", f"{field}.kind: {message}"
    sources = policies.sources
    source = sources.services if target[0] == "Service" else sources.backends
    if ctx.fetch(source, target[1:]) is None:
        return "TargetNotFound", f"{field}.name: {ref.kind} {key[0]}/{ref.name} does not exist"
    winner = age.first(ctx.fetch_by(policies.by_target, target))
    if winner is not None and winner != key:
        message = (
            f"XBackendTrafficPolicy {winner[1]} is for {ref.kind} {ref.name} too and comes first; "
            "remove one"
        )
        return "Conflicted", f"{field}: {message}"
    return None


def _accepted(make: Conditions, asked: Traffic | None, refusal: Refusal | None) -> Condition:
    if refusal is not None:
        return make.negative("Accepted", refusal)
    if asked is not None and asked.refused is not None:
        return make.false("Accepted", "Invalid", str(asked.refused))
    notes = asked.notes if asked is not None else ()
    return make.true("Accepted", "Accepted", "; ".join(notes) or "applies")
