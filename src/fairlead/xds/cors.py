"""CORS (`ir.http_policy.Cors`) as Envoy's ``cors`` filter, and what that leaves open.

The filter answers preflights of routes that forward, and adds headers to the answers of others. It
does nothing for redirects, so these name their headers themselves, nor where a backendRef does not
resolve, and it tells origins that are not allowed which methods are. A preflight has the method
OPTIONS and no credentials; where a rule would not match it, or not all of its answer fits, it gets
routes of its own.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from fairlead.ir.backend import Forward
from fairlead.ir.http_policy import Cors
from fairlead.ir.match import HeaderMatch, Match
from fairlead.ir.rule import Redirect, Respond, Route, Rule
from fairlead.xds.filter_messages import CorsPolicy
from fairlead.xds.messages import Message, wrapped

ANY: Final = "*"
RESPONSE_HEADERS: Final = tuple(
    f"access-control-{name}"
    for name in (
        *("allow-origin", "allow-credentials", "allow-methods", "allow-headers"),
        *("expose-headers", "max-age"),
    )
)
"""What a backend must not answer with: the filter alone decides (GEP-1767)."""

LONGEST: Final = 4000
"""Characters of one expression for several origins. RE2 makes up to two instructions of each, and
Envoy refuses more of them than `match.MAX_REGEX_PROGRAM_SIZE`."""

_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_ORIGIN: Final = re.compile(r"(https?)://(\*|[^:]+)(?::([0-9]+))?", re.IGNORECASE)
_ANY_HOST: Final = r"(?:[^:/\[\]]+|\[[^\]]+\])"


def config(cors: Cors) -> Message:
    """A CorsPolicy. Where anything is allowed, Envoy answers with what was asked for."""
    return CorsPolicy(
        allow_origin_string_match=[_matcher(origin) for origin in cors.allow_origins],
        allow_methods=", ".join(cors.methods),
        allow_headers=", ".join(cors.headers),
        expose_headers=_exposed(cors),
        max_age=str(cors.max_age),
        allow_credentials=wrapped(cors.credentials),
        forward_not_matching_preflights=wrapped(value=False),
    )


def preflights(rule: Rule, cors: Cors) -> Iterator[tuple[Match, Cors]]:
    """Which preflights need routes of their own, in order, and what is answered to each.

    Those of rules that name a method ask for it in a header; those without
    ``access-control-request-headers`` must not be answered with allowed ones; those of origins that
    are not allowed must be answered with nothing.
    """
    anything = ANY in cors.headers
    method = rule.match.method
    meets_them = method is None or method == "OPTIONS"
    if _answers_itself(rule.action) and meets_them and not anything and any_origin(cors):
        return
    headers = (*rule.match.headers, _present("origin"))
    if method is None or method == "OPTIONS":
        headers += (_present("access-control-request-method"),)
    else:
        headers += (HeaderMatch("access-control-request-method", method),)
    asked = replace(rule.match, method="OPTIONS", headers=headers)
    if anything:
        with_headers = (*headers, _present("access-control-request-headers"))
        yield replace(asked, headers=with_headers), cors
        yield asked, replace(cors, headers=())
    else:
        yield asked, cors


def _answers_itself(action: Route | Redirect | Respond) -> bool:
    """Whether the filter sees the preflights of a rule: those that might have been forwarded."""
    if not isinstance(action, Route):
        return False
    backends = [each for each in action.backends if each.weight > 0]
    return bool(backends) and all(isinstance(each, Forward) for each in backends)


def any_origin(cors: Cors) -> bool:
    """Whether scripts of all origins may read the answer."""
    return ANY in cors.allow_origins


def allowed_origins(cors: Cors) -> Iterator[Message]:
    """HeaderMatchers that together hold for requests of origins that may read the answer."""
    part: list[str] = []
    for expression in map(_expression, cors.allow_origins):
        if part and sum(map(len, part)) + len(expression) > LONGEST:
            yield _origin(part)
            part = []
        part.append(expression)
    if part:
        yield _origin(part)


def _origin(expressions: list[str]) -> Message:
    return {"name": "origin", "string_match": {"safe_regex": {"regex": "|".join(expressions)}}}


def answered(cors: Cors) -> list[Message]:
    """Headers of an answer to an allowed origin, where the filter does not add them."""
    values = {"access-control-allow-origin": "%REQ(origin)%"}
    if cors.credentials:
        values["access-control-allow-credentials"] = "true"
    if exposed := _exposed(cors):
        values["access-control-expose-headers"] = exposed
    return [
        {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for name, value in values.items()
    ]


def _present(name: str) -> HeaderMatch:
    """Without a value a header asks for nothing."""
    return HeaderMatch(name, ".+", regex=True)


def _exposed(cors: Cors) -> str:
    """``*`` stands for nothing where credentials are allowed."""
    kept = [name for name in cors.expose_headers if not (name == ANY and cors.credentials)]
    return ", ".join(kept)


def _matcher(origin: str) -> Message:
    """A StringMatcher for the value of ``origin``."""
    return {"safe_regex": {"regex": _expression(origin)}}


def _expression(origin: str) -> str:
    """A regular expression for an origin; browsers leave the port of the scheme out."""
    parts = _ORIGIN.fullmatch(origin)
    if origin == ANY or parts is None:
        return ".*" if origin == ANY else re.escape(origin)
    scheme, host, port = parts[1].lower(), parts[2], parts[3]
    if host == ANY:
        name = _ANY_HOST
    elif host.startswith("*."):
        name = rf"[^:/]+{re.escape(host[1:])}"
    else:
        name = re.escape(host)
    default = _DEFAULT_PORTS[scheme]
    at = f"(?::{default})?" if port in {None, default} else f":{port}"
    return f"(?i:{scheme}://{name}{at})"
