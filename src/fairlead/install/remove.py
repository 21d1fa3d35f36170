"""`fairlead uninstall`: removes what `install` made, and tells what stays."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec

from fairlead.api.kinds import KIND_OF, KINDS
from fairlead.api.reference import GATEWAY_GROUP
from fairlead.install import cluster, workload
from fairlead.install.check.gateways import of_classes
from fairlead.install.cluster import InstallError, Key, key_of
from fairlead.install.definitions import manifests as our_kinds
from fairlead.install.part import Manifest
from fairlead.install.values import Values
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.paths import path_of

_ORDER: Final = (
    *("Deployment", "GatewayClass", "PodDisruptionBudget", "Service"),
    *("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"),
    *("ClusterRoleBinding", "RoleBinding", "ClusterRole", "Role", "ServiceAccount"),
    "CustomResourceDefinition",
)
"""What runs goes first: nothing works with rights that are gone, and a control plane that sees the
class go would take from proxies what they serve."""
_OWN: Final = "app.kubernetes.io/managed-by=fairlead,gateway.networking.k8s.io/gateway-name"
_OF_PROXIES: Final = (
    ("apps/v1", "deployments"),
    ("autoscaling/v2", "horizontalpodautoscalers"),
    ("policy/v1", "poddisruptionbudgets"),
    ("v1", "services"),
    ("v1", "configmaps"),
    ("v1", "secrets"),
    ("v1", "serviceaccounts"),
)
"""What a Gateway has in its namespace."""
_OF_OTHERS: Final = (
    ("v1", "pods"),
    ("v1", "persistentvolumeclaims"),
    *(("apps/v1", kind) for kind in ("statefulsets", "daemonsets")),
    *(("batch/v1", kind) for kind in ("jobs", "cronjobs")),
    *(("networking.k8s.io/v1", kind) for kind in ("ingresses", "networkpolicies")),
    *(
        (kind.api_versions[0], kind.plural)
        for kind in KINDS
        if kind.group == GATEWAY_GROUP and kind.namespaced
    ),
)
"""What else keeps a namespace from being deleted."""
_BY_REPLICAS: Final = (
    ("coordination.k8s.io/v1", "leases", "metadata.name=fairlead", ""),
    ("v1", "secrets", "metadata.name=fairlead-xds", ""),
    ("v1", "configmaps", "", "fairlead.dev/replica"),
)
"""What replicas make in their own namespace: version, resource, field and label selector."""
_ENDING: Final = 90.0
"""Seconds in which replicas end."""
_INTERVAL: Final = 0.3


class Plan(msgspec.Struct, frozen=True):
    """What uninstalling would do."""

    objects: tuple[Key, ...]
    """What is deleted, in order."""
    kept: tuple[str, ...]
    """What stays, and why, a line each."""
    proxies: tuple[str, ...]
    """Paths of Gateways' objects that are deleted too."""
    by_helm: bool = False


async def plan(client: KubeClient, values: Values, *, definitions: bool, proxies: bool) -> Plan:
    """Find what is installed.

    Args:
        client: of the cluster.
        values: of which only the namespace counts.
        definitions: whether our CRDs go although there are objects of them.
        proxies: whether Gateways lose their proxies.
    """
    found = await cluster.ours(client, values)
    going = [key for key, _ in found]
    kept: list[str] = []
    for manifest in our_kinds():
        key = key_of(manifest)
        if found and (reason := await _needed(client, values, manifest, definitions=definitions)):
            kept.append(f"{key}: {reason}")
        elif found:
            going.append(key)
    infrastructure = await _infrastructure(client, found, values)
    if infrastructure and not proxies:
        kept += [
            f"proxies of Gateway {name}: they go on serving as they are, until the Gateway is "
            "deleted or `fairlead uninstall --delete-proxies` is run"
            for name in sorted({_gateway(each) for _, each in infrastructure})
        ]
    helm = any(
        cluster.labels_of(each).get("app.kubernetes.io/managed-by") == "Helm" for _, each in found
    )
    return Plan(
        objects=tuple(sorted(going, key=lambda key: (_ORDER.index(key.kind), key))),
        kept=tuple(kept),
        proxies=tuple(path for path, _ in infrastructure) if proxies else (),
        by_helm=helm,
    )


async def remove(
    client: KubeClient, values: Values, made: Plan, say: Callable[[str], None]
) -> None:
    """Do what was planned; what is gone already is fine.

    Raises:
        InstallError: something was refused; says what to do.
        ApiError: the API server could not be asked.
    """
    runs = [key for key in made.objects if key.kind == _ORDER[0]]
    for key in runs:
        await cluster.delete(client, key, say)
    await _ended(client, values)
    for path in made.proxies:
        await client.delete(path)
    if made.proxies:
        say(f"{len(made.proxies)} objects of Gateways' proxies deleted")
    for key in made.objects:
        if key not in runs:
            await cluster.delete(client, key, say)
    await _by_replicas(client, values)
    await _namespace(client, values, say)


