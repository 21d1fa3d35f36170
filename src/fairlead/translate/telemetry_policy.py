"""XTelemetryPolicy (GEP-4768): tracing of the requests that come in by a Gateway.

In: the policies, and which Gateways are ours. Out: `ir.listener.Tracing` for a Gateway, and a
report for each policy with an ancestor for each Gateway of ours that it names (without a cluster,
for each target that is not there as well). One policy counts for a Gateway: the oldest, then the
first by namespace and name; the others are Conflicted.
"""

from collections.abc import Collection as Members
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.listener import SpanAttribute, Tracing
from fairlead.ir.origin import Origin
from fairlead.translate import age, backend_ref
from fairlead.translate.backend_ref import Inputs, Referrer, Scope
from fairlead.translate.conditions import Conditions
from fairlead.translate.finding import Finding, sentence
from fairlead.translate.managed_gateway import ManagedGateway
from fairlead.translate.policy_target import MOST_ANCESTORS
from fairlead.translate.report import AncestorReport, Condition, Report
from fairlead.translate.sources import Key, Settings

KIND: Final = "XTelemetryPolicy"

_WHOLE: Final = 100.0

SEMANTIC: Final = frozenset(
    {
        "client.address",
        "client.port",
        "http.request.body.size",
        "http.request.method",
        "http.response.body.size",
        "http.response.status_code",
        "http.route",
        "network.local.address",
        "network.local.port",
        "network.peer.address",
        "network.protocol.name",
        "network.protocol.version",
        "server.address",
        "server.port",
        "tls.cipher",
        "tls.client.subject",
        "tls.protocol.version",
        "url.path",
        "url.scheme",
        "user_agent.original",
    }
)
"""Attributes of OpenTelemetry's semantic conventions that proxies know the values of."""


@dataclass(frozen=True, slots=True)
class TelemetryPolicies:
    """The policies, by the Gateways that they name."""

    by_gateway: Index[Key, api.XTelemetryPolicy, Key]
    gateways: Collection[Key, ManagedGateway]
    inputs: Inputs
    standalone: bool

    def tracing(self, ctx: Context, gateway: Key) -> Tracing | None:
        """Return how requests to a Gateway are traced; None if they are not."""
        found = self._winner(ctx, gateway)
        if found is None or _findings(found):
            return None
        collector = self._collector(ctx, found, gateway)
        return collector if isinstance(collector, Tracing) else None

    def _winner(self, ctx: Context, gateway: Key) -> api.XTelemetryPolicy | None:
        winner = age.first(ctx.fetch_by(self.by_gateway, gateway))
        return ctx.fetch(self.inputs.sources.telemetry_policies, winner) if winner else None

    def report(self, ctx: Context, policy: api.XTelemetryPolicy) -> Report | None:
        """Return what the owner of a policy is told; None if none of its targets concerns us."""
        make = Conditions(policy.metadata.generation)
        ancestors: dict[api.ParentReference, AncestorReport] = {}
        for index, target in enumerate(policy.spec.target_refs):
            key = (policy.metadata.namespace, target.name)
            known = _is_gateway(target) and ctx.fetch(self.gateways, key) is not None
            missing = "" if known else self._missing(ctx, target, key, index)
            if not known and not missing:
                continue
            ref = api.ParentReference(
                group=target.group, kind=target.kind, name=key[1], namespace=key[0]
            )
            accepted = make.false("Accepted", "TargetNotFound", missing)
            if known:
                accepted = self._accepted(ctx, make, policy, key)
            resolved = make.true("ResolvedRefs", "ResolvedRefs", "every reference resolves")
            collector = self._collector(ctx, policy, key)
            if isinstance(collector, Finding):
                resolved = make.false("ResolvedRefs", collector.reason, str(collector))
            ancestors.setdefault(ref, AncestorReport(ref, (accepted, resolved)))
        if not ancestors:
            return None
        return Report(
            KIND,
            *policy.key,
            generation=policy.metadata.generation,
            ancestors=tuple(ancestors.values())[:MOST_ANCESTORS],
        )

    def _collector(
        self, ctx: Context, policy: api.XTelemetryPolicy, gateway: Key
    ) -> Tracing | Finding | None:
        """What a policy makes of a Gateway's requests: spans, nothing, or why it cannot be done.

        Spans go out by the Gateway's client certificate.
        """
        tracing = policy.spec.tracing
        if tracing is None or tracing.mode != "Enabled" or tracing.provider is None:
            return None
        managed = ctx.fetch(self.gateways, gateway)
        certificate = managed.client_certificate if managed is not None else ""
        scope = Scope("gateway", gateway[0], certificate=certificate)
        ref = tracing.provider.backend_ref
        namespace = policy.metadata.namespace
        referrer = Referrer(KIND, namespace, api.EXPERIMENTAL_GROUP)
        found = backend_ref.destination(ctx, self.inputs, referrer, ref, scope, "h2c")
        if isinstance(found, Finding):
            field = f"spec.tracing.provider.backendRef.{found.field}"
            return Finding(found.reason, field, found.message)
        parent = tracing.parent_based_sampling
        return Tracing(
            cluster=found.cluster,
            authority=f"{ref.name}.{ref.namespace or namespace}",
            headers=tuple((each.name.lower(), each.value) for each in tracing.provider.headers),
            sampling=_percent(tracing.sampling_rate),
            parent_based=parent is None or parent.mode != "Disabled",
            service=tracing.service_name or f"{gateway[1]}.{gateway[0]}",
            span_name=tracing.span_name or "",
            attributes=tuple(map(_attribute, tracing.attributes)),
            origin=Origin(KIND, *policy.key, field="spec.tracing"),
        )

    def _accepted(
        self, ctx: Context, make: Conditions, policy: api.XTelemetryPolicy, gateway: Key
    ) -> Condition:
        """Condition Accepted of a policy for a Gateway of ours."""
        winner = self._winner(ctx, gateway)
        if winner is not None and winner.key != policy.key:
            message = (
                f"{KIND} {winner.key[0]}/{winner.key[1]} is older or comes first by name and "
                f"counts for Gateway {gateway[0]}/{gateway[1]}; remove one of the two"
            )
            return make.false("Accepted", "Conflicted", message)
        if findings := _findings(policy):
            return make.false("Accepted", "Invalid", sentence(findings))
        return make.true("Accepted", "Accepted", "")

    def _missing(self, ctx: Context, target: api.LocalObjectReference, key: Key, index: int) -> str:
        """What to say of a target that is not ours; empty if it may be another controller's."""
        if not self.standalone:
            return ""
        field = f"spec.targetRefs[{index}]"
        if not _is_gateway(target):
            named = f"{target.kind} of group {target.group!r}"
            return f"{field}.kind: {named} cannot be targeted; use a Gateway"
        if ctx.fetch(self.inputs.sources.gateways, key) is not None:
            return ""
        return f"{field}.name: Gateway {key[0]}/{key[1]} does not exist"


