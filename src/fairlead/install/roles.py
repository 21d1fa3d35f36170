"""What the control plane may do, and why: no verb that it does not use, none missing.

A test against a real API server's audit log holds both.
"""

from collections.abc import Sequence

from fairlead.api.kinds import KINDS
from fairlead.api.reference import EXPERIMENTAL_GROUP, FAIRLEAD_GROUP, GATEWAY_GROUP
from fairlead.install.part import Manifest, Part, binding, cluster_role, metadata, role, rule
from fairlead.install.values import Values

READ = ("list", "watch")
"""What a copy of a resource takes that is kept up to date."""
APPLY = ("create", "patch")
"""What server-side apply takes: the right to create as well, where the object may not exist."""
_WITH_STATUS = (GATEWAY_GROUP, EXPERIMENTAL_GROUP, FAIRLEAD_GROUP)
_WITHOUT_STATUS = frozenset({"ReferenceGrant"})


def parts(values: Values) -> list[Part]:
    """Roles of the control plane with their bindings."""
    everywhere = cluster_role(metadata(values, values.scope), _everywhere())
    at_home = role(metadata(values, "fairlead", namespaced=True), _at_home())
    made = [Part(everywhere), Part(at_home)]
    for name, rules, when in (
        ("secrets", _READ_SECRETS, ""),
        ("snapshots", _WRITE_SNAPSHOTS, "snapshots"),
    ):
        of_all = cluster_role(metadata(values, f"{values.scope}-{name}"), rules)
        made.append(Part(of_all, when=when, unless="secret_namespaces"))
        for namespace in values.secret_namespaces:
            there = metadata(values, f"{values.scope}-{name}")
            of_one = role({**there, "namespace": namespace}, rules)
            made.append(Part(of_one, when=when, each="secret_namespaces"))
    return [each for part in made for each in (part, _bound(values, part))]


def _bound(values: Values, part: Part) -> Part:
    """The binding of a role, under the same conditions."""
    return part._replace(manifest=binding(values, part.manifest))


def _plurals(group: str) -> list[str]:
    return [kind.plural for kind in KINDS if kind.group == group]


def _everywhere() -> Sequence[Manifest]:
    rules = [
        # What routes lead to, and whose labels Gateways select.
        rule("", ["namespaces", "pods"], READ),
        rule("discovery.k8s.io", ["endpointslices"], READ),
        rule("certificates.k8s.io", ["clustertrustbundles"], READ),
        rule("networking.istio.io", ["destinationrules"], READ),
    ]
    for group in _WITH_STATUS:
        plurals = _plurals(group)
        told = [
            kind.plural
            for kind in KINDS
            if kind.group == group and kind.kind not in _WITHOUT_STATUS
        ]
        rules += [
            rule(group, plurals, READ),
            rule(group, [f"{plural}/status" for plural in told], ("patch",)),
        ]
    rules += [
        # Whose a Gateway is that was ours, before its proxies are removed.
        rule(GATEWAY_GROUP, ["gatewayclasses", "gateways"], ("get",)),
        # Settings of Gateways and certificate authorities, by name; and what each Gateway gets:
        # its proxies, their address and configuration. Removed where a Gateway stops being ours.
        # ConfigMaps are also how replicas tell each other of the proxies connected to them.
        rule("", ["configmaps"], ("get", *READ, *APPLY, "delete")),
        rule("", ["services", "serviceaccounts"], ("get", *READ, *APPLY, "delete")),
        rule("apps", ["deployments"], ("get", *READ, *APPLY, "delete")),
        rule("autoscaling", ["horizontalpodautoscalers"], ("get", *READ, *APPLY, "delete")),
        rule("policy", ["poddisruptionbudgets"], ("get", *READ, *APPLY, "delete")),
        # Addresses of Gateways whose Service is of type NodePort.
        rule("", ["nodes"], READ),
        # Told on users' objects; one that is repeated is counted up.
        rule("events.k8s.io", ["events"], ("get", *APPLY)),
        # Who a proxy is that asks for its configuration.
        rule("authentication.k8s.io", ["tokenreviews"], ("create",)),
    ]
    return rules


def _at_home() -> Sequence[Manifest]:
    return [
        # Which replica writes.
        rule("coordination.k8s.io", ["leases"], ("create",)),
        rule("coordination.k8s.io", ["leases"], ("get", "patch"), ["fairlead"]),
        # The authority and certificate of the control plane itself.
        rule("", ["secrets"], ("create",)),
        rule("", ["secrets"], ("get", "update"), ["fairlead-xds"]),
    ]


_READ_SECRETS = [
    # Certificates that Gateways and policies name; each is read by its name, none is listed.
    rule("", ["secrets"], ("get", "watch")),
]
_WRITE_SNAPSHOTS = [
    # The last configuration of each proxy, for those that start while no replica is up.
    rule("", ["secrets"], (*APPLY, "delete")),
]
