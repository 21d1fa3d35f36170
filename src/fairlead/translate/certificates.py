"""References to certificates: Secrets of type kubernetes.io/tls.

In: Secrets and who refers to them. Out: names of `ir.secret.Certificate`s, and findings for the
references that cannot be used. A Secret is parsed once for each change of it, however many
listeners name it, and a certificate that is replaced by another good one re-runs none of them:
what refers to it knows its name alone.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.ir.origin import Origin
from fairlead.ir.secret import Certificate, PrivateKey
from fairlead.translate.finding import Finding
from fairlead.translate.forbidden import forbidden
from fairlead.translate.pem_content import Fault
from fairlead.translate.references import Grants
from fairlead.translate.sources import Key, Sources

TLS_TYPE = "kubernetes.io/tls"

Referrer: TypeAlias = tuple[str, str, str]
"""Group, kind and namespace of an object that refers to another."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Whether a Secret can be used as a certificate; the same for all good ones."""

    fault: str
    """What is wrong with it and what to do, to be put after its name; empty for nothing."""


class Certificates(msgspec.Struct, frozen=True, gc=False):
    """What a list of references comes to."""

    names: tuple[str, ...]
    """Of `ir.secret.Certificate`s, each once, in the order of the references that can be used."""
    findings: tuple[Finding, ...]
    """One for each reference that cannot be used."""


@dataclass(frozen=True, slots=True)
class CertificateInputs:
    """What references to certificates are resolved against."""

    sources: Sources
    grants: Grants
    standings: Collection[Key, Standing]
    """By Secret."""
    certificates: Collection[str, Certificate]
    """By name; those of all Secrets that can be used."""


def build(sources: Sources, grants: Grants) -> CertificateInputs:
    """Parse the Secrets."""
    parsed = sources.secrets.map("parsed certificates", lambda _ctx, _key, secret: _parsed(secret))

    def standing(_ctx: Context, _key: Key, found: Certificate | Fault) -> Standing:
        return Standing(found.message if isinstance(found, Fault) else "")

    def usable(
        _ctx: Context, _key: Key, found: Certificate | Fault
    ) -> Iterator[tuple[str, Certificate]]:
        if isinstance(found, Certificate):
            yield found.name, found

    return CertificateInputs(
        sources,
        grants,
        parsed.map("standing of certificates", standing),
        parsed.flat_map("certificates", usable),
    )


def resolve(
    ctx: Context,
    inputs: CertificateInputs,
    referrer: Referrer,
    refs: tuple[api.SecretObjectReference, ...],
    field: str,
) -> Certificates:
    """Resolve the certificates that an object refers to.

    Args:
        ctx: The function run that asks.
        inputs: From `build`.
        referrer: Group, kind and namespace of the object that holds the references: the Gateway
            or the ListenerSet.
        refs: The references.
        field: Path of the list below that object: ``spec.listeners[0].tls.certificateRefs``.

    Returns:
        Names of the certificates that can be used, and findings with the reasons RefNotPermitted
        or InvalidCertificateRef.
    """
    names: dict[str, None] = {}
    findings: list[Finding] = []
    for index, ref in enumerate(refs):
        found = resolve_one(ctx, inputs, referrer, ref, "InvalidCertificateRef")
        if isinstance(found, Finding):
            at = f"{field}[{index}].{found.field}"
            findings.append(msgspec.structs.replace(found, field=at))
        else:
            names[found] = None
    return Certificates(tuple(names), tuple(findings))


def client(ctx: Context, inputs: CertificateInputs, gateway: Key) -> Certificates:
    """Resolve the certificate that a Gateway shows to backends.

    Gateway.spec.tls.backend.clientCertificateRef.

    Returns:
        One name; none and no finding where the Gateway has no such reference (or is not there);
        none and a finding with the reason InvalidClientCertificateRef or RefNotPermitted.
    """
    found = ctx.fetch(inputs.sources.gateways, gateway)
    tls = found.spec.tls if found is not None else None
    ref = tls.backend.client_certificate_ref if tls is not None and tls.backend else None
    if ref is None:
        return Certificates((), ())
    referrer = (api.GATEWAY_GROUP, "Gateway", gateway[0])
    name = resolve_one(ctx, inputs, referrer, ref, "InvalidClientCertificateRef")
    if isinstance(name, str):
        return Certificates((name,), ())
    at = f"spec.tls.backend.clientCertificateRef.{name.field}"
    return Certificates((), (msgspec.structs.replace(name, field=at),))


def resolve_one(
    ctx: Context,
    inputs: CertificateInputs,
    referrer: Referrer,
    ref: api.SecretObjectReference,
    invalid: str,
) -> str | Finding:
    """Resolve one reference.

    Returns:
        The name of the `ir.secret.Certificate`, or why it cannot be used: RefNotPermitted or
        `invalid`, with the field relative to the reference. Permission comes before existence,
        so that nobody learns what other namespaces hold.
    """
    key = ref.key_from(referrer[2])
    shown = f"{ref.kind} {key[0]}/{key[1]}"
    if not inputs.grants.permit(ctx, referrer, (ref.group, ref.kind, *key)):
        message = (
            f"{shown} is in another namespace; create a ReferenceGrant in {key[0]} "
            f"from {referrer[1]} in {referrer[2]} to {ref.kind} {key[1]}"
        )
        return Finding("RefNotPermitted", "namespace", message)
    if (ref.group, ref.kind) != ("", "Secret"):
        named = f"{ref.kind} of group {ref.group!r}" if ref.group else ref.kind
        message = f"{named} cannot hold a certificate; use a Secret of type {TLS_TYPE}"
        return Finding(invalid, "group" if ref.group else "kind", message)
    standing = ctx.fetch(inputs.standings, key)
    if standing is None:
        why = forbidden(ctx, inputs.sources, "Secret", key)
        why = why or "does not exist; create it with the certificate and its key"
        return Finding(invalid, "name", f"{shown} {why}")
    if standing.fault:
        return Finding(invalid, "name", f"{shown}: {standing.fault}")
    return secret_name(key)


def secret_name(key: Key) -> str:
    """Name of the `ir.secret.Certificate` of a Secret."""
    return f"certificate/{key[0]}/{key[1]}"


def _parsed(secret: api.Secret) -> Certificate | Fault:
    if secret.type != TLS_TYPE:
        return Fault(f"is of type {secret.type}; create it with type {TLS_TYPE}")
    chain, key = text(secret, "tls.crt"), text(secret, "tls.key")
    if isinstance(chain, Fault):
        return chain
    if isinstance(key, Fault):
        return key
    from fairlead.translate import pem  # noqa: PLC0415 - 8 MiB that few need

    pair = pem.key_pair(chain, key)
    if isinstance(pair, Fault):
        return pair
    origin = Origin("Secret", *secret.key)
    return Certificate(secret_name(secret.key), pair.chain, PrivateKey(pair.key), origin)


def text(secret: api.Secret, key: str) -> str | Fault:
    """What a Secret holds under a key, as text; empty if nothing."""
    if key in secret.string_data:
        return secret.string_data[key]
    return decoded(secret.data.get(key, ""), key)


def decoded(data: str, key: str) -> str | Fault:
    """Text in base64, which stands under `key`."""
    try:
        return base64.b64decode(data).decode()
    except (binascii.Error, UnicodeDecodeError):
        return Fault(f"{key} is no text in base64; encode it again")
