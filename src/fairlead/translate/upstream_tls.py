"""TLS towards endpoints, as BackendTLSPolicies and XBackends ask for it.

In: a BackendTLSPolicyValidation and whom it trusts. Out: `ir.cluster.UpstreamTls`, or none where
endpoints could not be told from impostors: then nothing may be sent at all.
"""

import hashlib
from typing import Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.cluster import UpstreamTls
from fairlead.translate import trust
from fairlead.translate.finding import Finding
from fairlead.translate.trust import Owner, TrustInputs

Name: TypeAlias = tuple[Literal["dns", "uri"], str]


class Origination(msgspec.Struct, frozen=True):
    """What a validation comes to."""

    tls: UpstreamTls | None
    """None where no authority is left to trust."""
    findings: tuple[Finding, ...] = ()
    """References that cannot be used, with the reasons InvalidCACertificateRef or InvalidKind, or
    Invalid for a wellKnownCACertificates that is not there."""


def originate(
    ctx: Context,
    trusts: TrustInputs,
    owner: Owner,
    validation: api.BackendTLSPolicyValidation,
) -> Origination:
    """Read a validation.

    Args:
        ctx: The function run that reads the authorities.
        trusts: What lists of authorities are resolved to.
        owner: Kind, namespace and name of the object that the validation stands in.
        validation: Whom the endpoint's certificate must be of, and who says so.
    """
    found = trust.bundle(ctx, trusts, owner, validation)
    if not found.name:
        return Origination(None, found.findings)
    content = ctx.fetch(trusts.bundles, found.name)
    digest = _digest(content.certificates) if content is not None else ""
    tls = UpstreamTls(validation.hostname, found.name, _names(validation), trust_digest=digest)
    return Origination(tls, found.findings)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _names(validation: api.BackendTLSPolicyValidation) -> tuple[Name, ...]:
    """Whom the certificate must be of: `subjectAltNames`, without any of them `hostname`."""
    names: list[Name] = []
    for entry in validation.subject_alt_names:
        if entry.type == "URI" and entry.uri:
            names.append(("uri", entry.uri))
        elif entry.type == "Hostname" and entry.hostname:
            names.append(("dns", entry.hostname))
    return tuple(names) or (("dns", validation.hostname),)
