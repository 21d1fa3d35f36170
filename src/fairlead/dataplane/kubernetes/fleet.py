"""Makes, repairs and removes what proxies of Gateways need in a cluster.

In: the fleet, and the API server's objects. Out: objects by server-side apply, and facts about each
Gateway (its addresses, whether its pods run, what is in the way). Only the leader writes; everybody
watches and tells. What does not belong to a Gateway of ours is never touched, and what is, only
where it differs from what it shall be.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from fairlead.dataplane.clock import Clock, SystemClock
from fairlead.dataplane.kubernetes import facts as telling
from fairlead.dataplane.kubernetes import names, plan
from fairlead.dataplane.kubernetes.cache import Cache, GatewayKey
from fairlead.dataplane.kubernetes.facts import Facts, Problem, State
from fairlead.dataplane.kubernetes.manifests import Common
from fairlead.dataplane.kubernetes.ownership import Ownership
from fairlead.dataplane.kubernetes.plan import Apply, Delete, ObjectKey
from fairlead.dataplane.kubernetes.pod import PodSettings
from fairlead.dataplane.kubernetes.queue import WorkQueue
from fairlead.ir.fleet import Proxy
from fairlead.ir.infrastructure import Infrastructure
from fairlead.providers.kube.backoff import Backoff
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError, UnreachableError
from fairlead.providers.kube.paths import path_of

_LOG = logging.getLogger(__name__)
WORKERS: Final = 8
"""Gateways that are worked on at once."""
_REFUSED: Final = range(400, 500)
_CONFLICT: Final = 409
_GONE: Final = (404, 410)
_BUSY: Final = 429
QUIET: Final = 5.0
"""Seconds until something is tried again in a namespace that was found to be deleted."""
_SLOWEST: Final = 30.0
"""Seconds between two tries of what was refused."""


@dataclass(frozen=True, slots=True)
class KubeFleetSettings:
    """What does not change while the process runs."""

    image: str
    """Of the proxies' pods."""
    xds_address: str
    """``HOST:PORT`` by which proxies reach the control plane."""
    controller_name: str
    """Of the GatewayClasses that are ours (`spec.controllerName`)."""
    pull_policy: str = ""
    pull_secrets: tuple[str, ...] = ()


def _ignore(_gateway: GatewayKey, _told: object) -> None:
    """Nobody wants to know."""


