"""Where clients reach a Gateway's port: what its proxy binds, in a cluster what leads there."""

from ipaddress import ip_address

from fairlead.ir.fleet import gateway_of
from fairlead.ir.listener import GatewayListener, UdpListener
from fairlead.translate.sources import Sources


def reached_at(listener: GatewayListener | UdpListener, sources: Sources) -> tuple[str, ...]:
    """IP addresses or host names; none while a cluster has assigned none.

    A pod binds all of its addresses, which is no place to go to.
    """
    if not any(ip_address(address).is_unspecified for address in listener.addresses):
        return listener.addresses
    return sources.gateway_addresses.get(gateway_of(listener.proxy)) or ()
