"""One instance's whole way from manifests to resources, on which spoilt manifests are tried.

What holds whatever a manifest says: nothing raises, nothing takes longer than `LONGEST`, what is
not let in has a reason that says where, the bystanders are served as before, and once the manifest
is as it was, so is everything else.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from fairlead import api
from fairlead.app.gateways import wanted_addresses
from fairlead.app.pipeline import Effects, Pipeline
from fairlead.graph import Change, Events
from fairlead.ir.workload import Workload
from fairlead.translate.sources import Settings
from fuzz.mutation import BYSTANDER, Raw, seeds
from support.generators import finish

CLIENT = Workload("default", "client", (("app", "client"),), "127.33.0.2", ready=True)
LONGEST = 1.0
"""Seconds of the processor for one input."""

Identity = tuple[str, str, str]
"""Kind, namespace and name."""


def identity(obj: api.Object) -> Identity:
    namespace, name = obj.key
    return obj.kind, namespace, name


class Proving:
    """A pipeline that holds the manifests as they should be."""

    def __init__(self) -> None:
        self.pipeline = Pipeline(Settings(port_offset=20000))
        self.good: dict[Identity, api.Object] = {}
        self.inputs = 0
        self.let_in = 0
        self.slowest = 0.0
        """Seconds."""
        self._changed: dict[Identity, api.Object] = {}
        self.pipeline.add_feedback(self._addresses)
        for raw in seeds():
            decoded = api.decode(raw)
            errors = [str(each) for each in decoded.problems if each.severity == "error"]
            assert not errors, errors
            self.good.update({identity(obj): obj for obj in decoded.objects})
        self.start = self.apply(self.good)
        running = Change(self.pipeline.sources.workloads, ("default", "client"), CLIENT)
        self.start.update(finish(self.pipeline.apply([running])))
        self.resources = dict(self.pipeline.resources.items())
        self.reports = dict(self.pipeline.outputs.reports.items())

    def _addresses(self, events: Events) -> Iterator[Change[Any, Any]]:
        """Addresses of Gateways, as a machine that has them all gives them."""
        sources = self.pipeline.sources
        for key, (_, gateway) in events[sources.gateways].items():
            wanted = wanted_addresses(gateway) if gateway else None
            given = wanted and tuple(address or "127.0.0.1" for address in wanted)
            yield Change(sources.gateway_addresses, key, given)

    def apply(self, objects: Mapping[Identity, api.Object | None]) -> Effects:
        """Put objects in, or take them out; a function that fails raises."""
        sources = self.pipeline.sources
        changes = [
            Change(sources.of(kind), (namespace, name), obj)
            for (kind, namespace, name), obj in objects.items()
        ]
        return finish(self.pipeline.apply(changes))

    def attempt(self, data: bytes | str | dict[str, Raw]) -> Effects | None:
        """Try one input; None if nothing of it was let in. `restore` takes it back."""
        begin = time.process_time()
        decoded = api.decode(data)
        self.inputs += 1
        for problem in decoded.problems:
            assert str(problem).isprintable()
            assert problem.message
        effects = None
        self._changed = {identity(obj): obj for obj in decoded.objects if obj.key[0] != BYSTANDER}
        if self._changed:
            self.let_in += 1
            effects = self.apply(self._changed)
            self._untouched(effects)
        taken = time.process_time() - begin
        self.slowest = max(self.slowest, taken)
        assert taken < LONGEST, f"took {taken:.2f} s"
        return effects

    def restore(self, effects: Effects | None) -> Effects | None:
        """Take the last input back."""
        if effects is None:
            return None
        back = self.apply({key: self.good.get(key) for key in self._changed})
        touched = {
            (proxy, *key)
            for made in (effects, back)
            for proxy in made.resources
            for key in made.resources[proxy]
        }
        for key in touched:
            assert self.pipeline.resources.get(key) == self.resources.get(key), key
        for key in effects.reports.keys() | back.reports.keys():
            assert self.pipeline.outputs.reports.get(key) == self.reports.get(key), key
        return back

    def _untouched(self, effects: Effects) -> None:
        """The bystanders' own resources and reports are what they were."""
        for kind, namespace, name in effects.reports:
            assert namespace != BYSTANDER, f"the report of {kind} {name}"
        for proxy, changes in effects.resources.items():
            assert proxy != f"gateway/{BYSTANDER}/good", changes.keys()
