"""What owners of XBackends are told (BackendStatus): one entry for each ancestor."""

from typing import Final

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.translate import policy_target, session_persistence
from fairlead.translate.backend import Backend
from fairlead.translate.conditions import Conditions
from fairlead.translate.finding import sentence
from fairlead.translate.policy_target import Ancestry
from fairlead.translate.report import Condition, Report
from fairlead.translate.sources import Key, Sources

MOST_ANCESTORS: Final = 32
"""Entries of BackendStatus.ancestors."""


def build(
    sources: Sources, known: Collection[Key, Backend], ancestry: Ancestry
) -> Collection[Key, Report]:
    """Derive the reports of all XBackends."""

    def report(ctx: Context, key: Key, source: api.XBackend) -> Report | None:
        found = ctx.fetch(known, key)
        if found is None:
            return None
        generation = source.metadata.generation
        accepted = (_accepted(Conditions(generation), source.spec, found),)
        entries = ((ancestor, accepted) for ancestor in ancestry.of(ctx, ("XBackend", *key)))
        return policy_target.report("XBackend", key, generation, entries, MOST_ANCESTORS)

    return sources.backends.map("XBackend reports", report)


def _accepted(make: Conditions, spec: api.BackendSpec, found: Backend) -> Condition:
    if not found.usable:
        message = f"{sentence(found.findings)}; requests are answered 500 until that is put right"
        return make.false("Accepted", found.findings[0].reason, message)
    return make.true("Accepted", "Accepted", "; ".join(_notes(spec, found)))


def _notes(spec: api.BackendSpec, found: Backend) -> tuple[str, ...]:
    """What its owner should know although it is accepted."""
    notes = [str(finding) for finding in found.findings]
    if found.hostname and found.tls is None:
        notes.append("spec.tls: mode None sends in clear text to a host outside the cluster")
    if spec.session_persistence is not None:
        lost = session_persistence.without_effect(spec.session_persistence)
        if lost:
            notes.append(f"spec.sessionPersistence: {lost}")
    return tuple(notes) or ("applies",)
