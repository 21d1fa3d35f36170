"""Which replica of Fairlead in a cluster is asked.

In: the Lease and the EndpointSlices of the Service, both called `fairlead`. Out: the pod that
leads, since its knowledge of proxies and status is the fullest, or else one that is ready.
"""

from typing import Final

import msgspec

from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of

NAME: Final = "fairlead"
"""Of Deployment, Service and Lease in the system namespace."""
CLI_ROLE: Final = "fairlead-cli"
"""The Role in the system namespace that lets somebody ask the control plane."""
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


class _Conditions(msgspec.Struct):
    ready: bool | None = None
    serving: bool | None = None


class _Target(msgspec.Struct):
    name: str = ""


class _Endpoint(msgspec.Struct, rename="camel"):
    target_ref: _Target | None = None
    conditions: _Conditions = msgspec.field(default_factory=_Conditions)


class _Slice(msgspec.Struct):
    endpoints: tuple[_Endpoint, ...] | None = None


class Slices(msgspec.Struct):
    """A list of discovery.k8s.io/v1 EndpointSlices, as far as it is read."""

    items: tuple[_Slice, ...] = ()


async def choose(client: KubeClient, namespace: str) -> Replica:
    """The replica to ask.

    Raises:
        ClusterError: there is none.
        NotPermittedError: the user may see neither Lease nor EndpointSlices.
        ApiError: the API server does not answer.
    """
    lease_path = path_of("coordination.k8s.io/v1", "leases", namespace, NAME)
    slices_path = path_of("discovery.k8s.io/v1", "endpointslices", namespace)
    selector = f"kubernetes.io/service-name={NAME}"
    lease = slices = refusal = None
    try:
        lease = msgspec.json.decode(await client.get(lease_path), type=Lease)
    except ApiError as error:
        refusal = _forbidden(error)
    try:
        listed = await client.get(slices_path, labelSelector=selector)
        slices = msgspec.json.decode(listed, type=Slices)
    except ApiError as error:
        refusal = _forbidden(error) or refusal
    if lease is None and slices is None and refusal is not None:
        raise refused(refusal, namespace)
    return chosen(lease, slices, namespace, lease_hidden=lease is None and refusal is not None)


def chosen(
    lease: Lease | None, slices: Slices | None, namespace: str, *, lease_hidden: bool = False
) -> Replica:
    """The replica to ask by what was read.

    Args:
        lease: None if it is not there, or hidden.
        slices: None if they are hidden.
        namespace: in which Fairlead is installed.
        lease_hidden: whether there may be a Lease that was not read.

    Raises:
        ClusterError: there is none.
    """
    leader = (lease.spec.holder_identity or "") if lease is not None else ""
    if slices is None:
        if leader:
            return Replica(leader)
        raise ClusterError(f"no replica of Fairlead leads in namespace {namespace}: {_LOOK}")
    ready = {pod for pod, is_ready in _pods(slices) if is_ready}
    if leader in ready:
        return Replica(leader)
    if ready:
        first = min(ready)
        if lease_hidden:
            return Replica(first)
        return Replica(first, f"no replica leads at the moment: {first} answers, and may lag")
    if any(True for _ in _pods(slices)):
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
        f"{NAME}, `list` of endpointslices, and `get` and `create` of pods/portforward there, "
        f"which Role {CLI_ROLE} has"
    )


def _forbidden(error: ApiError) -> ApiError | None:
    """The error if it is about rights, None if the object is not there; else raises it."""
    if error.code == NOT_FOUND:
        return None
    if error.code in _OF_RIGHTS:
        return error
    raise error


def _pods(slices: Slices) -> list[tuple[str, bool]]:
    """Pods behind the Service, and whether each is ready."""
    return [
        (endpoint.target_ref.name, endpoint.conditions.ready is not False)
        for each in slices.items
        for endpoint in each.endpoints or ()
        if endpoint.target_ref is not None
    ]
