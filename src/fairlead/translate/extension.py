"""ExtensionRef: filters of ours, which rules and listeners name (fairlead.dev/v1alpha1).

In: LocalRateLimits, FaultInjections, and which of the latter have ended. Out: what a proxy does, or
why a reference leads nowhere.
"""

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.http_policy import Fault, RateLimit
from fairlead.ir.origin import Origin
from fairlead.translate.finding import Finding
from fairlead.translate.sources import Key, Sources

KINDS = ("LocalRateLimit", "FaultInjection")


def resolve(
    ctx: Context, sources: Sources, namespace: str, ref: api.LocalObjectReference
) -> RateLimit | Fault | Finding | None:
    """Find the filter that an object in `namespace` refers to.

    Returns:
        The filter, None for one that has ended, or why there is none: InvalidKind or
        BackendNotFound, with the field relative to the reference.
    """
    key = (namespace, ref.name)
    match ref.group, ref.kind:
        case api.FAIRLEAD_GROUP, "LocalRateLimit":
            limit = ctx.fetch(sources.rate_limits, key)
            return _missing(ref, key) if limit is None else rate_limit(limit)
        case api.FAIRLEAD_GROUP, "FaultInjection":
            injection = ctx.fetch(sources.fault_injections, key)
            if injection is None:
                return _missing(ref, key)
            return None if has_ended(ctx, sources, injection) else fault(injection)
        case _:
            known = " and ".join(KINDS)
            message = (
                f"no filter of kind {ref.kind} (group {ref.group!r}) is known; "
                f"remove it, or use one of group {api.FAIRLEAD_GROUP}: {known}"
            )
            return Finding("InvalidKind", "kind", message)


def has_ended(ctx: Context, sources: Sources, injection: api.FaultInjection) -> bool:
    """Whether the end that is written has passed."""
    metadata = injection.metadata
    key = ("FaultInjection", metadata.namespace, metadata.name)
    return ctx.fetch(sources.expired, key) == injection.spec.until


def rate_limit(limit: api.LocalRateLimit) -> RateLimit:
    """What a LocalRateLimit asks for."""
    return RateLimit(
        requests=limit.spec.requests,
        seconds=api.duration.seconds(limit.spec.per),
        burst=limit.spec.burst or limit.spec.requests,
        origin=_origin(limit),
    )


def fault(injection: api.FaultInjection) -> Fault:
    """What a FaultInjection asks for."""
    delay, abort = injection.spec.delay, injection.spec.abort
    return Fault(
        delay=api.duration.seconds(delay.duration) if delay else 0.0,
        delay_percent=float(delay.percent) if delay else 0.0,
        abort_status=(abort.status or 0) if abort else 0,
        abort_grpc_status=(abort.grpc_status or 0) if abort else 0,
        abort_percent=float(abort.percent) if abort else 0.0,
        origin=_origin(injection),
    )


def _origin(source: api.LocalRateLimit | api.FaultInjection) -> Origin:
    return Origin(source.kind, source.metadata.namespace, source.metadata.name)


def _missing(ref: api.LocalObjectReference, key: Key) -> Finding:
    message = f"{ref.kind} {key[0]}/{key[1]} does not exist; create it or remove the filter"
    return Finding("BackendNotFound", "name", message)
