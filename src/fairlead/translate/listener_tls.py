"""TLS of listeners: certificates, client certificates, options (ListenerTLSConfig).

In: a listener of protocol HTTPS or TLS, what its references come to, and what its Gateway says
about certificates of clients on its port. Out: `ir.listener.DownstreamTls`, or why there is none.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.listener import DownstreamTls
from fairlead.translate import certificates, listeners
from fairlead.translate.certificates import CertificateInputs
from fairlead.translate.claims import ParentKey
from fairlead.translate.conditions import Refusal
from fairlead.translate.finding import Finding, sentence
from fairlead.translate.trust import Validation

MINIMUM_VERSION = "fairlead.dev/min-tls-version"
MAXIMUM_VERSION = "fairlead.dev/max-tls-version"
HTTP3 = "fairlead.dev/http3"

Version: TypeAlias = Literal["", "1.2", "1.3"]

_OURS = "fairlead.dev/"
_VERSIONS: Mapping[str, Version] = {"1.2": "1.2", "1.3": "1.3"}
_VALUES = {
    MINIMUM_VERSION: ("1.2", "1.3"),
    MAXIMUM_VERSION: ("1.2", "1.3"),
    HTTP3: ("enabled", "disabled"),
}
NO_VALIDATION = Validation(None, ())


class ListenerTls(msgspec.Struct, frozen=True, gc=False):
    """What the `tls` of one listener comes to."""

    tls: DownstreamTls | None = None
    """None where nothing is terminated, and where nothing can be."""
    http3: bool = True
    findings: tuple[Finding, ...] = ()
    """References that do not resolve."""
    refused: Refusal | None = None
    """Of Accepted=False."""
    note: str = ""
    """Options that have no effect."""


def listener_tls(
    ctx: Context,
    inputs: CertificateInputs,
    parent: ParentKey,
    entry: api.Listener,
    validation: Validation,
) -> ListenerTls:
    """Read the `tls` of a listener.

    Args:
        ctx: The function run that asks.
        inputs: What its references are resolved against.
        parent: The object that it is written in, in whose namespace references count.
        entry: The listener.
        validation: What its Gateway says about certificates of clients on its port.

    Returns:
        With one certificate at least that resolves it can be served; the others are findings.
    """
    if listeners.port_class(entry.protocol) != "tls" or entry.tls is None:
        return ListenerTls()
    refused = _refused(entry.tls.options)
    note = _note(entry.tls.options)
    http3 = entry.tls.options.get(HTTP3) != "disabled"
    if listeners.mode_of(entry) == "Passthrough":
        return ListenerTls(http3=http3, refused=refused, note=note)
    kind, namespace, _ = parent
    found = certificates.resolve(
        ctx,
        inputs,
        (api.GATEWAY_GROUP, kind, namespace),
        entry.tls.certificate_refs,
        "tls.certificateRefs",
    )
    checked = validation if entry.protocol == "HTTPS" else NO_VALIDATION
    findings = (*found.findings, *checked.findings)
    if checked.findings and checked.validation is None:
        # Without an authority no certificate of a client could be told from a forged one.
        message = f"no certificate authority is valid: {sentence(checked.findings)}"
        refused = refused or (listeners.NO_AUTHORITY, message)
    tls = None
    if found.names and refused is None:
        tls = DownstreamTls(
            certificates=found.names,
            validation=checked.validation,
            minimum_version=_VERSIONS.get(entry.tls.options.get(MINIMUM_VERSION, ""), ""),
            maximum_version=_VERSIONS.get(entry.tls.options.get(MAXIMUM_VERSION, ""), ""),
        )
    return ListenerTls(tls, http3, findings, refused, note)


def _refused(options: Mapping[str, str]) -> Refusal | None:
    """Why the options cannot be carried out, or None."""
    for name, value in sorted(options.items()):
        if name in _VALUES and value not in _VALUES[name]:
            known = " or ".join(_VALUES[name])
            message = f"tls.options[{name}]: {value!r} is not known; use {known}"
            return "UnsupportedValue", message
        if name not in _VALUES and (name.startswith(_OURS) or "/" not in name):
            message = f"tls.options[{name}]: the option is not known; use {', '.join(_VALUES)}"
            return "UnsupportedValue", message
    if options.get(MINIMUM_VERSION) == "1.3" and options.get(MAXIMUM_VERSION) == "1.2":
        message = f"tls.options: {MINIMUM_VERSION} is above {MAXIMUM_VERSION}; no version is left"
        return "UnsupportedValue", message
    return None


def _note(options: Mapping[str, str]) -> str:
    """What to say of options that are meant for other implementations."""
    foreign = [name for name in sorted(options) if "/" in name and not name.startswith(_OURS)]
    return f"tls.options has no effect here: {', '.join(foreign)}" if foreign else ""
