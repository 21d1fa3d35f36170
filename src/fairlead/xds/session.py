"""Sessions (`ir.http_policy.SessionPersistence`) as Envoy's ``stateful_session`` filter.

The cookie or header names the endpoint. If that one is gone, the load balancer chooses another,
and the client is given a new cookie.
"""

from fairlead.ir.http_policy import SessionPersistence
from fairlead.xds.filter_messages import (
    CookieSession,
    HeaderSession,
    StatefulSessionPerRoute,
)
from fairlead.xds.messages import Message, duration, extension


def config(session: SessionPersistence) -> Message:
    """A StatefulSessionPerRoute. Envoy makes every cookie of a session HttpOnly."""
    if session.kind == "header":
        state = extension("envoy.http.stateful_session.header", HeaderSession(name=session.name))
    else:
        cookie: dict[str, Message] = {
            "name": session.name,
            "path": session.path,
            "attributes": [{"name": "SameSite", "value": "Strict"}],
        }
        if session.lifetime is not None:
            cookie["ttl"] = duration(session.lifetime)
        state = extension("envoy.http.stateful_session.cookie", CookieSession(cookie=cookie))
    return StatefulSessionPerRoute(stateful_session={"session_state": state})


def off() -> Message:
    """A StatefulSessionPerRoute that keeps no session."""
    return StatefulSessionPerRoute(disabled=True)
