"""All objects of an installation, in the order in which they are applied."""

from collections.abc import Iterable
from typing import Final

import yaml

from fairlead.install import admission, definitions, personas, roles, workload
from fairlead.install.part import Manifest, Part, metadata
from fairlead.install.values import Values

RESOURCES: Final = {
    "Namespace": ("v1", "namespaces", False),
    "CustomResourceDefinition": ("apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "ServiceAccount": ("v1", "serviceaccounts", True),
    "ClusterRole": ("rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
    "Role": ("rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", "rolebindings", True),
    "Service": ("v1", "services", True),
    "Deployment": ("apps/v1", "deployments", True),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets", True),
    "GatewayClass": ("gateway.networking.k8s.io/v1", "gatewayclasses", False),
    "ValidatingAdmissionPolicy": (
        "admissionregistration.k8s.io/v1", "validatingadmissionpolicies", False,
    ),
    "ValidatingAdmissionPolicyBinding": (
        "admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", False,
    ),
}  # fmt: skip
"""Kind to API version, name of the resource, and whether it is in a namespace: all that is made."""


def parts(values: Values) -> list[Part]:
    """What a chart's templates hold: all but namespace and definitions, with their conditions."""
    return [
        *roles.parts(values),
        *personas.parts(values),
        *workload.parts(values),
        *admission.parts(values),
        Part(_gateway_class(values), when="class_name"),
    ]


def manifests(values: Values) -> list[Manifest]:
    """All objects that these values ask for."""
    return [
        workload.namespace(values).manifest,
        *definitions.manifests(),
        *(part.manifest for part in parts(values) if part.wanted(values)),
    ]


def to_yaml(objects: Iterable[Manifest]) -> str:
    """The objects as a stream of YAML documents."""
    return "---\n".join(document(each) for each in objects)


def document(manifest: Manifest) -> str:
    """One object as YAML, without aliases for what occurs twice."""
    return yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _gateway_class(values: Values) -> Manifest:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": metadata(values, values.class_name, component="gateway-class"),
        "spec": {
            "controllerName": values.controller_name,
            "description": "Gateways served by Fairlead, on Envoy",
        },
    }
