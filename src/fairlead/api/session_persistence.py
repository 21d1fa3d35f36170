"""SessionPersistence (GEP-1619), as v1.7.0 writes it and as releases before did."""

from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import replace

from fairlead.api.model import Model
from fairlead.api.scalar import GatewayDuration, HeaderName

Lifetime = Literal["Permanent", "Session"]


class CookieConfig(Model, frozen=True, kw_only=True):
    """CookieConfig: the cookie that holds a session."""

    name: HeaderName | None = None
    path: Annotated[str, Meta(max_length=1024)] = "/"
    lifetime_type: Lifetime = "Session"


class HeaderConfig(Model, frozen=True, kw_only=True):
    """HeaderConfig: the header that holds a session."""

    name: HeaderName


class OldCookieConfig(Model, frozen=True, kw_only=True):
    """CookieConfig until v1.6: the cookie's name stood beside it, as `sessionName`."""

    lifetime_type: Lifetime = "Session"


class SessionPersistence(Model, frozen=True, kw_only=True):
    """SessionPersistence (experimental).

    `session_name`, `cookie_config` and `idle_timeout` are of releases until v1.6, where v1.7.0
    has `cookie` and `header`; an object has the fields of one of the two shapes. Read it by
    `current`.
    """

    type: Literal["Cookie", "Header"] = "Cookie"
    absolute_timeout: GatewayDuration | None = None
    cookie: CookieConfig | None = None
    header: HeaderConfig | None = None
    session_name: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    cookie_config: OldCookieConfig | None = None
    idle_timeout: GatewayDuration | None = None
    """Of v1.5 and before; no field of v1.7.0 stands for it."""

    @property
    def old(self) -> bool:
        """Whether it is written in the words of v1.6 or before."""
        return bool(self.session_name or self.cookie_config or self.idle_timeout)

    @property
    def current(self) -> "SessionPersistence":
        """The same in the words of v1.7.0.

        An old one of type Header that names no header has none here either.
        """
        if not self.old:
            return self
        plain = replace(self, session_name=None, cookie_config=None, idle_timeout=None)
        if self.type == "Header":
            name = self.session_name
            return replace(plain, header=HeaderConfig(name=name) if name else None)
        lifetime = self.cookie_config.lifetime_type if self.cookie_config else "Session"
        return replace(plain, cookie=CookieConfig(name=self.session_name, lifetime_type=lifetime))
