"""One object of an installation, and when it is part of it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from fairlead.install.values import OUR_LABELS, Values

Manifest: TypeAlias = dict[str, Any]
"""An object as JSON-like values under the names that Kubernetes gives them."""


class Part(NamedTuple):
    """An object with the condition under which it is installed."""

    manifest: Manifest
    when: str = ""
    """Field of `Values` that has to be set; empty for always."""
    unless: str = ""
    """Field of `Values` that must not be set."""
    each: str = ""
    """Field of `Values` of whose entries this object is made, one for each."""

    def wanted(self, values: Values) -> bool:
        """Whether it is part of an installation with these values."""
        asked = not self.when or bool(getattr(values, self.when))
        return asked and not (self.unless and getattr(values, self.unless))


def metadata(
    values: Values,
    name: str,
    *,
    namespaced: bool = False,
    component: str = "control-plane",
    labels: Mapping[str, str] | None = None,
) -> Manifest:
    """Metadata of an object, with the labels that all of an installation have.

    Args:
        values: of the installation.
        name: of the object.
        namespaced: whether it is in the control plane's namespace, or in none.
        component: which part of Fairlead it belongs to.
        labels: further ones.
    """
    made: Manifest = {"name": name}
    if namespaced:
        made["namespace"] = values.namespace
    made["labels"] = {**common_labels(values, component), **(labels or {}), **values.labels}
    return made


def selector() -> dict[str, str]:
    """Labels of the control plane's pods, which never change."""
    return {"app.kubernetes.io/name": "fairlead", "app.kubernetes.io/component": "control-plane"}


def common_labels(values: Values, component: str) -> dict[str, str]:
    """What tells our objects from others', and those of one installation from another's."""
    found = ("fairlead", values.namespace, component, "fairlead")
    return dict(zip(OUR_LABELS, found, strict=True))


def identity(namespace: str) -> dict[str, str]:
    """Labels by which the objects of the installation in a namespace are found."""
    return {"app.kubernetes.io/part-of": "fairlead", "app.kubernetes.io/instance": namespace}


def rule(
    group: str, resources: Sequence[str], verbs: Sequence[str], names: Sequence[str] = ()
) -> Manifest:
    """One rule of a role."""
    made: Manifest = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    if names:
        made["resourceNames"] = list(names)
    return made


def cluster_role(metadata: Manifest, rules: Sequence[Manifest]) -> Manifest:
    """A ClusterRole."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": list(rules),
    }


def role(metadata: Manifest, rules: Sequence[Manifest]) -> Manifest:
    """A Role."""
    return {**cluster_role(metadata, rules), "kind": "Role"}


def binding(values: Values, role: Manifest) -> Manifest:
    """Binds a ClusterRole or Role to the control plane's service account."""
    kind: str = role["kind"]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": f"{kind}Binding",
        "metadata": role["metadata"],
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": kind,
            "name": role["metadata"]["name"],
        },
        "subjects": [{"kind": "ServiceAccount", "name": "fairlead", "namespace": values.namespace}],
    }
