"""Feeds the addresses of Gateways back into the graph.

In: Gateways that a proxy shall serve. Out: changes of `Sources.gateway_addresses`, which the data
plane decides: what `spec.addresses` asks for where this machine has it, else an address of its own.
"""

import logging
from collections.abc import Iterable

from fairlead import api
from fairlead.app.pipeline import AnyChange, Pipeline
from fairlead.dataplane.addresses import ANY, AddressError, GatewayAddresses
from fairlead.graph import Change, Events
from fairlead.translate import gateway_addresses

_LOG = logging.getLogger(__name__)


class GatewayFeedback:
    """Knows which Gateways have addresses, and asks for those of new ones."""

    def __init__(self, pipeline: Pipeline, addresses: GatewayAddresses) -> None:
        self._sources = pipeline.sources
        self._fleet = pipeline.outputs.fleet
        self._addresses = addresses

    def answer(self, events: Events) -> Iterable[AnyChange]:
        """The addresses that have changed because of `events`."""
        if not events[self._sources.gateways] and not events[self._fleet]:
            return
        wanted: dict[tuple[str, str], tuple[str, ...]] = {}
        for proxy in dict(self._fleet.items()).values():
            gateway = self._sources.gateways.get((proxy.namespace, proxy.gateway))
            if gateway is not None:
                wanted[gateway.key] = wanted_addresses(gateway)
        try:
            found = self._addresses.converge({key: each for key, each in wanted.items() if each})
        except AddressError as error:
            _LOG.error("no address for a Gateway: %s", error)
            return
        given = {key: found.get(key, ()) for key in wanted}
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
