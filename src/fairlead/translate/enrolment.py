"""Mesh enrolment: whose requests go by the rules of the mesh.

In: labels of a pod and of its namespace. Out: in or out. In standalone everybody is in who does
not opt out. The labels of other meshes mean here what they mean there.
"""

from collections.abc import Mapping
from typing import Final

_LABELS: Final[tuple[tuple[str, frozenset[str], frozenset[str]], ...]] = (
    ("fairlead.dev/mesh", frozenset({"enabled"}), frozenset({"disabled"})),
    ("sidecar.istio.io/inject", frozenset({"true"}), frozenset({"false"})),
    ("istio-injection", frozenset({"enabled"}), frozenset({"disabled"})),
    ("istio.io/dataplane-mode", frozenset({"ambient"}), frozenset({"none"})),
    ("linkerd.io/inject", frozenset({"enabled", "ingress"}), frozenset({"disabled"})),
)
"""(label, values that enrol, values that opt out); our own label is asked first."""


def meshed(pod: Mapping[str, str], namespace: Mapping[str, str]) -> bool:
    """True if a pod with these labels, in a namespace with those, belongs to the mesh.

    A pod's own word wins over its namespace's.
    """
    for labels in (pod, namespace):
        word = _word(labels)
        if word is not None:
            return word
    return True


def _word(labels: Mapping[str, str]) -> bool | None:
    """Return what labels say about the mesh, None if nothing; the first that speaks decides."""
    for label, enrols, opts_out in _LABELS:
        value = labels.get(label, "").lower()
        if value in enrols:
            return True
        if value in opts_out:
            return False
    return None
