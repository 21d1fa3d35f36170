"""The facts of running things, as `fairlead.analysis` asks for them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fairlead import api
from fairlead.ads.server import AdsServer
from fairlead.ads.sync_state import ProxyState
from fairlead.analysis.view import ProxyFacts, View
from fairlead.app.pipeline import Pipeline
from fairlead.dataplane.fleet import EnvoyFacts, EnvoyFleet
from fairlead.dataplane.pod import PodFacts
from fairlead.dataplane.pods import PodRunner
from fairlead.providers.files.provider import FilesProvider
from fairlead.status.conditions import system_clock
from fairlead.status.store import StatusStore
from fairlead.translate.sources import Key

_NO_PROXIES: Mapping[str, EnvoyFacts] = {}
_NO_PODS: Mapping[Key, PodFacts] = {}


class LiveFacts:
    """Implements `analysis.view.Live` on the parts of this instance."""

    def __init__(
        self, pipeline: Pipeline, store: StatusStore, ads: AdsServer, provider: FilesProvider
    ) -> None:
        self._pipeline = pipeline
        self._store = store
        self._ads = ads
        self._provider = provider
        self._started = system_clock()
        self._born: dict[tuple[str, str, str], datetime] = {}
        self._fleet: EnvoyFleet | None = None
        self._pods: PodRunner | None = None

    def runs(self, fleet: EnvoyFleet, pods: PodRunner) -> None:
        """Name the runners, which start later than questions may come."""
        self._fleet = fleet
        self._pods = pods

    def view(self) -> View:
        """A view for one question."""
        return View(self._pipeline.sources, self._pipeline.outputs, self)

    def seen(self, kind: str, key: Key, *, present: bool) -> None:
        """Note that an object is there now, or gone. Those of the start share its time."""
        if present:
            self._born.setdefault((kind, *key), system_clock())
        else:
            self._born.pop((kind, *key), None)

    def status(self, kind: str, key: Key) -> Mapping[str, Any]:
        """The object's status, empty if there is none."""
        return self._store.get((kind, *key))

    def born(self, kind: str, key: Key) -> datetime:
        """When the object was first seen; the start of this instance if it was there then."""
        return self._born.get((kind, *key), self._started)

    def now(self) -> datetime:
        """The present time."""
        return system_clock()

    def proxies(self) -> Mapping[str, ProxyFacts]:
        """Every proxy that shall run."""
        states = {state.proxy: state for state in self._ads.sync_state()}
        running = self._fleet.facts() if self._fleet else _NO_PROXIES
        answer: dict[str, ProxyFacts] = {}
        for name, proxy in sorted(self._pipeline.outputs.fleet.items()):
            state, process = states.get(name), running.get(name)
            answer[name] = ProxyFacts(
                name=name,
                kind=proxy.kind,
                connected=state is not None and state.connected,
                synced=state is not None and synced(state),
                last_ack=state.last_ack if state else None,
                rejections=state.rejections if state else (),
                pid=(process.pid or None) if process else None,
                restarts=process.restarts if process else 0,
            )
        return answer

    def pods(self) -> Mapping[Key, PodFacts]:
        """Processes of pods, of those that were started."""
        return self._pods.facts() if self._pods else _NO_PODS

    def problems(self) -> tuple[api.Problem, ...]:
        """What is wrong with documents."""
        return self._provider.problems()


def synced(state: ProxyState) -> bool:
    """Whether a proxy holds everything, also what it has yet to ask for as it starts.

    It asks for every route table and every cluster's endpoints once it knows of them; only what it
    refused may be missing for ever.
    """
    complete = all(each.acknowledged >= each.desired for each in state.types)
    return state.synced and (complete or bool(state.rejections))
