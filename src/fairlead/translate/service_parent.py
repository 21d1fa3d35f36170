"""Service as the parent of a route (GAMMA, GEP-1294): which of its ports a parentRef means.

In: a parentRef to kind Service of the core group. Out: the ports, or the spec's reason why there
are none. Asked both for the rules of the mesh and for the route's conditions.
"""

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.translate import service_port
from fairlead.translate.conditions import Refusal
from fairlead.translate.finding import indefinite
from fairlead.translate.route_rule import HostRoute
from fairlead.translate.service_port import Port, PortKey
from fairlead.translate.sources import Key, Sources


class Attached(msgspec.Struct, frozen=True):
    """A parentRef that a route is attached by."""

    service: Key
    ports: tuple[int, ...]
    """Service ports that the route governs, sorted; at least one."""
    note: str = ""
    """What the route's owner should know although it is attached."""


def service_parent(
    ctx: Context,
    sources: Sources,
    ports: Collection[PortKey, Port],
    route: HostRoute,
    ref: api.ParentReference,
) -> Attached | Refusal:
    """Decide whether `route` is attached to the Service of `ref`, and to which ports.

    `port` and `sectionName` (a port's name) restrict; without either, every port that takes HTTP.
    ReferenceGrants do not matter: from another namespace, a route governs its own clients only.

    Args:
        ctx: The function run that asks.
        sources: Where Services are found.
        ports: The Services' ports, as policies make them.
        route: The route.
        ref: One of its parentRefs, to a Service.
    """
    key = ref.key_from(route.metadata.namespace)
    shown = f"Service {key[0]}/{key[1]}"
    service = ctx.fetch(sources.services, key)
    if service is None:
        return "NoMatchingParent", f"{shown} does not exist"
    if service.spec.type == "ExternalName":
        return "UnsupportedValue", f"{shown} is of type ExternalName: it has no port"
    written = service_port.ports(service)
    known = tuple(ctx.fetch(ports, (*key, port.port)) or port for port in written)
    named = tuple(port for port in known if _meant(port, ref))
    if not named:
        return "NoMatchingParent", f"{shown} has no {_wanted(ref)}; it has {_list(known)}"
    usable = tuple(port.port for port in named if not port.unsupported)
    if not usable:
        why = f"port {named[0].port}: {named[0].unsupported}"
        message = f"{indefinite(route.kind)} cannot govern {shown} {why}"
        return "UnsupportedValue", message
    note = f"{shown} is headless: requests to a pod's own name bypass it"
    return Attached(key, usable, note if service.spec.headless else "")


def _meant(port: Port, ref: api.ParentReference) -> bool:
    """True if a parentRef means this port."""
    if ref.port is not None and ref.port != port.port:
        return False
    return ref.section_name is None or ref.section_name == port.name


def _wanted(ref: api.ParentReference) -> str:
    """Name the port that was looked for."""
    parts: list[str] = []
    if ref.port is not None:
        parts.append(f"port {ref.port}")
    if ref.section_name is not None:
        parts.append(f"port called {ref.section_name}")
    return " and ".join(parts) or "port"


def _list(ports: tuple[Port, ...]) -> str:
    """List ports as users know them: number, and name if there is one."""
    return ", ".join(f"{p.port} ({p.name})" if p.name else str(p.port) for p in ports) or "none"