def build(
    inputs: Inputs, settings: Settings, gateways: Collection[Key, ManagedGateway]
) -> TelemetryPolicies:
    """Index the policies by the Gateways that they are for."""

    def targets(_key: Key, policy: api.XTelemetryPolicy) -> Members[Key]:
        return _targets(policy)

    by_gateway = inputs.sources.telemetry_policies.index("telemetry policies by Gateway", targets)
    return TelemetryPolicies(by_gateway, gateways, inputs, settings.standalone)


def _targets(policy: api.XTelemetryPolicy) -> tuple[Key, ...]:
    """The Gateways that a policy names, in its order; they are in its namespace."""
    names = (
        (policy.metadata.namespace, ref.name) for ref in policy.spec.target_refs if _is_gateway(ref)
    )
    return tuple(dict.fromkeys(names))


def _is_gateway(ref: api.LocalObjectReference) -> bool:
    return (ref.group, ref.kind) == (api.GATEWAY_GROUP, "Gateway")


def _findings(policy: api.XTelemetryPolicy) -> tuple[Finding, ...]:
    """Why a policy cannot be carried out, apart from what it refers to."""
    tracing = policy.spec.tracing
    return tuple(_unsupported(tracing)) if tracing is not None else ()


def _unsupported(tracing: api.Tracing) -> Iterator[Finding]:
    field = "spec.tracing"
    parent = tracing.parent_based_sampling
    if parent is not None and parent.mode == "Enabled" and _percent(parent.sampling_rate) < _WHOLE:
        message = (
            "traces of others are followed wholly or not at all; remove samplingRate, or use mode "
            "Disabled with spec.tracing.samplingRate"
        )
        at = f"{field}.parentBasedSampling.samplingRate"
        yield Finding("Invalid", at, message)
    for index, header in enumerate(tracing.provider.headers if tracing.provider else ()):
        if "%" in header.value:  # Envoy reads it as a format, but sends it as it is written
            message = "a value with % cannot be sent; write one without it"
            yield Finding("Invalid", f"{field}.provider.headers[{index}].value", message)
    for index, attribute in enumerate(tracing.attributes):
        key = attribute.attribute_key
        if attribute.source_type == "Attribute" and key not in SEMANTIC:
            message = f"the value of {key!r} is not known; known are {', '.join(sorted(SEMANTIC))}"
            yield Finding("Invalid", f"{field}.attributes[{index}].attributeKey", message)


def _percent(rate: api.Fraction | None) -> float:
    """A share in percent; all without one."""
    return _WHOLE if rate is None else min(_WHOLE, 100.0 * rate.numerator / rate.denominator)


def _attribute(source: api.TracingAttribute) -> SpanAttribute:
    match source.source_type:
        case "Header":
            return SpanAttribute(source.name, "header", (source.header_name or "").lower())
        case "Literal":
            return SpanAttribute(source.name, "literal", source.literal_value or "")
        case "Attribute":
            return SpanAttribute(source.name, "semantic", source.attribute_key or "")
