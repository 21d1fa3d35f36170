"""Rules of what connections to backends trust: BackendTLSPolicy and XBackend."""

from collections.abc import Iterator
from typing import Final

from fairlead.api.backend import XBackend
from fairlead.api.backend_tls_policy import BackendTLSPolicy, BackendTLSPolicyValidation
from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.reference import LocalPolicyTargetReferenceWithSectionName
from fairlead.api.rules.metadata import labels
from fairlead.api.rules.session_persistence import session_persistence
from fairlead.api.rules.union import union
from fairlead.api.rules.unique import unique

_NEEDS_TLS: Final = {
    "HTTP2": "set `tls`, or `protocol: H2C` for HTTP/2 without TLS",
    "WSS": "set `tls`",
}


def backend_tls_policy(obj: BackendTLSPolicy) -> Iterator[Finding]:
    """BackendTLSPolicySpec's validations, experimental channel of Gateway API v1.7.0."""
    yield from _targets(("spec", "targetRefs"), obj.spec.target_refs)
    yield from _validation(("spec", "validation"), obj.spec.validation)


def backend(obj: XBackend) -> Iterator[Finding]:
    """BackendSpec's validations: type, port, TLS, and what goes with the protocol."""
    spec, path = obj.spec, ("spec",)
    members = (
        ("ExternalHostname", "externalHostname", spec.external_hostname),
        ("EndpointSelector", "endpointSelector", spec.endpoint_selector),
    )
    yield from union(path, spec.type, members)
    if spec.port.number is None:
        message = "`number` is required"
        yield Finding(Code.REQUIRED, (*path, "port"), message, "add the `number` of the port")
    if spec.external_hostname and spec.external_hostname.hostname.endswith(".cluster.local"):
        message = f"`{spec.external_hostname.hostname}` is a host of the cluster"
        at = (*path, "externalHostname", "hostname")
        yield Finding(Code.RULE, at, message, "name the Service as backend instead")
    if spec.endpoint_selector:
        yield from labels(
            (*path, "endpointSelector", "matchLabels"), spec.endpoint_selector.match_labels
        )
    if spec.session_persistence and spec.type != "EndpointSelector":
        message = f"`sessionPersistence` cannot be set while type is {spec.type}"
        at = (*path, "sessionPersistence")
        yield Finding(Code.RULE, at, message, "remove it or set `type: EndpointSelector`")
    yield from session_persistence((*path, "sessionPersistence"), spec.session_persistence)
    yield from _tls(obj)


def _tls(obj: XBackend) -> Iterator[Finding]:
    spec, tls, path = obj.spec, obj.spec.tls, ("spec", "tls")
    if spec.protocol == "H2C" and tls.mode != "None":
        message = "protocol H2C is HTTP/2 without TLS"
        yield Finding(Code.RULE, path, message, "remove `tls`, or set `protocol: HTTP2`")
    if spec.protocol in _NEEDS_TLS and tls.mode == "None":
        message = f"protocol {spec.protocol} needs TLS"
        yield Finding(Code.RULE, ("spec",), message, _NEEDS_TLS[spec.protocol])
    for name, held, wanted in (
        ("clientCertificateRef", tls.client_certificate_ref, tls.mode == "ClientAndServer"),
        ("validation", tls.validation, tls.mode != "None"),
    ):
        if wanted and held is None:
            message = f"mode {tls.mode} needs `{name}`"
            yield Finding(Code.RULE, path, message, f"add `{name}`")
        elif held is not None and not wanted:
            message = f"`{name}` cannot be set while mode is {tls.mode}"
            yield Finding(Code.RULE, (*path, name), message, "remove it or change `mode`")
    if tls.validation:
        yield from _validation((*path, "validation"), tls.validation)


def _targets(
    path: Path, targets: tuple[LocalPolicyTargetReferenceWithSectionName, ...]
) -> Iterator[Finding]:
    if len(targets) < 2:  # noqa: PLR2004 - one alone has nothing to collide with
        return
    first: dict[tuple[str, str, str], LocalPolicyTargetReferenceWithSectionName] = {}
    for index, ref in enumerate(targets):
        other = first.setdefault((ref.group, ref.kind, ref.name), ref)
        if bool(other.section_name) != bool(ref.section_name):
            message = f"{ref.kind} `{ref.name}` is a target with and without `sectionName`"
            remedy = "set `sectionName` in all of them, or keep the one without"
            yield Finding(Code.NOT_UNIQUE, (*path, index), message, remedy)
    keys = [(ref.group, ref.kind, ref.name, ref.section_name) for ref in targets]
    message = "is the same target as entry {first}"
    yield from unique(path, keys, message, "remove one, or set another `sectionName`")


def _validation(path: Path, validation: BackendTLSPolicyValidation) -> Iterator[Finding]:
    named = bool(validation.ca_certificate_refs)
    if named == (validation.well_known_ca_certificates is not None):
        message = "exactly one of `caCertificateRefs` and `wellKnownCACertificates` must be set"
        remedy = "remove one of them" if named else "add one of them"
        yield Finding(Code.RULE, path, message, remedy)
    for index, each in enumerate(validation.subject_alt_names):
        members = (("Hostname", "hostname", each.hostname), ("URI", "uri", each.uri))
        yield from union((*path, "subjectAltNames", index), each.type, members)
