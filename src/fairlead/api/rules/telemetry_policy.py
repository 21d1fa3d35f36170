"""Rules of XTelemetryPolicy."""

from collections.abc import Iterator

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.http_filter import Fraction
from fairlead.api.rules import http_filter
from fairlead.api.rules.unique import unique
from fairlead.api.telemetry_policy import Tracing, TracingAttribute, XTelemetryPolicy


def telemetry_policy(obj: XTelemetryPolicy) -> Iterator[Finding]:
    """TelemetryPolicySpec's validations, Gateway API v1.7.0."""
    tracing = obj.spec.tracing
    if tracing is None:
        message = "nothing is asked for"
        yield Finding(Code.RULE, ("spec",), message, "add `tracing`")
        return
    yield from _mode(("spec", "tracing"), tracing)
    yield from _content(("spec", "tracing"), tracing)


def _mode(path: Path, tracing: Tracing) -> Iterator[Finding]:
    if tracing.mode == "Enabled":
        if tracing.provider is None:
            message = "mode Enabled needs `provider`"
            yield Finding(Code.RULE, path, message, "add `provider`")
        return
    held = {
        "provider": tracing.provider,
        "samplingRate": tracing.sampling_rate,
        "parentBasedSampling": tracing.parent_based_sampling,
        "serviceName": tracing.service_name,
        "spanName": tracing.span_name,
        "attributes": tracing.attributes or None,
    }
    for name, value in held.items():
        if value is not None:
            message = f"`{name}` cannot be set while mode is {tracing.mode}"
            yield Finding(Code.RULE, (*path, name), message, "remove it or set `mode: Enabled`")


def _content(path: Path, tracing: Tracing) -> Iterator[Finding]:
    if tracing.provider:
        at = (*path, "provider")
        yield from http_filter.backend_port((*at, "backendRef"), tracing.provider.backend_ref)
        names = [header.name for header in tracing.provider.headers]
        message = "header `{key}` is in entry {first} already"
        yield from unique((*at, "headers"), names, message, "keep one of them")
        for index, header in enumerate(tracing.provider.headers):
            place = (*at, "headers", index, "value")
            yield from http_filter.header_value(place, header.value, experimental=True)
    yield from _fraction((*path, "samplingRate"), tracing.sampling_rate)
    if sampling := tracing.parent_based_sampling:
        at = (*path, "parentBasedSampling", "samplingRate")
        if sampling.sampling_rate and sampling.mode != "Enabled":
            message = f"`samplingRate` cannot be set while mode is {sampling.mode}"
            yield Finding(Code.RULE, at, message, "remove it or set `mode: Enabled`")
        yield from _fraction(at, sampling.sampling_rate)
    names = [each.name for each in tracing.attributes]
    message = "attribute {first} is named `{key}` too"
    yield from unique((*path, "attributes"), names, message, "rename one of them")
    for index, each in enumerate(tracing.attributes):
        yield from _attribute((*path, "attributes", index), each)


def _attribute(path: Path, each: TracingAttribute) -> Iterator[Finding]:
    members = (
        ("Header", "headerName", each.header_name),
        ("Literal", "literalValue", each.literal_value),
        ("Attribute", "attributeKey", each.attribute_key),
    )
    for kind, name, value in members:
        if each.source_type == kind and value is None:
            message = f"sourceType {kind} needs `{name}`"
            yield Finding(Code.RULE, path, message, f"add `{name}`")
        elif each.source_type != kind and value is not None:
            message = f"`{name}` cannot be set while sourceType is {each.source_type}"
            remedy = f"remove it or set `sourceType: {kind}`"
            yield Finding(Code.RULE, (*path, name), message, remedy)


def _fraction(path: Path, fraction: Fraction | None) -> Iterator[Finding]:
    if fraction:
        yield from http_filter.fraction(path, fraction)
