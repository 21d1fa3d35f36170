"""How far each proxy is, for `fairlead get proxies`."""

from typing import Literal

import msgspec

from fairlead.ir.proxy_status import Rejection


class TypeState(msgspec.Struct, frozen=True):
    """One xDS type of one proxy."""

    type_url: str
    desired: int = 0
    """Resources there are."""
    subscribed: bool = False
    """Whether the proxy has asked for the type on its current stream."""
    acknowledged: int = 0
    """Resources that the proxy holds; of types it names one by one, those it has asked for."""
    pending: bool = False
    """Whether something waits to be sent or acknowledged."""


class ProxyState(msgspec.Struct, frozen=True):
    """One proxy."""

    proxy: str
    connected: bool
    synced: bool
    """Whether it holds all that is desired, as far as it has asked for it."""
    last_ack: float | None
    """Seconds since it last answered a response; None if it has not on this stream."""
    types: tuple[TypeState, ...]
    rejections: tuple[Rejection, ...]

    @property
    def summary(self) -> Literal["SYNCED", "STALE", "NACK", "DISCONNECTED"]:
        """One word, as operators know it from other control planes."""
        if not self.connected:
            return "DISCONNECTED"
        if self.rejections:
            return "NACK"
        return "SYNCED" if self.synced else "STALE"
