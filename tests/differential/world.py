"""One pipeline whose objects are replaced by those of the next configuration."""

from typing import Any

from differential.surroundings import OFFSET, Loopback, objects
from fairlead import api
from fairlead.analysis.explain import Facts
from fairlead.app.pipeline import Effects, Pipeline
from fairlead.graph import Change, Events
from fairlead.translate.sources import Settings
from support.generators import finish

Raw = dict[str, Any]
"""An object as a YAML parser makes it."""


class World:
    """What the proxies shall do, now."""

    def __init__(self, loopback: Loopback, access_log: str) -> None:
        self._loopback = loopback
        self._held: dict[tuple[str, str, str], api.Object] = {}
        self.pipeline = Pipeline(
            Settings(port_offset=OFFSET, access_log=True), access_log=access_log
        )
        self.pipeline.add_feedback(self._addresses)
        self.rejected = 0
        """Objects that validation did not let in."""

    @property
    def facts(self) -> Facts:
        """What decisions are read from, until the next change."""
        return Facts(self.pipeline.sources, self.pipeline.outputs)

    def start(self) -> Effects:
        """Put the surroundings in."""
        sources = self.pipeline.sources
        fixed = objects(self._loopback.echo)
        changes = [Change(sources.of(each.kind), each.key, each) for each in fixed]
        effects = finish(self.pipeline.apply(changes))
        running = [
            Change(sources.workloads, (each.namespace, each.name), each)
            for each in self._loopback.workloads()
        ]
        effects.update(finish(self.pipeline.apply(running)))
        return effects

    def replace(self, raw: list[Raw]) -> Effects:
        """Let a configuration take the place of the last one."""
        decoded = [api.decode(each) for each in raw]
        self.rejected += sum(1 for each in decoded if not each.objects)
        new = {(obj.kind, *obj.key): obj for each in decoded for obj in each.objects}
        changes = [
            Change(self.pipeline.sources.of(key[0]), key[1:], new.get(key))
            for key in sorted(self._held.keys() | new.keys())
            if self._held.get(key) != new.get(key)
        ]
        self._held = new
        return finish(self.pipeline.apply(changes))

    def _addresses(self, events: Events):
        sources = self.pipeline.sources
        for key, (_, gateway) in events[sources.gateways].items():
            given = (self._loopback.gateway,) if gateway is not None else None
            yield Change(sources.gateway_addresses, key, given)
