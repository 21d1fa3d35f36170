"""Feeds the addresses of Gateways back into the graph.

In: Gateways that a proxy shall serve. Out: changes of `Sources.gateway_addresses`, which the data
plane decides: what `spec.addresses` asks for where this machine has it, else an address of its own.
Of several Gateways that ask for one address, the oldest gets it.
"""

import logging
from collections.abc import Callable, Iterable

from fairlead import api
from fairlead.app.pipeline import AnyChange, Pipeline
from fairlead.dataplane.addresses import ANY, AddressError, GatewayAddresses
from fairlead.graph import Change, Events
from fairlead.ir.fleet import gateway_of
from fairlead.translate import age, gateway_addresses

_LOG = logging.getLogger(__name__)


class GatewayFeedback:
    """Knows which Gateways have addresses, and asks for those of new ones."""

    def __init__(
        self,
        pipeline: Pipeline,
        addresses: GatewayAddresses,
        running: Callable[[], Iterable[str]],
    ) -> None:
        """Answer for the Gateways of `pipeline`.

        Args:
            pipeline: Where the Gateways are.
            addresses: Who gives addresses.
            running: Names of the proxies whose processes have not ended, wanted or not.
        """
        self._sources = pipeline.sources
        self._fleet = pipeline.outputs.fleet
        self._addresses = addresses
        self._running = running

    def answer(self, events: Events) -> Iterable[AnyChange]:
        """The addresses that have changed because of `events`."""
        if events[self._sources.gateways] or events[self._fleet]:
            yield from self.changes()

    def changes(self) -> Iterable[AnyChange]:
        """The addresses that have changed since they were last asked for."""
        proxies = dict(self._fleet.items()).values()
        found = [self._sources.gateways.get((each.namespace, each.gateway)) for each in proxies]
        gateways = [gateway for gateway in found if gateway is not None]
        gateways.sort(key=lambda gateway: age.order(gateway.metadata))
        wanted = {gateway.key: wanted_addresses(gateway) for gateway in gateways}
        ending = {gateway_of(name) for name in self._running()} - wanted.keys()
        try:
            addresses = self._addresses.converge(
                {key: each for key, each in wanted.items() if each}, ending
            )
        except AddressError as error:
            _LOG.error("no address for a Gateway: %s", error)
            return
        given = {key: addresses.get(key, ()) for key in wanted}
        known = self._sources.gateway_addresses
        for key in sorted(given.keys() | set(known.keys())):
            if given.get(key) != known.get(key):
                yield Change(known, key, given.get(key))


def wanted_addresses(gateway: api.Gateway) -> tuple[str, ...]:
    """The IP addresses that `spec.addresses` asks for, in its order; `ANY` stands for any.

    Empty if nothing that it asks for can be given.
    """
    asked = gateway.spec.addresses
    if not asked:
        return (ANY,)
    return tuple(
        address.value or ANY
        for address in asked
        if address.type == "IPAddress" and gateway_addresses.routable(address)
    )
