"""What a proxy made of what it was sent. Re-enters the graph as a collection."""

import msgspec

from fairlead.ir.origin import Origin


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Something that Envoy refused and that is held back until its source changes."""

    type_url: str
    name: str
    """Name of the resource."""
    part: str
    """Key of the part of it (virtual host), empty where the resource is the part."""
    message: str
    """Envoy's own words."""
    origins: tuple[Origin, ...] = ()


class ProxyStatus(msgspec.Struct, frozen=True, gc=False):
    """Connection and acknowledgements of one proxy; changes rarely, never per route change."""

    proxy: str
    connected: bool
    listeners: tuple[str, ...] = ()
    """Names of the listeners that it has acknowledged, sorted."""
    rejections: tuple[Rejection, ...] = ()
    loaded: bool = True
    """False while all that are connected take up their first configuration."""
