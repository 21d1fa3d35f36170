"""Sessions (`ir.http_policy.SessionPersistence`) as Envoy's ``stateful_session`` filter.

The cookie or header names the endpoint. If that one is gone, the load balancer chooses another,
and the client is given a new cookie.
"""

from msgspec.structs import replace

from fairlead.ir.backend import Backend, Invalid
from fairlead.ir.http_policy import SessionPersistence
from fairlead.ir.rule import Route, Rule
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
        attributes = [{"name": "SameSite", "value": "Strict"}]
        if session.secure:
            attributes.append({"name": "Secure"})
        cookie: dict[str, Message] = {
            "name": session.name,
            "path": session.path,
            "attributes": attributes,
        }
        if session.lifetime is not None:
            cookie["ttl"] = duration(session.lifetime)
        state = extension("envoy.http.stateful_session.cookie", CookieSession(cookie=cookie))
    return StatefulSessionPerRoute(stateful_session={"session_state": state})


def secured(rule: Rule) -> Rule:
    """The rule as it is for clients that come by TLS: its cookies are sent by TLS alone."""
    action = rule.action
    if not isinstance(action, Route):
        return rule
    backends = tuple(map(_secured, action.backends))
    return (
        rule
        if backends == action.backends
        else replace(rule, action=replace(action, backends=backends))
    )


def _secured(backend: Backend) -> Backend:
    if isinstance(backend, Invalid) or backend.session is None:
        return backend
    return replace(backend, session=replace(backend.session, secure=True))


def off() -> Message:
    """A StatefulSessionPerRoute that keeps no session."""
    return StatefulSessionPerRoute(disabled=True)
