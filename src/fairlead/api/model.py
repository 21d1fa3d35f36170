"""The base of every type that users' YAML is decoded into.

Invariants: frozen, compared by content, lists are tuples; a field carries the spec's name in
snake_case and the default of the CRD's schema. A field the model does not know is an error, as with
kubectl's strict decoding; `Lenient` models, whose schema is Kubernetes' own and far larger than
what is read here, ignore it.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

Labels: TypeAlias = Mapping[str, str]
"""Labels, annotations, selectors and other maps of strings; never changed once decoded."""

_SPELLED = {
    "cluster_ip": "clusterIP",
    "cluster_ips": "clusterIPs",
    "external_ips": "externalIPs",
    "load_balancer_ip": "loadBalancerIP",
    "well_known_ca_certificates": "wellKnownCACertificates",
}


def spec_name(field: str) -> str:
    """The name a field has in YAML: `cluster_ip` is `clusterIP`, `from_` is `from`.

    Args:
        field: a field of a model, in snake_case.
    """
    if field in _SPELLED:
        return _SPELLED[field]
    first, *rest = field.rstrip("_").split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


class Model(
    msgspec.Struct,
    frozen=True,
    rename=spec_name,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """A part of an object; unknown fields are refused. Values never form cycles, hence no GC."""


class Lenient(msgspec.Struct, frozen=True, rename=spec_name, omit_defaults=True, gc=False):
    """A part of a core object of which only some fields are read; others are ignored."""
