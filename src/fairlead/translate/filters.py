"""HTTPRouteFilter to the IR, as far as a filter says it all by itself, or why it cannot be done.

What filters refer to is looked up in `policies`. A filter is never skipped in silence: what a proxy
would refuse is a `Finding`, and the rule then answers 500.
"""

import re
from typing import Literal

import msgspec

from fairlead import api
from fairlead.ir.filter import (
    HeaderModifier,
    PathModifier,
    ReplaceFullPath,
    ReplacePrefixMatch,
    UrlRewrite,
)
from fairlead.ir.http_policy import Cors
from fairlead.translate.finding import Finding

_UNSUPPORTED = "UnsupportedValue"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+\Z")
_FRAMING = frozenset(
    {
        *("connection", "content-length", "http2-settings", "keep-alive", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)
"""Headers that say where a message ends or concern one connection (RFC 9110, 7.6.1): a value of a
filter's would have the next one read the message differently."""
_NOT_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters: no value of a header (RFC 9110, 5.5), and some of them end one."""
_DOTS = frozenset({".", ".."})
_NOT_IN_PATH = re.compile(r"[\x00-\x20\x7f?#]")


class Filters(msgspec.Struct, frozen=True, gc=False):
    """What the filters of a rule or of a backendRef do."""

    request_headers: HeaderModifier | None = None
    response_headers: HeaderModifier | None = None
    rewrite: UrlRewrite | None = None
    redirect: api.HTTPRequestRedirectFilter | None = None
    redirect_path: PathModifier | None = None
    cors: Cors | None = None
    mirrors: tuple[tuple[str, api.HTTPRequestMirrorFilter], ...] = ()
    """With the path of the field, as `external_auth` and `extensions`."""
    external_auth: tuple[str, api.HTTPExternalAuthFilter] | None = None
    extensions: tuple[tuple[str, api.LocalObjectReference], ...] = ()
    findings: tuple[Finding, ...] = ()


def filters(
    source: tuple[api.HTTPRouteFilter, ...], field: str, level: Literal["rule", "backend"]
) -> Filters:
    """Compile the filters of a rule or a backendRef.

    Args:
        source: The filters as written.
        field: Path of the list, such as ``spec.rules[0].filters``.
        level: Where the list stands; a redirect has no meaning at a backendRef.

    Returns:
        What to do; with findings, nothing of it should be done.
    """
    result = Filters()
    seen: set[str] = set()
    for index, entry in enumerate(source):
        at = f"{field}[{index}]"
        name = _distinct(entry)
        if name in seen:
            message = f"{name} is given twice; merge the two filters"
            result = _with(result, _finding(at, message))
        else:
            result = _add(result, entry, at, level)
        if entry.type != "RequestMirror":
            seen.add(name)
    if {"RequestRedirect", "URLRewrite"} <= seen:
        message = "RequestRedirect and URLRewrite cannot be combined; keep one of them"
        result = _with(result, Finding("IncompatibleFilters", field, message))
    return result


def _distinct(entry: api.HTTPRouteFilter) -> str:
    """What a list may hold once: a type, or a kind of extension."""
    return entry.extension_ref.kind if entry.extension_ref else entry.type


def _add(result: Filters, entry: api.HTTPRouteFilter, at: str, level: str) -> Filters:
    """`result` with one more filter."""
    match entry.type:
        case "RequestHeaderModifier" if entry.request_header_modifier:
            headers, findings = _headers(
                entry.request_header_modifier, f"{at}.requestHeaderModifier"
            )
            result = msgspec.structs.replace(result, request_headers=headers)
        case "ResponseHeaderModifier" if entry.response_header_modifier:
            headers, findings = _headers(
                entry.response_header_modifier, f"{at}.responseHeaderModifier"
            )
            result = msgspec.structs.replace(result, response_headers=headers)
        case "URLRewrite" if entry.url_rewrite:
            path, findings = _path(entry.url_rewrite.path, f"{at}.urlRewrite.path")
            rewrite = UrlRewrite(entry.url_rewrite.hostname, path)
            result = msgspec.structs.replace(result, rewrite=rewrite)
        case "RequestRedirect" if entry.request_redirect and level == "rule":
            path, findings = _path(entry.request_redirect.path, f"{at}.requestRedirect.path")
            result = msgspec.structs.replace(
                result, redirect=entry.request_redirect, redirect_path=path
            )
        case _:
            return _add_policy(result, entry, at, level)
    return _with(result, *findings)


def _add_policy(result: Filters, entry: api.HTTPRouteFilter, at: str, level: str) -> Filters:
    """`result` with one more filter of those that say more than how a request is changed."""
    replace = msgspec.structs.replace
    match entry.type:
        case "CORS" if entry.cors:
            return replace(result, cors=_cors(entry.cors))
        case "RequestMirror" if entry.request_mirror:
            mirror = (f"{at}.requestMirror", entry.request_mirror)
            return replace(result, mirrors=(*result.mirrors, mirror))
        case "ExternalAuth" if entry.external_auth:
            http = entry.external_auth.http
            if http is not None and _DOTS & set(http.path.split("/")):
                message = f"{http.path!r} must not have . or .. between slashes"
                return _with(result, _finding(f"{at}.externalAuth.http.path", message))
            return replace(result, external_auth=(f"{at}.externalAuth", entry.external_auth))
        case "ExtensionRef" if entry.extension_ref:
            extension = (f"{at}.extensionRef", entry.extension_ref)
            return replace(result, extensions=(*result.extensions, extension))
        case _:
            return _with(result, _incomplete(entry, at, level))


def _cors(source: api.HTTPCORSFilter) -> Cors:
    return Cors(
        allow_origins=tuple(source.allow_origins),
        methods=tuple(source.allow_methods),
        headers=tuple(source.allow_headers),
        expose_headers=tuple(source.expose_headers),
        credentials=bool(source.allow_credentials),
        max_age=source.max_age,
    )


def _with(result: Filters, *findings: Finding) -> Filters:
    return msgspec.structs.replace(result, findings=result.findings + findings)


def prefix_findings(given: Filters, field: str) -> tuple[Finding, ...]:
    """What is wrong with `given` at a rule that has a match other than PathPrefix.

    ReplacePrefixMatch replaces what a PathPrefix matched and means nothing there.
    """
    paths = (given.redirect_path, given.rewrite.path if given.rewrite else None)
    if not any(isinstance(path, ReplacePrefixMatch) for path in paths):
        return ()
    message = "ReplacePrefixMatch needs a PathPrefix match; use ReplaceFullPath or change the match"
    return (_finding(field, message),)


def _headers(
    source: api.HTTPHeaderFilter, field: str
) -> tuple[HeaderModifier, tuple[Finding, ...]]:
    """Names are lower-cased; of equal names in one list the first counts, as the spec says.

    Blanks around a value are none of it (RFC 9110, 5.5), and HTTP/2 takes none there.
    """
    findings: list[Finding] = []
    actions: dict[str, str] = {}

    def usable(name: str, action: str, at: str) -> bool:
        """Whether this is the first entry for the header in this list; notes what is wrong."""
        if actions.get(name) == action:
            return False
        if name in actions:
            message = f"{name!r} is also in {actions[name]}; a header may have one action only"
            findings.append(_finding(at, message))
        elif name == "host" or not _TOKEN.match(name):
            findings.append(_finding(at, _name_fault(name)))
        elif name in _FRAMING and action != "remove":
            message = f"{name!r} is set by proxies, which frame messages by it; remove it here"
            findings.append(_finding(at, message))
        actions[name] = action
        return True

    def pairs(entries: tuple[api.HTTPHeader, ...], action: str) -> tuple[tuple[str, str], ...]:
        kept: list[tuple[str, str]] = []
        for index, entry in enumerate(entries):
            at = f"{field}.{action}[{index}]"
            if not usable(entry.name.lower(), action, f"{at}.name"):
                continue
            if control := _NOT_IN_VALUE.search(entry.value):
                message = f"no header can hold {control[0]!r}; leave it out"
                findings.append(_finding(f"{at}.value", message))
            kept.append((entry.name.lower(), entry.value.strip(" \t")))
        return tuple(kept)

    modifier = HeaderModifier(
        set=pairs(source.set, "set"),
        add=pairs(source.add, "add"),
        remove=tuple(
            name.lower()
            for index, name in enumerate(source.remove)
            if usable(name.lower(), "remove", f"{field}.remove[{index}]")
        ),
    )
    return modifier, tuple(findings)


def _name_fault(name: str) -> str:
    if name == "host":
        return "the Host header cannot be modified; use a URLRewrite filter with hostname"
    if name.startswith(":"):
        return f"{name!r} is a pseudo header, which cannot be modified"
    return f"{name!r} is not a header name; use letters, digits and hyphens"


def _path(
    source: api.HTTPPathModifier | None, field: str
) -> tuple[PathModifier | None, tuple[Finding, ...]]:
    if source is None:
        return None, ()
    match source.type:
        case "ReplaceFullPath":
            name, value = "replaceFullPath", source.replace_full_path
            modifier: PathModifier = ReplaceFullPath(value or "/")
        case "ReplacePrefixMatch":
            name, value = "replacePrefixMatch", source.replace_prefix_match
            modifier = ReplacePrefixMatch(value or "")
    if value and not value.startswith("/"):
        return modifier, (_finding(f"{field}.{name}", f"{value!r} must start with a slash"),)
    if value and _NOT_IN_PATH.search(value):
        message = f"{value!r} must be a path alone, without query, fragment, space or control"
        return modifier, (_finding(f"{field}.{name}", message),)
    return modifier, ()


def _incomplete(entry: api.HTTPRouteFilter, at: str, level: str) -> Finding:
    """What is wrong with a filter without its configuration, or in the wrong place."""
    if entry.type == "RequestRedirect" and level == "backend":
        return _finding(at, "RequestRedirect is not supported at a backendRef; use the rule's")
    return _finding(at, f"type is {entry.type}, but the field of that name is missing")


def _finding(field: str, message: str) -> Finding:
    return Finding(_UNSUPPORTED, field, message)