class KubeFleet:
    """Converges on the proxies it was last told. `run` in one task; calls come from its loop.

    Args:
        client: Of the API server.
        settings: What all proxies have in common.
        on_addresses: Told the addresses of a Gateway when they change: IP addresses and host names;
            None while that is not decided, or where no proxy shall run.
        on_infrastructure: Told how its infrastructure is doing when that changes.
        clock: For waits.
    """

    def __init__(
        self,
        client: KubeClient,
        settings: KubeFleetSettings,
        on_addresses: Callable[[GatewayKey, tuple[str, ...] | None], None] = _ignore,
        on_infrastructure: Callable[[GatewayKey, Infrastructure | None], None] = _ignore,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._on_addresses = on_addresses
        self._on_infrastructure = on_infrastructure
        self._clock = clock or SystemClock()
        self._queue: WorkQueue[GatewayKey] = WorkQueue(self._clock)
        self._cache = Cache(client, settings.controller_name, self._queue.add, self._all_again)
        self._ownership = Ownership(client, settings.controller_name)
        self._authorities = ""
        self._leading = False
        self._wanted: dict[GatewayKey, Proxy] | None = None
        """None until somebody has said which."""
        self._states: dict[GatewayKey, State] = {}
        self._settled: dict[GatewayKey, dict[ObjectKey, tuple[str, plan.Manifest]]] = {}
        self._backoffs: dict[GatewayKey, Backoff] = {}
        self._random = Random()  # noqa: S311 - pauses, no secrets

    # What is wanted

    def converge(self, proxies: Mapping[str, Proxy]) -> None:
        """Let there be what these proxies need, and nothing for other Gateways."""
        wanted = {
            (each.namespace, each.gateway): each
            for each in proxies.values()
            if each.kind == "gateway"
        }
        before = self._wanted
        self._wanted = wanted
        if before is None:
            self._all_again()
            return
        for key in sorted(before.keys() | wanted.keys()):
            if before.get(key) != wanted.get(key):
                self._queue.add(key)

    def lead(self, *, leading: bool) -> None:
        """Whether this replica writes."""
        if leading != self._leading:
            self._leading = leading
            self._all_again()

    def authorities(self, pem: str) -> None:
        """Who vouches for the control plane; nothing is made before that is known."""
        if pem != self._authorities:
            self._authorities = pem
            self._all_again()

    def _all_again(self) -> None:
        for key in sorted({*self._cache.gateways(), *(self._wanted or ())}):
            self._queue.add(key)

    @property
    def busy(self) -> bool:
        """Whether a Gateway is looked at, or waits for it; those that are tried later aside."""
        return self._queue.busy

    # What is told

    async def synced(self) -> None:
        """Wait until all that there is has been read once; `observe` tells the truth from then."""
        await self._cache.wait_synced()

    def observe(self, proxy: Proxy) -> Facts:
        """What there is of a proxy, at once; what changes later is told by the callbacks."""
        return self._look((proxy.namespace, proxy.gateway), proxy)

    def _look(self, key: GatewayKey, proxy: Proxy) -> Facts:
        state = self._states.setdefault(key, State())
        nodes = self._cache.nodes() if proxy.deployment.service_type == "NodePort" else ()
        found, again = telling.facts(proxy, self._cache.of(key), nodes, state, self._clock.now())
        if again is not None:
            self._queue.add_later(key, again)
        state.told = found
        return found

    def _tell(self, key: GatewayKey) -> None:
        """Tell what is new about a Gateway."""
        proxy = (self._wanted or {}).get(key)
        state = self._states.get(key)
        before = state.told if state is not None else None
        if proxy is None:
            if self._states.pop(key, None) is not None:
                self._on_addresses(key, None)
                self._on_infrastructure(key, None)
            return
        now = self._look(key, proxy)
        if before is None or before.addresses != now.addresses:
            self._on_addresses(key, now.addresses)
        if before is None or before.infrastructure != now.infrastructure:
            self._on_infrastructure(key, now.infrastructure)

    # Work

    async def run(self) -> None:
        """Watch, tell, and make what is missing, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._cache.run(), name="infrastructure of Gateways")
            await self._cache.wait_synced()
            for number in range(WORKERS):
                tasks.create_task(self._work(), name=f"fleet worker {number}")

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._reconcile(key)
            finally:
                self._queue.done(key)

    async def _reconcile(self, key: GatewayKey) -> None:
        """Bring one Gateway to what it shall be; what goes wrong is told, and tried again."""
        self._tell(key)
        if not self._leading or self._wanted is None:
            return
        proxy = self._wanted.get(key)
        try:
            if proxy is None:
                await self._abandon(key)
            elif not (proxy.held or proxy.ending) and self._authorities:
                await self._provide(key, proxy)
        except ApiError as error:
            self._failed(key, error)
            return
        except msgspec.MsgspecError as error:
            self._failed(key, UnreachableError(f"what came is no such object: {error}"))
            return
        except _ForeignObjectError as error:
            self._refused(key, Problem("NoResources", str(error)))
            return
        self._backoffs.pop(key, None)
        state = self._states.get(key)
        if state is not None and state.problem is not None:
            state.problem = None
            self._tell(key)

    def _failed(self, key: GatewayKey, error: ApiError) -> None:
        """Note what the API server said, as far as a Gateway's owner can do something about it."""
        if _is_going(error):
            _LOG.debug("Gateway %s/%s: its namespace is going: %s", *key, error)
            self._queue.add_later(key, QUIET)
            return
        if not _refuses(error):
            _LOG.warning("Gateway %s/%s: %s", *key, error)
            self._again(key)
            return
        reason = "Invalid" if error.reason == "Invalid" else "NoResources"
        self._refused(key, Problem(reason, f"the cluster refuses what the Gateway needs: {error}"))

    def _refused(self, key: GatewayKey, problem: Problem) -> None:
        state = self._states.get(key)
        if state is not None and state.problem != problem:
            _LOG.warning("Gateway %s/%s: %s", *key, problem.message)
            state.problem = problem
            self._tell(key)
        self._again(key)

    def _again(self, key: GatewayKey) -> None:
        backoff = self._backoffs.setdefault(key, Backoff(self._random, most=_SLOWEST))
        self._queue.add_later(key, backoff.pause())

    async def _provide(self, key: GatewayKey, proxy: Proxy) -> None:
        """Write what differs.

        Raises:
            ApiError: Something failed, and the rest was not tried; or a Service was refused, which
                keeps from its address only.
            _ForeignObjectError: The same, of a name that is taken.
        """
        settings = self._settings
        pods = PodSettings(
            settings.image, settings.xds_address, settings.pull_policy, settings.pull_secrets
        )
        common = Common(pods, self._authorities, settings.controller_name)
        settled = self._settled.setdefault(key, {})
        applied, deleted = plan.plan(proxy, common, self._cache.of(key), settled)
        refusal: ApiError | _ForeignObjectError | None = None
        for step in (*applied, *deleted):
            if not self._leading:
                return
            try:
                if isinstance(step, Apply):
                    await self._apply(key, step)
                else:
                    await self._delete(key, step)
            except (ApiError, _ForeignObjectError) as error:
                if step.kind != "Service" or not _refuses(error):
                    raise
                refusal = refusal or error
        if refusal is not None:
            raise refusal

    async def _apply(self, key: GatewayKey, step: Apply) -> None:
        path = _path(key, step.kind, step.name)
        if not step.exists and await self._ownership.taken(path, key):
            shown = f"{step.kind} {key[0]}/{step.name}"
            raise _ForeignObjectError(
                f"{shown} exists and is not made for this Gateway; rename or remove it"
            )
        content = await self._client.apply(path, step.body(), manager=names.FIELD_MANAGER)
        self._cache.written(step.kind, key[0], content)
        made = plan.restricted(msgspec.json.decode(content), step.manifest)
        digest = plan.digest_of(step.manifest)
        self._settled.setdefault(key, {})[step.kind, step.name] = digest, made
        _LOG.info("Gateway %s/%s: applied %s %s", *key, step.kind, step.name)

    async def _delete(self, key: GatewayKey, step: Delete) -> None:
        try:
            await self._client.delete(_path(key, step.kind, step.name), uid=step.uid)
        except ApiError as error:
            if error.code != _CONFLICT:  # another one has its name by now
                raise
        self._cache.deleted(step.kind, key[0], step.name, step.uid)
        _LOG.info("Gateway %s/%s: deleted %s %s", *key, step.kind, step.name)

    async def _abandon(self, key: GatewayKey) -> None:
        """Remove what was made for a Gateway that is another controller's now.

        Of one that is gone, the cluster removes what belonged to it; so no mistake about which
        Gateways there are ever removes a proxy.
        """
        self._settled.pop(key, None)
        live = self._cache.of(key)
        owners = {each.owner for each in live.values()}
        if live and await self._ownership.abandoned(key, owners):
            snapshot = path_of("v1", "secrets", key[0], names.snapshot_name(key[1]))
            if uid := await self._ownership.snapshot(snapshot, owners):
                await self._client.delete(snapshot, uid=uid)
            for (kind, name), each in sorted(live.items()):
                if not each.deleting:
                    await self._delete(key, Delete(kind, name, each.uid))


class _ForeignObjectError(Exception):
    """The name of something that is to be made is taken."""


def _is_going(error: ApiError) -> bool:
    """Whether it says that the namespace is being deleted, or is gone."""
    return error.code in _GONE or "being terminated" in error.message


def _refuses(error: ApiError | _ForeignObjectError) -> bool:
    """Whether it comes of what was asked for, and again until that or the cluster is another."""
    if isinstance(error, _ForeignObjectError):
        return True
    refused = error.code in _REFUSED and error.code not in {_CONFLICT, _BUSY}
    return refused and not _is_going(error)


def _path(key: GatewayKey, kind: str, name: str) -> str:
    version, plural = plan.PLURALS[kind]
    return path_of(version, plural, key[0], name)
