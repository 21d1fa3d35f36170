"""Roles of Gateway API's three personas, for users; who gets them is the cluster's own business.

A platform team owns the classes, an operator the Gateways, an application's team its routes. No
persona writes status, and none gets at the control plane's Secrets.
"""

from fairlead.api.reference import EXPERIMENTAL_GROUP, FAIRLEAD_GROUP, GATEWAY_GROUP
from fairlead.install.part import Manifest, Part, cluster_role, metadata, role, rule
from fairlead.install.values import Values

READ = ("get", "list", "watch")
WRITE = (*READ, "create", "update", "patch", "delete", "deletecollection")

INFRASTRUCTURE_PROVIDER = "infrastructure-provider"
CLUSTER_OPERATOR = "cluster-operator"
APPLICATION_DEVELOPER = "application-developer"
VIEWER = "viewer"
"""Names of ClusterRoles, after that of the installation: `fairlead-viewer`."""
CONSOLE = "fairlead-console"

_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_ROUTES = ("httproutes", "grpcroutes", "tlsroutes", "tcproutes", "udproutes")
_WORKLOADS = [
    # What routes lead to and where it runs, to understand what they do. No Secrets.
    rule("", ["services", "pods", "namespaces", "events"], READ),
    rule("discovery.k8s.io", ["endpointslices"], READ),
    rule("events.k8s.io", ["events"], READ),
    rule("apps", ["deployments"], READ),
]
_ALL_READ = [
    rule(GATEWAY_GROUP, ["*"], READ),
    rule(EXPERIMENTAL_GROUP, ["*"], READ),
    rule(FAIRLEAD_GROUP, ["*"], READ),
]


def parts(values: Values) -> list[Part]:
    """ClusterRoles of the personas, one for reading alone, and a Role for asking the controller."""
    made: list[Part] = []
    for name, rules in (
        (INFRASTRUCTURE_PROVIDER, _INFRASTRUCTURE_PROVIDER),
        (CLUSTER_OPERATOR, _CLUSTER_OPERATOR),
        (APPLICATION_DEVELOPER, _APPLICATION_DEVELOPER),
        (VIEWER, _ALL_READ),
    ):
        found = metadata(values, f"{values.scope}-{name}", component="persona")
        made.append(Part(cluster_role(found, rules)))
    for name, rules, to in (
        ("edit", _APPLICATION_DEVELOPER, ("edit", "admin")),
        ("view", _ALL_READ, ("view",)),
    ):
        labels = {f"{_AGGREGATE}{each}": "true" for each in to}
        title = f"{values.scope}-aggregate-to-{name}"
        found = metadata(values, title, component="persona", labels=labels)
        made.append(Part(cluster_role(found, rules), when="aggregate_roles"))
    console = metadata(values, CONSOLE, namespaced=True, component="persona")
    made.append(Part(role(console, _CONSOLE)))
    return made


_INFRASTRUCTURE_PROVIDER: list[Manifest] = [
    # Which implementations there are, and the settings that all Gateways of a class start from
    # (a ConfigMap that spec.parametersRef names: bind the role in its namespace for that).
    rule(GATEWAY_GROUP, ["gatewayclasses"], WRITE),
    *_ALL_READ,
    rule("apiextensions.k8s.io", ["customresourcedefinitions"], READ),
    *_WORKLOADS,
]
_CLUSTER_OPERATOR: list[Manifest] = [
    # Where traffic comes in, for whom, and what may cross namespaces.
    rule(GATEWAY_GROUP, ["gateways", "listenersets", "referencegrants"], WRITE),
    # Policies that are set centrally.
    rule(GATEWAY_GROUP, ["backendtlspolicies"], WRITE),
    rule(EXPERIMENTAL_GROUP, ["xbackendtrafficpolicies", "xtelemetrypolicies"], WRITE),
    rule(FAIRLEAD_GROUP, ["localratelimits", "faultinjections"], WRITE),
    # Certificates of listeners are put in place and replaced (`kubectl replace`), never read: the
    # answer to a patch would show what was there.
    rule("", ["secrets"], ("create", "update", "delete")),
    # Settings of Gateways.
    rule("", ["configmaps"], WRITE),
    *_ALL_READ,
    *_WORKLOADS,
]
_APPLICATION_DEVELOPER: list[Manifest] = [
    # Where requests go, and how, within what Gateways permit.
    rule(GATEWAY_GROUP, [*_ROUTES, "listenersets", "backendtlspolicies"], WRITE),
    # Who may refer to what is in the team's own namespace.
    rule(GATEWAY_GROUP, ["referencegrants"], WRITE),
    rule(EXPERIMENTAL_GROUP, ["xbackends", "xbackendtrafficpolicies"], WRITE),
    rule(FAIRLEAD_GROUP, ["localratelimits", "faultinjections"], WRITE),
    *_ALL_READ,
    *_WORKLOADS,
]
_CONSOLE: list[Manifest] = [
    # What `fairlead get`, `describe` and `explain` take to ask the control plane.
    rule("", ["pods"], ("get", "list")),
    rule("", ["pods/portforward"], ("create", "get")),
    rule("coordination.k8s.io", ["leases"], ("get",), ["fairlead"]),
]
