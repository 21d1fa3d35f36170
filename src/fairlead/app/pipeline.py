"""From objects to resources: the graph with everything on it, and what a change makes of it.

In: changes of sources. Out: `Effects`, the new values at the graph's edges. Facts that translation
asks the outside for by what it yields (a Gateway's address, the layout of a route table) are fed
back before anything is handed out, so that nobody sees a half-made answer.
"""

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fairlead import api
from fairlead.graph import Change, Events, Graph, GraphError
from fairlead.ir.fleet import Proxy
from fairlead.translate import build as translation
from fairlead.translate.report import Report
from fairlead.translate.sources import Key, Settings, Sources
from fairlead.xds import build as configuration
from fairlead.xds.resource import Resource

_LOG = logging.getLogger(__name__)
MOST_ROUNDS = 8
"""Feedback settles in two or three; a circle would go on for ever."""

ResourceKey: TypeAlias = tuple[str, str]
"""(type URL, name)."""
AnyChange: TypeAlias = Change[Any, Any]
Feedback: TypeAlias = Callable[[Events], Iterable[AnyChange]]
"""Looks at what has changed and answers with changes of sources."""


@dataclass(slots=True)
class Effects:
    """New values by key; None stands for what is gone."""

    resources: dict[str, dict[ResourceKey, Resource | None]] = field(
        default_factory=dict[str, dict[ResourceKey, Resource | None]]
    )
    """By name of the proxy."""
    fleet: dict[str, Proxy | None] = field(default_factory=dict[str, Proxy | None])
    pods: dict[Key, api.Pod | None] = field(default_factory=dict[Key, api.Pod | None])
    reports: dict[tuple[str, str, str], Report | None] = field(
        default_factory=dict[tuple[str, str, str], Report | None]
    )

    def update(self, later: "Effects") -> None:
        """Take over what came later."""
        for proxy, changes in later.resources.items():
            self.resources.setdefault(proxy, {}).update(changes)
        self.fleet.update(later.fleet)
        self.pods.update(later.pods)
        self.reports.update(later.reports)


class Pipeline:
    """The graph of one instance. Only its one owner may apply changes."""

    def __init__(self, settings: Settings, *, access_log: str = "") -> None:
        self.settings = settings
        self.graph = Graph()
        self.sources = Sources.on(self.graph)
        self.outputs = translation.build(self.graph, self.sources, settings)
        made = configuration.build(
            self.graph,
            listeners=self.outputs.listeners,
            chains=self.outputs.chains,
            secrets=self.outputs.secrets,
            secret_use=self.outputs.secret_use,
            virtual_hosts=self.outputs.virtual_hosts,
            clusters=self.outputs.clusters,
            endpoints=self.outputs.endpoints,
            cluster_use=self.outputs.cluster_use,
            access_log=access_log,
            system_trust=settings.system_trust,
        )
        self.resources = made.resources
        self._feedback: list[Feedback] = [made.feedback]
        edges = (self.outputs.fleet, self.outputs.pods, self.outputs.reports, self.resources)
        for collection in (*edges, self.sources.gateways, self.sources.fault_injections):
            self.graph.watch(collection)

    def add_feedback(self, feedback: Feedback) -> None:
        """Let `feedback` answer what translation yields, before anything is handed out."""
        self._feedback.append(feedback)

    def apply(self, changes: Iterable[AnyChange]) -> Generator[None, None, Effects]:
        """Propagate changes and what they call forth; a generator, so that its owner may pause.

        Until it is finished, collections may show a state between two states.

        Raises:
            GraphError: a function failed; the graph is as it was before.
        """
        effects = Effects()
        events = yield from self.graph.steps(changes)
        for _ in range(MOST_ROUNDS):
            self._collect(events, effects)
            answers = [change for answer in self._feedback for change in answer(events)]
            if not answers:
                break
            try:
                events = yield from self.graph.steps(answers)
            except GraphError:
                _LOG.exception("feedback was left out: %r", answers)
                break
        return effects

    def _collect(self, events: Events, effects: Effects) -> None:
        """Add the newest values of one round to `effects`."""
        outputs = self.outputs
        effects.fleet.update(_newest(events[outputs.fleet]))
        effects.pods.update(_newest(events[outputs.pods]))
        effects.reports.update(_newest(events[outputs.reports]))
        for (proxy, type_url, name), (_, new) in events[self.resources].items():
            effects.resources.setdefault(proxy, {})[type_url, name] = new


def _newest(events: Mapping[Any, tuple[Any, Any]]) -> dict[Any, Any]:
    return {key: new for key, (_, new) in events.items()}
