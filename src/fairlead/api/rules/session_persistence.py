"""Rules of SessionPersistence, of v1.7.0's shape and of the one before."""

from collections.abc import Iterator

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.rules.union import union
from fairlead.api.session_persistence import SessionPersistence


def session_persistence(path: Path, session: SessionPersistence | None) -> Iterator[Finding]:
    """What the type asks for is there, and a cookie that stays has an end."""
    if session is None:
        return
    if session.old:
        yield from _old(path, session)
    else:
        members = (("Cookie", "cookie", session.cookie), ("Header", "header", session.header))
        yield from union(path, session.type, members)
    cookie = session.cookie or session.cookie_config
    if cookie and cookie.lifetime_type == "Permanent" and session.absolute_timeout is None:
        message = "a Permanent cookie needs `absoluteTimeout`"
        yield Finding(Code.RULE, path, message, "add `absoluteTimeout`")


def _old(path: Path, session: SessionPersistence) -> Iterator[Finding]:
    for name, held, remedy in (
        ("sessionName", session.session_name, "write `cookie.name` or `header.name`"),
        ("cookieConfig", session.cookie_config, "write `cookie`"),
        ("idleTimeout", session.idle_timeout, "remove it, a session has no idle time any more"),
    ):
        if held is not None:
            message = f"`{name}` is of v1.6 and before, clusters with v1.7 drop it"
            yield Finding(Code.OLD_VERSION, (*path, name), message, remedy, "warning")
    new = "cookie" if session.cookie else "header" if session.header else ""
    if new:
        message = f"`{new}` cannot stand with fields of the shape that v1.6 had"
        remedy = "remove `sessionName`, `cookieConfig` and `idleTimeout`"
        yield Finding(Code.RULE, path, message, remedy)
    if session.cookie_config and session.type != "Cookie":
        message = f"`cookieConfig` cannot be set while type is {session.type}"
        remedy = "remove it or set `type: Cookie`"
        yield Finding(Code.RULE, (*path, "cookieConfig"), message, remedy)
