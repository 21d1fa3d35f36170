"""`fairlead install`: applies all objects, removes what an earlier version had, and waits."""

import asyncio
from collections.abc import Callable
from typing import Final

from fairlead.install import cluster, manifests
from fairlead.install.cluster import InstallError, Key, key_of
from fairlead.install.part import Manifest, selector
from fairlead.install.values import Values
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.paths import path_of

Say = Callable[[str], None]
"""Told a line of progress."""
_CLASSES: Final = path_of(
    "apiextensions.k8s.io/v1",
    "customresourcedefinitions",
    name="gatewayclasses.gateway.networking.k8s.io",
)
_INTERVAL: Final = 0.5
GATEWAY_API: Final = (
    "kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/"
    "download/v1.7.0/experimental-install.yaml"
)


async def install(
    client: KubeClient, values: Values, say: Say, *, force: bool, patience: float
) -> None:
    """Make the cluster have what these values ask for; done again, it changes nothing.

    Args:
        client: of the cluster.
        values: what is asked for.
        say: told what became of each object that changed.
        force: whether fields that others manage are taken from them.
        patience: seconds that a namespace which is being deleted is waited for.

    Raises:
        InstallError: it could not be; says what to do.
        ApiError: the API server could not be asked.
    """
    await _refuse_what_is_not_ready(client, values, force=force)
    await _until_namespace_ended(client, values, say, patience)
    wanted = manifests.manifests(values)
    unchanged = 0
    for manifest in wanted:
        if manifest["kind"] == "Namespace" and await _is_others(client, manifest):
            continue
        outcome = await cluster.apply(client, manifest, force=force)
        unchanged += outcome == "unchanged"
        if outcome != "unchanged":
            say(f"{key_of(manifest)} {outcome}")
    if unchanged:
        say(f"{unchanged} objects unchanged")
    keys = {key_of(each) for each in wanted}
    for key, _ in await cluster.ours(client, values):
        if key not in keys:
            await cluster.delete(client, key, say)


async def _is_others(client: KubeClient, namespace: Manifest) -> bool:
    """Whether a namespace was there before: it stays as it is, and stays when we go."""
    found = await cluster.find(client, key_of(namespace).path)
    return found is not None and not cluster.is_ours(found, namespace)


async def _refuse_what_is_not_ready(client: KubeClient, values: Values, *, force: bool) -> None:
    """Find out before anything is written what would leave half an installation."""
    if await cluster.find(client, _CLASSES) is None:
        raise InstallError(
            f"the cluster does not have the CRDs of Gateway API; install them first:\n{GATEWAY_API}"
        )
    running = await cluster.find(client, _deployment(values).path)
    managed = running and cluster.labels_of(running).get("app.kubernetes.io/managed-by")
    if managed == "Helm" and not force:
        raise InstallError(
            f"{_deployment(values)} was installed by Helm: upgrade it with `helm upgrade`, or take "
            "it over with `--force-conflicts`"
        )
    await _refuse_class_of_others(client, values)


async def _refuse_class_of_others(client: KubeClient, values: Values) -> None:
    """A class of another installation is not taken: both would serve its Gateways."""
    key = Key("GatewayClass", "", values.class_name)
    found = await cluster.find(client, key.path) if values.class_name else None
    if found is None or cluster.labels_of(found).get("app.kubernetes.io/part-of") != "fairlead":
        return
    owner = cluster.labels_of(found).get("app.kubernetes.io/instance", values.namespace)
    if owner != values.namespace:
        raise InstallError(
            f"{key} belongs to the installation in namespace {owner}: choose another one by "
            "`--set className=NAME --set controllerName=DOMAIN/NAME`, or name that namespace"
        )


async def _until_namespace_ended(
    client: KubeClient, values: Values, say: Say, patience: float
) -> None:
    """Nothing can be made in a namespace that is being deleted, as `uninstall` leaves it."""
    key = Key("Namespace", "", values.namespace)
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    told = False
    while (found := await cluster.find(client, key.path)) and _is_ending(found):
        if loop.time() >= end:
            raise InstallError(
                f"{key} is still being deleted{_remaining(found)}: install again when it is gone"
                + ("" if patience else ", or with `--wait`")
            )
        if not told:
            say(f"waiting for {key} to be deleted")
            told = True
        await asyncio.sleep(_INTERVAL)