async def _ended(client: KubeClient, values: Values) -> None:
    """Wait for the replicas to end: they would make again what is deleted."""
    pods = path_of("v1", "pods", values.namespace)
    chosen = "app.kubernetes.io/name=fairlead,app.kubernetes.io/component=control-plane"
    try:
        async with asyncio.timeout(_ENDING):
            while await cluster.items(client, pods, labelSelector=chosen):  # noqa: ASYNC110
                await asyncio.sleep(_INTERVAL)
    except TimeoutError:
        raise InstallError(
            f"pods of the control plane in {values.namespace} do not end: delete them, and "
            "uninstall again"
        ) from None


async def _by_replicas(client: KubeClient, values: Values) -> None:
    for version, plural, fields, labels in _BY_REPLICAS:
        path = path_of(version, plural, values.namespace)
        found = await cluster.items(
            client, path, **_query(fieldSelector=fields, labelSelector=labels)
        )
        for each in found:
            name = each["metadata"]["name"]
            await client.delete(path_of(version, plural, values.namespace, name))


async def _namespace(client: KubeClient, values: Values, say: Callable[[str], None]) -> None:
    """Delete the namespace, if it is ours and nobody else has anything in it."""
    key = Key("Namespace", "", values.namespace)
    found = await cluster.find(client, key.path)
    if found is None:
        return
    if not cluster.is_ours(found, workload.namespace(values).manifest):
        say(f"{key} stays: it was there before")
        return
    others: list[str] = []
    for version, plural in (*_OF_PROXIES, *_OF_OTHERS):
        listed = await cluster.items(client, path_of(version, plural, values.namespace))
        others += [f"{plural} {name.partition('/')[2]}" for name in cluster.names(listed)]
    theirs = [each for each in others if each not in _EVERYWHERE]
    if theirs:
        say(f"{key} stays: in it are {', '.join(theirs[:5])}{' …' if len(theirs) > 5 else ''}")  # noqa: PLR2004
        return
    await cluster.delete(client, key, say)


_EVERYWHERE: Final = frozenset({"configmaps kube-root-ca.crt", "serviceaccounts default"})
"""What Kubernetes puts into every namespace."""


async def _needed(
    client: KubeClient, values: Values, definition: Manifest, *, definitions: bool
) -> str:
    """Why the CRD of a kind of ours stays; empty if it need not."""
    running = await cluster.items(
        client,
        path_of("apps/v1", "deployments"),
        labelSelector="app.kubernetes.io/part-of=fairlead,app.kubernetes.io/component=control-plane",
    )
    others = [name for name in cluster.names(running) if name != f"{values.namespace}/fairlead"]
    if others:
        return f"the installation {others[0]} uses it"
    spec = definition["spec"]
    version = next(each["name"] for each in spec["versions"] if each["served"])
    path = path_of(f"{spec['group']}/{version}", spec["names"]["plural"])
    uses = len(await cluster.items(client, path))
    if not uses or definitions:
        return ""
    return f"there are {uses} objects of it, which `--delete-crds` deletes with it"


async def _infrastructure(
    client: KubeClient, found: list[tuple[Key, Manifest]], values: Values
) -> list[tuple[str, Manifest]]:
    """What the Gateways have that this installation serves: path and object.

    Users may have classes of their own with its controller name.
    """
    controllers = {
        workload.controller_name(workload.environment(each), values)
        for key, each in found
        if key.kind == "Deployment"
    }
    known = [
        {"kind": kind, **each}
        for kind in ("GatewayClass", "Gateway")
        for each in await cluster.items(
            client, path_of(KIND_OF[kind].api_versions[0], KIND_OF[kind].plural)
        )
    ]
    uids = {
        each["metadata"]["uid"]
        for controller in controllers
        for each in of_classes(known, controller)
    }
    made: list[tuple[str, Manifest]] = []
    for version, plural in _OF_PROXIES:
        for each in await cluster.items(client, path_of(version, plural), labelSelector=_OWN):
            owned = each["metadata"]
            if any(owner["uid"] in uids for owner in owned.get("ownerReferences", ())):
                path = path_of(version, plural, owned["namespace"], owned["name"])
                made.append((path, each))
    return made


def _gateway(manifest: Manifest) -> str:
    """`NAMESPACE/NAME` of the Gateway that owns an object."""
    found: dict[str, Any] = manifest["metadata"]
    owner = next(each for each in found["ownerReferences"] if each["kind"] == "Gateway")
    return f"{found['namespace']}/{owner['name']}"


def _query(**selectors: str) -> dict[str, str]:
    return {key: value for key, value in selectors.items() if value}
