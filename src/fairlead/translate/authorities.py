"""Objects that hold certificate authorities: ConfigMaps, Secrets and ClusterTrustBundles.

In: the objects, and which of them are referred to. Out: `Authorities` by referent, parsed once for
each change of an object, however many refer to it, and not at all while nobody does.
"""

from typing import TypeAlias, TypeVar

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.translate import certificates
from fairlead.translate.finding import Finding
from fairlead.translate.forbidden import forbidden
from fairlead.translate.pem_content import Fault
from fairlead.translate.sources import Sources

V = TypeVar("V")

Referent: TypeAlias = tuple[str, str, str, str]
"""Group, kind, namespace (empty for what belongs to no namespace) and name."""

CLUSTER_TRUST_BUNDLE = ("certificates.k8s.io", "ClusterTrustBundle")
CONFIG_MAP = ("", "ConfigMap")
SECRET = ("", "Secret")
_KINDS = (CONFIG_MAP, SECRET, CLUSTER_TRUST_BUNDLE)
_DATA_KEY = "ca.crt"


class Authorities(msgspec.Struct, frozen=True, gc=False):
    """What one object holds."""

    certificates: str
    """PEM, one after the other; empty if there is a fault."""
    fault: str = ""
    """What is wrong with the object and what to do, to be put after its name."""


def referent(group: str, kind: str, namespace: str, name: str) -> Referent:
    """What a reference names; its namespace doesn't count for what belongs to none."""
    return (group, kind, "" if (group, kind) == CLUSTER_TRUST_BUNDLE else namespace, name)


def build(sources: Sources, wanted: Index[str, V, Referent]) -> Collection[Referent, Authorities]:
    """Parse the objects that are referred to; those that don't exist are left out.

    Args:
        sources: Where they are.
        wanted: Who refers to them.
    """

    def parse(ctx: Context, key: Referent, _: Referent) -> Authorities | None:
        found = _text(ctx, sources, key)
        if found is None:
            why = forbidden(ctx, sources, key[1], key[2:])
            return Authorities("", why) if why else None
        where = "spec.trustBundle" if key[:2] == CLUSTER_TRUST_BUNDLE else _DATA_KEY
        from fairlead.translate import pem  # noqa: PLC0415 - 8 MiB that few need

        made = pem.authorities(found, where) if isinstance(found, str) else found
        return Authorities("", made.message) if isinstance(made, Fault) else Authorities(made)

    return wanted.terms("authorities referred to").map("certificate authorities", parse)


def look_up(ctx: Context, known: Collection[Referent, Authorities], key: Referent) -> str | Finding:
    """Resolve a reference that is permitted.

    Returns:
        Certificates in PEM, or why there are none: InvalidKind or InvalidCACertificateRef, with
        the field relative to the reference.
    """
    group, kind, namespace, name = key
    if key[:2] not in _KINDS:
        named = f"{kind} of group {group!r}" if group else kind
        message = f"{named} cannot hold certificate authorities; use a ConfigMap"
        return Finding("InvalidKind", "kind", message)
    shown = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
    found = ctx.fetch(known, key)
    if found is None:
        where = "spec.trustBundle" if not namespace else _DATA_KEY
        message = f"{shown} does not exist; create it with the authority's certificate in {where}"
        return Finding("InvalidCACertificateRef", "name", message)
    if found.fault:
        return Finding("InvalidCACertificateRef", "name", f"{shown}: {found.fault}")
    return found.certificates


def _text(ctx: Context, sources: Sources, key: Referent) -> str | Fault | None:
    """What the object holds, None if there is no such object."""
    match key[:2]:
        case ("", "ConfigMap"):
            found = ctx.fetch(sources.config_maps, key[2:])
            return None if found is None else _of_config_map(found)
        case ("", "Secret"):
            secret = ctx.fetch(sources.secrets, key[2:])
            return None if secret is None else certificates.text(secret, _DATA_KEY)
        case ("certificates.k8s.io", "ClusterTrustBundle"):
            bundle = ctx.fetch(sources.cluster_trust_bundles, key[2:])
            return None if bundle is None else bundle.spec.trust_bundle
        case _:
            return None


def _of_config_map(found: api.ConfigMap) -> str | Fault:
    if _DATA_KEY in found.data:
        return found.data[_DATA_KEY]
    return certificates.decoded(found.binary_data.get(_DATA_KEY, ""), _DATA_KEY)
