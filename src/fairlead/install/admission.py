"""An admission policy for clusters whose teams share Gateways; installed on request.

Gateway API gives a hostname to the oldest route that asks for it. Where that is not enough, the
annotation `fairlead.dev/allowed-hostnames` on a Namespace, which its teams cannot change, says
which names routes and ListenerSets in it may ask for: `shop.example.com, *.shop.example.com`.
"""

from typing import Final

from fairlead.api.reference import GATEWAY_GROUP
from fairlead.install.part import Manifest, Part, metadata
from fairlead.install.values import Values

ANNOTATION: Final = "fairlead.dev/allowed-hostnames"

_HELD: Final = (
    "has(namespaceObject.metadata.annotations) && "
    f"'{ANNOTATION}' in namespaceObject.metadata.annotations"
)
_ALLOWED: Final = (
    f"namespaceObject.metadata.annotations['{ANNOTATION}'].split(',').map(name, name.trim())"
)
_FROM_OUTSIDE: Final = (
    "(has(object.spec.parentRefs) && "
    "object.spec.parentRefs.exists(parent, !has(parent.kind) || parent.kind != 'Service') || "
    "has(object.spec.useDefaultGateways) && object.spec.useDefaultGateways != 'None')"
)
"""Routes whose parents are Services alone answer for no hostname of a Gateway."""
_ROUTE_NAMES: Final = "has(object.spec.hostnames) ? object.spec.hostnames : []"
_LISTENERS: Final = (
    "has(object.spec.listeners) ? object.spec.listeners.filter(listener, "
    "listener.protocol in ['HTTP', 'HTTPS', 'TLS']) : []"
)


def parts(values: Values) -> list[Part]:
    """The policy for routes and that for ListenerSets, with their bindings."""
    routes = _policy(
        metadata(values, f"{values.scope}-hostnames-of-routes", component="admission"),
        ["httproutes", "grpcroutes", "tlsroutes"],
        {"held": f"{_HELD} && {_FROM_OUTSIDE}", "names": _ROUTE_NAMES},
        named="size(variables.names) > 0",
        field="spec.hostnames",
    )
    listeners = _policy(
        metadata(values, f"{values.scope}-hostnames-of-listeners", component="admission"),
        ["listenersets"],
        {
            "held": _HELD,
            "listeners": _LISTENERS,
            "names": "variables.listeners.map(listener, "
            "has(listener.hostname) ? listener.hostname : '')",
        },
        named="variables.names.all(name, name != '')",
        field="spec.listeners[].hostname",
    )
    return [
        Part(manifest, when="hostname_policy")
        for policy in (routes, listeners)
        for manifest in (policy, _binding(policy))
    ]


def _policy(
    found: Manifest, resources: list[str], variables: dict[str, str], *, named: str, field: str
) -> Manifest:
    """A policy.

    Args:
        found: its metadata.
        resources: what it holds for.
        variables: name to CEL expression; `held` says whether an object is held to it, `names`
            are its hostnames.
        named: CEL that is true if hostnames are given where they have to be.
        field: where users give them.
    """
    within = (
        "variables.names.all(name, name in variables.allowed || variables.allowed.exists(allowed, "
        "allowed.startsWith('*.') && name.endsWith(allowed.substring(1))))"
    )
    shared = {"allowed": f"variables.held ? {_ALLOWED} : []"}
    listed = [{"name": key, "expression": text} for key, text in (variables | shared).items()]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": found,
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [GATEWAY_GROUP],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": resources,
                    }
                ]
            },
            "variables": listed,
            "validations": [
                {
                    "expression": f"!variables.held || {named}",
                    "message": f"{field}: name hosts that the namespace's annotation {ANNOTATION} "
                    "allows",
                    "reason": "Forbidden",
                },
                {
                    "expression": f"!variables.held || {within}",
                    "messageExpression": "'hostnames ' + variables.names.filter(name, "
                    "!(name in variables.allowed)).join(', ') + ' are not among those of the "
                    f"annotation {ANNOTATION} of the namespace: ' + variables.allowed.join(', ')",
                    "reason": "Forbidden",
                },
            ],
        },
    }


def _binding(policy: Manifest) -> Manifest:
    return {
        "apiVersion": policy["apiVersion"],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": policy["metadata"],
        "spec": {
            "policyName": policy["metadata"]["name"],
            "validationActions": ["Deny"],
        },
    }
