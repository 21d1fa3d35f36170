"""How far each proxy is, for `fairlead get proxies`."""

import msgspec

from fairlead.ir.proxy_status import Rejection


class TypeState(msgspec.Struct, frozen=True):
    """One xDS type of one proxy."""

    type_url: str
    desired: int
    """Resources there are."""
    acknowledged: int
    """Resources that the proxy holds; of types it names one by one, those it has asked for."""


class ProxyState(msgspec.Struct, frozen=True):
    """One Envoy of a proxy."""

    proxy: str
    connected: bool
    synced: bool
    """Whether it holds all that is desired, as far as it has asked for it."""
    last_ack: float | None
    """Seconds since it last answered a response; None if it has not on this stream."""
    types: tuple[TypeState, ...]
    rejections: tuple[Rejection, ...]
    instance: str = ""
    """Which one of the proxy's Envoys (name of the pod); empty where there is one only."""
