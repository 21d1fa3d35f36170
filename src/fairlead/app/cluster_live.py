"""The facts of a cluster, as `fairlead.analysis` asks for them: `analysis.view.Live`."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from fairlead import api
from fairlead.ads.server import AdsServer
from fairlead.ads.sync_state import ProxyState
from fairlead.analysis.view import ProxyFacts, View
from fairlead.app.live import synced
from fairlead.app.pipeline import Pipeline
from fairlead.app.replicas import Replicas
from fairlead.dataplane.pod import PodFacts
from fairlead.providers.kube.provider import KubeProvider
from fairlead.status.conditions import system_clock
from fairlead.translate.sources import Key

_NO_PODS: Mapping[Key, PodFacts] = {}


class ClusterFacts:
    """What is known of objects and proxies beside the collections."""

    def __init__(
        self, pipeline: Pipeline, provider: KubeProvider, ads: AdsServer, replicas: Replicas
    ) -> None:
        self._pipeline = pipeline
        self._provider = provider
        self._ads = ads
        self._replicas = replicas
        self._started = system_clock()

    def view(self) -> View:
        """A view for one question."""
        return View(self._pipeline.sources, self._pipeline.outputs, self)

    def status(self, kind: str, key: Key) -> Mapping[str, Any]:
        """The object's status as the API server has it, of all controllers."""
        live = self._provider.live(kind, key)
        return msgspec.json.decode(live.status) if live is not None and live.status else {}

    def born(self, kind: str, key: Key) -> datetime:
        """When the object was created."""
        found = self._pipeline.sources.of(kind).get(key)
        created = found.metadata.creation_timestamp if found is not None else None
        return datetime.fromisoformat(created) if created else self._started

    def now(self) -> datetime:
        """The present time."""
        return system_clock()

    def proxies(self) -> Mapping[str, ProxyFacts]:
        """Every proxy that shall run: as its pods at this replica are, or as others tell."""
        here: dict[str, list[ProxyState]] = {}
        for state in self._ads.sync_state():
            if state.connected:
                here.setdefault(state.proxy, []).append(state)
        shall: dict[str, set[str]] = {}
        bound = self._pipeline.outputs.listeners.keys()
        for proxy, listener in bound:
            shall.setdefault(proxy, set()).add(listener)
        answer: dict[str, ProxyFacts] = {}
        for name, proxy in sorted(self._pipeline.outputs.fleet.items()):
            pods = (
                *(self._connected_here(state, proxy.kind) for state in here.get(name, ())),
                *self._connected_elsewhere(name, proxy.kind, shall.get(name, set())),
            )
            merged = self._replicas.merged(name)
            answer[name] = ProxyFacts(
                name=name,
                kind=proxy.kind,
                connected=merged is not None and merged.connected,
                synced=bool(pods) and all(pod.synced for pod in pods),
                last_ack=min((p.last_ack for p in pods if p.last_ack is not None), default=None),
                rejections=merged.rejections if merged is not None else (),
                instances=pods,
            )
        return answer

    def _connected_here(self, state: ProxyState, kind: str) -> ProxyFacts:
        """A pod of a proxy that this replica serves."""
        return ProxyFacts(
            name=state.instance or state.proxy,
            kind=kind,
            connected=True,
            synced=synced(state),
            last_ack=state.last_ack,
            rejections=state.rejections,
            replica=self._replicas.pod,
        )

    def _connected_elsewhere(self, name: str, kind: str, shall: set[str]) -> Iterator[ProxyFacts]:
        """The pods of a proxy at each other replica, as one: which they are is not published."""
        for replica, status in self._replicas.elsewhere(name).items():
            yield ProxyFacts(
                name="",
                kind=kind,
                connected=True,
                synced=shall <= set(status.listeners) or bool(status.rejections),
                rejections=status.rejections,
                replica=replica,
            )

    def pods(self) -> Mapping[Key, PodFacts]:
        """Processes of pods: a cluster runs its own."""
        return _NO_PODS

    def problems(self) -> tuple[api.Problem, ...]:
        """Objects that could not be read."""
        return self._provider.problems()
