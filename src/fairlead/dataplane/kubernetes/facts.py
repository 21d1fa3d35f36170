"""What is told of a Gateway's infrastructure: its addresses, whether it runs, what is missing.

In: the proxy, what belongs to its Gateway, and for how long Services have waited. Out: `Facts`.
A load balancer does not say that it refuses an address; one that it has not given after `GRACE`
counts as refused, until it comes.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from fairlead.dataplane.kubernetes import live as reading
from fairlead.dataplane.kubernetes import names, plan, services
from fairlead.dataplane.kubernetes.live import Live
from fairlead.dataplane.kubernetes.plan import ObjectKey
from fairlead.ir.fleet import Proxy
from fairlead.ir.infrastructure import Infrastructure

GRACE: Final = 2.0
"""Seconds that a load balancer has to give an address of a certain value."""
PATIENCE: Final = 60.0
"""Seconds after which somebody should look why there is no address at all."""
SETTLE: Final = 1.0
"""Seconds that nodes have to learn of a first ready pod, or of a first address. kube-proxy gathers
changes for as long by default (``minSyncPeriod``) and tells nobody when it is done; a connection
opened before hangs for good, since the node remembers that it is not translated."""


class Problem(msgspec.Struct, frozen=True):
    """Why something could not be made."""

    reason: str
    """Of the Gateway's condition Programmed."""
    message: str


class Facts(msgspec.Struct, frozen=True):
    """What is told."""

    addresses: tuple[str, ...] | None
    """None while that is not decided."""
    infrastructure: Infrastructure


class Waits:
    """Since when each Service has been waiting for an address, and which one."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}

    def since(self, uid: str, asked: str, now: float) -> float:
        """When it began; it begins now if nothing is known of it."""
        return self._since.setdefault((uid, asked), now)

    def forget(self, uid: str) -> None:
        """The Service is gone, or has its address."""
        for key in [key for key in self._since if key[0] == uid]:
            del self._since[key]


class State:
    """What is remembered of a Gateway between two looks."""

    def __init__(self) -> None:
        self.waits = Waits()
        self.told: Facts | None = None
        self.reachable: float | None = None
        """Seconds of a monotonic clock at which nodes know of address and pod; None without."""
        self.problem: Problem | None = None
        """What went wrong when something was made."""


def facts(
    proxy: Proxy,
    live: Mapping[ObjectKey, Live],
    nodes: tuple[str, ...],
    state: State,
    now: float,
) -> tuple[Facts, float | None]:
    """What there is to tell, and in how many seconds that has to be asked anew; None for never.

    Args:
        proxy: What a Gateway needs.
        live: What belongs to the Gateway.
        nodes: Addresses of nodes.
        state: What is remembered of it. Addresses that were told are not taken back while others
            are still to come.
        now: Seconds of a monotonic clock.
    """
    numbered = plan.numbered_services(proxy, live)
    found = services.addresses(proxy, services.slots(proxy, numbered), numbered, nodes)
    for (kind, name), each in live.items():
        if kind == "Service" and name not in found.waiting:
            state.waits.forget(each.uid)
    undecided, late = False, ""
    again: list[float] = []
    for name in found.waiting:
        service = live.get(("Service", name))
        if service is None:
            # One that cannot be made gives nothing.
            undecided = undecided or state.problem is None
            continue
        asked = reading.service(service).asked if name in found.asked else ""
        limit = GRACE if asked else PATIENCE
        rest = limit - (now - state.waits.since(service.uid, asked, now))
        if rest > 0:
            again.append(rest)
        elif not asked:
            late = late or name
        undecided = undecided or rest > 0 or not asked
    known = state.told is not None and state.told.addresses
    decided = not undecided or bool(known and found.given)
    problem = state.problem or _failure(proxy, live) or (_late(proxy, late) if late else None)
    addresses = found.given if decided else None
    settling = _until_reachable(state, serves=bool(addresses) and _ready(proxy, live), now=now)
    if settling:
        again.append(settling)
    return (
        Facts(
            addresses,
            Infrastructure(
                ready=settling == 0,
                cluster_addresses=found.cluster,
                reason=problem.reason if problem is not None else "",
                message=problem.message if problem is not None else "",
            ),
        ),
        min(again, default=None),
    )


def _until_reachable(state: State, *, serves: bool, now: float) -> float | None:
    """Seconds until nodes know of the address and the pod; None while one is missing.

    What is there when a Gateway is looked at first counts at once: a control plane that starts
    takes nothing back.
    """
    if not serves:
        state.reachable = None
        return None
    if state.reachable is None:
        state.reachable = now if state.told is None else now + SETTLE
    return max(state.reachable - now, 0.0)


def _deployment(proxy: Proxy, live: Mapping[ObjectKey, Live]) -> reading.Deployment | None:
    found = live.get(("Deployment", names.resource_name(proxy.gateway)))
    return reading.deployment(found) if found is not None else None


def _ready(proxy: Proxy, live: Mapping[ObjectKey, Live]) -> bool:
    found = _deployment(proxy, live)
    return found is not None and found.ready > 0


def _failure(proxy: Proxy, live: Mapping[ObjectKey, Live]) -> Problem | None:
    """What keeps pods from being made, or from becoming ready, while none is."""
    found = _deployment(proxy, live)
    if found is None or found.ready:
        return None
    shown = f"Deployment {proxy.namespace}/{names.resource_name(proxy.gateway)}"
    if found.failure:
        return Problem("NoResources", f"{shown} cannot make pods: {found.failure}")
    if found.stuck:
        chosen = f"{names.GATEWAY_NAME}={names.label_value(proxy.gateway)}"
        return Problem(
            "Pending",
            f"{shown} has no pod that becomes ready; `kubectl describe pods -n {proxy.namespace} "
            f"-l {chosen}` says why",
        )
    return None


def _late(proxy: Proxy, service: str) -> Problem:
    message = (
        f"Service {proxy.namespace}/{service} gets no address; does the cluster have a load "
        "balancer? The setting serviceType NodePort or ClusterIP needs none"
    )
    return Problem("AddressNotAssigned", message)
