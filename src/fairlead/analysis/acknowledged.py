"""How far a route is served: by how many proxies, as far as they hold the ports it comes by."""

from fairlead.analysis.naming import has_ports, parent_ports
from fairlead.analysis.view import View
from fairlead.translate.report import ParentReport
from fairlead.translate.sources import Key


def acknowledged(view: View, parent: ParentReport, kind: str, key: Key) -> tuple[int, int]:
    """How many of the proxies of a parent serve a route, and how many shall.

    A proxy that holds the route but none of the ports by which it is reached does not serve it:
    it may have been refused them, or have no address to bind them at.
    """
    acked, total = view.acknowledged(parent.proxies, kind, key)
    if not acked or not has_ports(parent.parent_ref):
        return acked, total
    statuses = map(view.sources.proxy_status.get, parent.proxies)
    held = {name for status in statuses if status is not None for name in status.listeners}
    ports = parent_ports(view, kind, parent.parent_ref, key[0])
    return (acked if any(port.name in held for port in ports) else 0), total
