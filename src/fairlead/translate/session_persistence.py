"""SessionPersistence (GEP-1619), in both shapes that the API has had, to `ir.http_policy`.

The same for rules of routes, XBackends and XBackendTrafficPolicies.
"""

from hashlib import blake2b

from fairlead import api
from fairlead.ir.http_policy import SessionPersistence
from fairlead.translate.finding import Finding


def read(
    source: api.SessionPersistence, field: str, owner: tuple[str, ...]
) -> SessionPersistence | Finding:
    """Read how clients are kept at an endpoint.

    Args:
        source: As written.
        field: Path of it below its object.
        owner: Kind, namespace, name and what else tells it apart from others: a cookie without a
            name gets one of its own.

    Returns:
        The session, or ``UnsupportedValue`` for one that means nothing.
    """
    written = source.current
    if written.type == "Header":
        if written.header is None:
            message = "a session of type Header needs the name of the header; write header.name"
            return Finding("UnsupportedValue", f"{field}.header", message)
        return SessionPersistence("header", written.header.name)
    cookie = written.cookie or api.CookieConfig()
    timeout = written.absolute_timeout
    if cookie.lifetime_type == "Permanent" and timeout is None:
        message = "a permanent cookie needs a lifetime; write absoluteTimeout"
        return Finding("UnsupportedValue", f"{field}.absoluteTimeout", message)
    lifetime = None
    if timeout is not None and cookie.lifetime_type == "Permanent":
        lifetime = api.duration.seconds(timeout)
    return SessionPersistence("cookie", cookie.name or _name(owner), cookie.path, lifetime)


def without_effect(source: api.SessionPersistence) -> str:
    """What a proxy cannot do of a session that is kept all the same; empty if it can do all."""
    written = source.current
    names: list[str] = []
    permanent = written.cookie is not None and written.cookie.lifetime_type == "Permanent"
    if written.absolute_timeout is not None and not (written.type == "Cookie" and permanent):
        names.append("absoluteTimeout (proxies remember no sessions)")
    if source.idle_timeout is not None:
        names.append("idleTimeout (no longer a field of v1.7)")
    return f"without effect: {', '.join(names)}" if names else ""


def name_beside(name: str, cluster: str) -> str:
    """The name of the cookie for one more backend of a rule whose cookie is called `name`."""
    return f"{name}-{blake2b(cluster.encode(), digest_size=4).hexdigest()}"


def _name(owner: tuple[str, ...]) -> str:
    """A cookie name that no other owner gets."""
    return f"fairlead-{blake2b('/'.join(owner).encode(), digest_size=6).hexdigest()}"
