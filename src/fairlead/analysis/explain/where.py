"""Which listener a request comes to, and by which of its chains.

A client outside calls a Gateway; a pod calls by its own outbound listener. Where no Gateway is
named, the one whose virtual host fits the request best is meant.
"""

from collections.abc import Iterator

import msgspec

from fairlead.analysis.explain.decision import Where
from fairlead.analysis.explain.facts import Facts
from fairlead.analysis.explain.request import Request
from fairlead.ir.fleet import MESH_PROXY
from fairlead.ir.listener import GatewayListener, HttpChain, UdpListener
from fairlead.translate import hostnames
from fairlead.translate.sources import Key

BoundListener = GatewayListener | UdpListener
_MOST_NAMES = 10


class Nowhere(msgspec.Struct, frozen=True):
    """The request comes to nothing that could answer it."""

    why: str
    where: Where | None = None
    closed: bool = True
    """False where the request goes its own way."""


def find(facts: Facts, request: Request) -> Where | Nowhere:
    """Where a request comes to."""
    if request.source is not None:
        return _from_pod(facts, request, request.source)
    named = list(_gateways(facts, request))
    if not named:
        return Nowhere(_no_gateway(facts, request))
    found = [(key, listener) for key in named for listener in _ports(facts, key, request)]
    if not found:
        return Nowhere(_no_port(facts, named, request))
    places = [_connected(facts, key, listener, request) for key, listener in found]
    return min(places, key=lambda place: _fit(facts, place, request))


def others(facts: Facts, request: Request, taken: Where) -> list[Key]:
    """Further Gateways that listen on the port that is called, where none is named."""
    if request.source is not None or request.gateway is not None:
        return []
    keys = sorted({key for key in facts.gateways if list(_ports(facts, key, request))})
    return [key for key in keys if key != (taken.namespace, taken.name)]


def _from_pod(facts: Facts, request: Request, source: str) -> Where | Nowhere:
    namespace, _, pod = source.rpartition("/")
    key = (namespace or "default", pod)
    listener = facts.caller(key)
    if listener is None:
        here = sorted(name for space, name in facts.outbound if space == key[0])
        known = f"; there are {', '.join(here[:_MOST_NAMES])}" if here else ""
        return Nowhere(f"no pod or Deployment {key[0]}/{key[1]} runs{known}")
    where = Where(
        kind="mesh",
        proxy=MESH_PROXY,
        listener=listener.name,
        table=listener.table,
        namespace=listener.namespace,
        name=listener.pod,
        port=listener.bind_port,
        meshed=not listener.table.startswith("unmeshed/"),
    )
    if request.scheme != "http":
        return Nowhere(
            f"{request.scheme}:// from a pod goes past the mesh: what is encrypted or no HTTP "
            "cannot be routed by its contents; use http:// (or grpc://) for Services",
            where,
            closed=False,
        )
    return where


def _gateways(facts: Facts, request: Request) -> Iterator[Key]:
    """The Gateways that a client may mean."""
    if request.gateway is None:
        yield from sorted(facts.gateways)
        return
    namespace, _, name = request.gateway.rpartition("/")
    key = (namespace or "default", name)
    if key in facts.gateways:
        yield key


def _no_gateway(facts: Facts, request: Request) -> str:
    if request.gateway is None:
        return (
            "no Gateway is served; a request from inside the mesh names its pod: "
            "--from NAMESPACE/POD"
        )
    namespace, _, name = request.gateway.rpartition("/")
    key = (namespace or "default", name)
    shown = f"Gateway {key[0]}/{key[1]}"
    if facts.sources.gateways.get(key) is None:
        return f"there is no {shown}"
    report = facts.outputs.reports.get(("Gateway", *key))
    if report is None:
        return f"{shown} is not served here: its GatewayClass belongs to another controller"
    bad = [each for each in report.conditions if each.status == "False"]
    told = f": {bad[0].type} is False ({bad[0].reason}): {bad[0].message}" if bad else ""
    return f"{shown} is not served{told}"


def _ports(facts: Facts, key: Key, request: Request) -> Iterator[BoundListener]:
    """The Gateway's listeners on the port that is called: as declared, else as it is bound."""
    udp = request.scheme == "udp"
    own = [
        listener
        for listener in facts.ports.get(facts.gateways[key].name, ())
        if isinstance(listener, UdpListener) == udp
    ]
    declared = [listener for listener in own if listener.port == request.port]
    yield from declared or [one for one in own if one.bind_port == request.port]


def _no_port(facts: Facts, named: list[Key], request: Request) -> str:
    transport = "UDP " if request.scheme == "udp" else ""
    parts: list[str] = []
    for key in named[:_MOST_NAMES]:
        ports = facts.ports.get(facts.gateways[key].name, ())
        listed = ", ".join(listener.name.replace("-", " ") for listener in ports) or "none"
        parts.append(f"{key[0]}/{key[1]} has {listed}")
    return f"no Gateway listens on {transport}port {request.port}: {'; '.join(parts)}"


def _connected(
    facts: Facts, key: Key, listener: BoundListener, request: Request
) -> Where | Nowhere:
    """The chain that takes a connection of the request."""
    where = Where(
        kind="gateway",
        proxy=listener.proxy,
        listener=listener.name,
        table="",
        namespace=key[0],
        name=key[1],
        port=listener.port,
    )
    if isinstance(listener, UdpListener):
        return where
    encrypted = request.scheme in {"https", "tls"}
    kind = listener.name.partition("-")[0]
    if kind == "tls" and not encrypted:
        return Nowhere(
            f"port {listener.port} speaks TLS: a connection that does not begin with a TLS "
            "handshake is closed; use https:// (or tls://)",
            where,
        )
    name = request.server_name if kind == "tls" else ""
    chain = facts.chain(listener.proxy, listener.name, name)
    if chain is None:
        return Nowhere(_no_chain(facts, listener, name), where)
    http = isinstance(chain, HttpChain)
    where = msgspec.structs.replace(where, chain=chain, table=listener.table if http else "")
    if http and not encrypted and request.scheme != "http":
        return Nowhere(f"port {listener.port} speaks HTTP", where)
    if http and encrypted and kind == "http":
        return Nowhere(
            f"port {listener.port} speaks HTTP without TLS; use http://, or a listener of "
            "protocol HTTPS",
            where,
        )
    return where


def _no_chain(facts: Facts, listener: GatewayListener, name: str) -> str:
    if not name and listener.name.startswith("tls-"):
        told = "the client asks for no name (SNI)"
    else:
        told = f"no listener on port {listener.port} takes the name {name!r} (SNI)"
    taken = sorted(filter(None, facts.chains.get((listener.proxy, listener.name), {})))
    served = f"; it takes {', '.join(taken[:_MOST_NAMES])}" if taken else ""
    return f"{told}, so the connection is closed{served}"


def _fit(facts: Facts, place: Where | Nowhere, request: Request) -> tuple[object, ...]:
    """Sort key: those that answer, by how specific the virtual host is, then by name."""
    if isinstance(place, Nowhere):
        where = place.where
        return (2, (9, 0), (where.namespace, where.name) if where is not None else ("", ""))
    if not place.table:
        return (0, (0, 0), (place.namespace, place.name))
    host = facts.host(place.table, request.host, any_port=True)
    if host is None:
        return (1, (9, 0), (place.namespace, place.name))
    return (0, hostnames.specificity(host.name), (place.namespace, place.name))
