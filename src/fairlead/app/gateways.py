"""Gives Gateways their addresses.

In: Gateways that a proxy shall serve. Out: changes of `Sources.gateway_addresses`. The first one
answers on 127.0.0.1, each further one on the next address of that block, in the order of their
names as they come; a Gateway keeps its address as long as the instance runs, even if it is
removed and written again. Addresses in `spec.addresses` are used where this machine can bind them.
"""

from collections.abc import Callable, Iterable
from itertools import count

from fairlead import api
from fairlead.app.pipeline import AnyChange, Pipeline
from fairlead.graph import Change, Events
from fairlead.translate.sources import Key


class GatewayAddresses:
    """Remembers which Gateway has which loopback address."""

    def __init__(self, pipeline: Pipeline, can_bind: Callable[[str], bool]) -> None:
        self._sources = pipeline.sources
        self._fleet = pipeline.outputs.fleet
        self._can_bind = can_bind
        self._given: dict[Key, str] = {}

    def answer(self, events: Events) -> Iterable[AnyChange]:
        """The feedback function: addresses of the Gateways that `events` are about."""
        keys = set(events[self._sources.gateways])
        for old, new in events[self._fleet].values():
            proxy = new or old
            if proxy is not None and proxy.kind == "gateway":
                keys.add((proxy.namespace, proxy.gateway))
        for key in sorted(keys):
            yield Change(self._sources.gateway_addresses, key, self._addresses(key))

    def _addresses(self, key: Key) -> tuple[str, ...] | None:
        gateway = self._sources.gateways.get(key)
        if gateway is None or f"gateway/{key[0]}/{key[1]}" not in self._fleet:
            return None
        wanted = wanted_addresses(gateway)
        if wanted:
            return tuple(address for address in wanted if self._can_bind(address))
        return (self._loopback(key),)

    def _loopback(self, key: Key) -> str:
        """The Gateway's own address in 127.0.0.0/8, the lowest that nobody has got so far."""
        if key not in self._given:
            taken = set(self._given.values())
            candidates = (f"127.0.{number // 256}.{number % 256}" for number in count(1))
            self._given[key] = next(
                candidate
                for candidate in candidates
                if candidate not in taken and not candidate.endswith((".0", ".255"))
            )
        return self._given[key]


def wanted_addresses(gateway: api.Gateway) -> tuple[str, ...]:
    """The IP addresses that `spec.addresses` asks for by value, in its order."""
    return tuple(
        address.value
        for address in gateway.spec.addresses
        if address.type == "IPAddress" and address.value
    )
