"""What a rule makes of a request: how it reaches a backend, or where a redirect leads.

Header modifiers of a rule act before those of a backendRef; each removes, then sets, then adds.
"""

import re
from collections.abc import Mapping
from typing import Final

from fairlead.analysis.explain.decision import Sent, Shown
from fairlead.analysis.explain.path import split
from fairlead.analysis.explain.request import Headers, split_port
from fairlead.ir.backend import Forward
from fairlead.ir.filter import (
    HeaderModifier,
    PathModifier,
    ReplaceFullPath,
    ReplacePrefixMatch,
    UrlRewrite,
)
from fairlead.ir.match import PathMatch, PathRegex
from fairlead.ir.rule import Redirect, Route, Rule

_HOST: Final = "host"
_WELL_KNOWN: Final[Mapping[str, int]] = {"http": 80, "https": 443}
_DIGITS: Final = re.compile(r"[0-9]+")


def sent(shown: Shown, rule: Rule, route: Route, backend: Forward) -> Sent:
    """The request as it reaches a backend."""
    own, outer = backend.rewrite or UrlRewrite(), route.rewrite or UrlRewrite()
    host, headers = shown.host, shown.headers
    for modifier in (rule.request_headers, backend.request_headers):
        if modifier is not None:
            headers = modified(headers, modifier)
            host = dict(modifier.set).get(_HOST, host)
    return Sent(
        method=shown.method,
        host=own.hostname or outer.hostname or host,
        path=rewritten(shown.path, own.path or outer.path, rule.match.path),
        headers=headers,
    )


def modified(headers: Headers, modifier: HeaderModifier) -> Headers:
    """Headers after a modifier; the host is no part of them."""
    replaced = {name for name, _ in modifier.set} | set(modifier.remove)
    return (
        *(pair for pair in headers if pair[0] not in replaced),
        *((name, value) for name, value in (*modifier.set, *modifier.add) if name != _HOST),
    )


def rewritten(path: str, modifier: PathModifier | None, match: PathMatch) -> str:
    """Path and query after a path modifier."""
    plain, query = split(path)
    match modifier:
        case None:
            return path
        case ReplaceFullPath(value):
            return value + query
        case ReplacePrefixMatch(value):
            return _prefix_replaced(plain, value.rstrip("/"), match) + query


def _prefix_replaced(path: str, new: str, match: PathMatch) -> str:
    matched = "" if isinstance(match, PathRegex) else match.value.rstrip("/")
    rest = path[len(matched) :]
    if not new:
        return f"/{rest.lstrip('/')}" if matched else path
    return f"{new}{rest}"


def location(shown: Shown, redirect: Redirect, match: PathMatch) -> str:
    """Where a redirect leads."""
    scheme = redirect.scheme or shown.scheme
    port = redirect.port
    if port is not None and _implied(redirect) and (redirect.hostname or not _has_port(shown.host)):
        port = None
    host = redirect.hostname or _kept_host(shown, scheme, replaced=port is not None)
    at = "" if port is None else f":{port}"
    return f"{scheme}://{host}{at}{_location_path(shown.path, redirect.path, match)}"


def _location_path(path: str, modifier: PathModifier | None, match: PathMatch) -> str:
    if isinstance(modifier, ReplaceFullPath) and "?" in modifier.value:
        return modifier.value
    return rewritten(path, modifier, match)


def _implied(redirect: Redirect) -> bool:
    """Whether the port is the one that the scheme implies."""
    return redirect.port == _WELL_KNOWN[redirect.scheme or redirect.listener_scheme]


def _has_port(host: str) -> bool:
    return _DIGITS.fullmatch(host.rpartition(":")[2]) is not None and ":" in host


def _kept_host(shown: Shown, scheme: str, *, replaced: bool) -> str:
    """The host of the request, without its port if that is replaced or implied no longer."""
    name, port = split_port(shown.host)
    changes = scheme != shown.scheme and port == str(_WELL_KNOWN.get(shown.scheme, ""))
    return name if port and (replaced or changes) else shown.host
