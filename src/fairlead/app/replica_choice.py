"""Which replica of Fairlead in a cluster is asked.

In: the Lease, and the pods of the control plane. Out: the pod that leads, since its knowledge of
proxies and status is the fullest, or else one that is ready.
"""

from typing import Final

import msgspec

from fairlead.install.part import selector
from fairlead.install.personas import CONSOLE
from fairlead.install.workload import NAME
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.watch_event import decoded

_SELECTOR: Final = ",".join(f"{name}={value}" for name, value in selector().items())
NOT_FOUND: Final = 404
_OF_RIGHTS: Final = frozenset({401, 403})


class ClusterError(Exception):
    """Fairlead in the cluster cannot be asked; the message says why and what to do."""


class NotPermittedError(ClusterError):
    """The user lacks a right that asking takes."""


class Replica(msgspec.Struct, frozen=True):
    """Who is asked."""

    pod: str
    note: str = ""
    """What to know of its answers, empty if nothing."""


class _LeaseSpec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None


class Lease(msgspec.Struct):
    """coordination.k8s.io/v1, as far as it is read."""

    spec: _LeaseSpec = msgspec.field(default_factory=_LeaseSpec)


class _Metadata(msgspec.Struct):
    name: str = ""


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""


class _PodStatus(msgspec.Struct):
    conditions: tuple[_Condition, ...] = ()


class _Pod(msgspec.Struct):
    metadata: _Metadata
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)

    @property
    def is_ready(self) -> bool:
        """Whether it answers."""
        return any(
            each.type == "Ready" and each.status == "True" for each in self.status.conditions
        )


class Pods(msgspec.Struct):
    """A list of v1 Pods, as far as it is read."""

    items: tuple[_Pod, ...] = ()


async def choose(client: KubeClient, namespace: str) -> Replica:
    """The replica to ask.

    Raises:
        ClusterError: there is none.
        NotPermittedError: the user may see neither Lease nor pods.
        ApiError: the API server does not answer.
    """
    lease_path = path_of("coordination.k8s.io/v1", "leases", namespace, NAME)
    lease = pods = refusal = None
    try:
        lease = decoded(await client.get(lease_path), Lease, f"GET {lease_path}")
    except ApiError as error:
        refusal = _forbidden(error)
    pods_path = path_of("v1", "pods", namespace)
    try:
        listed = await client.get(pods_path, labelSelector=_SELECTOR)
        pods = decoded(listed, Pods, f"GET {pods_path}")
    except ApiError as error:
        refusal = _forbidden(error) or refusal
    if lease is None and pods is None and refusal is not None:
        raise refused(refusal, namespace)
    return chosen(lease, pods, namespace, lease_hidden=lease is None and refusal is not None)


def chosen(
    lease: Lease | None, pods: Pods | None, namespace: str, *, lease_hidden: bool = False
) -> Replica:
    """The replica to ask by what was read.

    Args:
        lease: None if it is not there, or hidden.
        pods: None if they are hidden.
        namespace: in which Fairlead is installed.
        lease_hidden: whether there may be a Lease that was not read.

    Raises:
        ClusterError: there is none.
    """
    leader = (lease.spec.holder_identity or "") if lease is not None else ""
    if pods is None:
        if leader:
            return Replica(leader)
        raise ClusterError(f"no replica of Fairlead leads in namespace {namespace}: {_LOOK}")
    ready = {pod.metadata.name for pod in pods.items if pod.is_ready}
    if leader in ready:
        return Replica(leader)
    if ready:
        first = min(ready)
        if lease_hidden:
            return Replica(first)
        return Replica(first, f"no replica leads at the moment: {first} answers, and may lag")
    if pods.items:
        raise ClusterError(f"no pod of Fairlead is ready in namespace {namespace}: {_LOOK}")
    if lease is None and not lease_hidden:
        raise ClusterError(
            f"Fairlead is not installed in namespace {namespace}: 'fairlead install' does that, "
            "--system-namespace names another namespace"
        )
    raise ClusterError(f"no pod of Fairlead runs in namespace {namespace}: {_LOOK}")


_LOOK: Final = "'fairlead check' looks for the reason"


def refused(error: ApiError, namespace: str) -> Exception:
    """What to raise for a refusal on the way to a replica: in our words if it is about rights."""
    if error.code not in _OF_RIGHTS:
        return error
    said = f" ({error.message})" if error.reason else ""
    return NotPermittedError(
        f"you may not ask Fairlead in namespace {namespace}{said}: that takes `get` of Lease "
        f"{NAME}, `list` of pods, and `get` and `create` of pods/portforward there, which Role "
        f"{CONSOLE} has"
    )


def _forbidden(error: ApiError) -> ApiError | None:
    """The error if it is about rights, None if the object is not there; else raises it."""
    if error.code == NOT_FOUND:
        return None
    if error.code in _OF_RIGHTS:
        return error
    raise error