def _is_ending(manifest: Manifest) -> bool:
    return "deletionTimestamp" in manifest["metadata"]


def _remaining(namespace: Manifest) -> str:
    """What keeps a namespace from ending, in the API server's words; empty if it does not say."""
    said = [
        condition["message"]
        for condition in namespace.get("status", {}).get("conditions", ())
        if condition["status"] == "True" and condition.get("message")
    ]
    return f" ({'; '.join(said)})" if said else ""


def _deployment(values: Values) -> Key:
    return Key("Deployment", values.namespace, "fairlead")


async def wait(client: KubeClient, values: Values, say: Say, seconds: float) -> None:
    """Wait until all replicas run the new version and serve, and the class is accepted.

    Args:
        client: of the cluster.
        values: what was installed.
        say: told what is waited for, whenever that changes.
        seconds: how long.

    Raises:
        InstallError: it took longer; says what it was waiting for.
    """
    told = ""
    try:
        async with asyncio.timeout(seconds):
            while missing := await _missing(client, values):
                if missing != told:
                    say(f"waiting for {missing}")
                    told = missing
                await asyncio.sleep(_INTERVAL)
    except TimeoutError:
        raise InstallError(
            f"still waiting for {told or 'the API server'} after {seconds:g} s; "
            "`fairlead check` tells more"
        ) from None


async def _missing(client: KubeClient, values: Values) -> str:
    """What keeps an installation from being ready; empty if it is."""
    key = _deployment(values)
    found = await cluster.find(client, key.path)
    if found is None:
        return str(key)
    if lacking := _rollout(found):
        return lacking + await _troubles(client, values)
    if values.class_name:
        of_class = Key("GatewayClass", "", values.class_name)
        made = await cluster.find(client, of_class.path)
        if made is None or not accepted(made):
            return f"{of_class} to be accepted"
    return ""


def _rollout(deployment: Manifest) -> str:
    """What is missing until all replicas are of the last template and ready."""
    wanted = deployment["spec"]["replicas"]
    status = deployment.get("status", {})
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "the Deployment to be noticed"
    new, ready = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if min(new, ready) < wanted:
        return f"{wanted - min(new, ready)} of {wanted} replicas"
    old = status.get("replicas", 0) - new
    return f"{old} old replicas to end" if old else ""


async def _troubles(client: KubeClient, values: Values) -> str:
    """Why pods do not start, in the kubelet's words; empty if they just have not yet."""
    chosen = ",".join(f"{key}={value}" for key, value in selector().items())
    pods = path_of("v1", "pods", values.namespace)
    found = await cluster.items(client, pods, labelSelector=chosen)
    reasons = {reason for pod in found if (reason := trouble(pod))}
    return f" ({'; '.join(sorted(reasons))})" if reasons else ""


def trouble(pod: Manifest) -> str:
    """Why a pod does not run; empty if it does, or begins to."""
    status = pod.get("status", {})
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return condition.get("message", condition.get("reason", ""))
    for container in status.get("containerStatuses", ()):
        state: Manifest = container.get("state", {})
        waiting: Manifest = state.get("waiting", {})
        ended: Manifest = container.get("lastState", {}).get("terminated", {})
        if ended and not container.get("ready"):
            return f"ended with code {ended['exitCode']}, see `kubectl logs --previous`"
        if waiting.get("reason", "ContainerCreating") != "ContainerCreating":
            return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    return ""


def accepted(gateway_class: Manifest) -> bool:
    """Whether a controller has accepted a GatewayClass as it is now."""
    generation = gateway_class["metadata"]["generation"]
    return any(
        condition["type"] == "Accepted"
        and condition["status"] == "True"
        and condition.get("observedGeneration", generation) == generation
        for condition in gateway_class.get("status", {}).get("conditions", ())
    )
