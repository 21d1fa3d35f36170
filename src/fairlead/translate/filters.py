"""HTTPRouteFilter to the IR: header modifiers, URL rewrite, redirect, or why it cannot be done.

A filter is never skipped in silence: what this version does not carry out, and what a proxy
would refuse, is a `Finding`, and the rule then answers 500.
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
from fairlead.translate.finding import Finding

_UNSUPPORTED = "UnsupportedValue"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+\Z")
_NOT_IN_PATH = re.compile(r"[\x00-\x20\x7f?#]")


class Filters(msgspec.Struct, frozen=True, gc=False):
    """What the filters of a rule or of a backendRef do."""

    request_headers: HeaderModifier | None = None
    response_headers: HeaderModifier | None = None
    rewrite: UrlRewrite | None = None
    redirect: api.HTTPRequestRedirectFilter | None = None
    redirect_path: PathModifier | None = None
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
        if entry.type in seen:
            message = f"{entry.type} is given twice; merge the two filters"
            result = _with(result, _finding(at, message))
        else:
            result = _add(result, entry, at, level)
        seen.add(entry.type)
    if {"RequestRedirect", "URLRewrite"} <= seen:
        message = "RequestRedirect and URLRewrite cannot be combined; keep one of them"
        result = _with(result, Finding("IncompatibleFilters", field, message))
    return result


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
            findings = (_unsupported(entry, at, level),)
    return _with(result, *findings)


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
    """Names are lower-cased; of equal names in one list the first counts, as the spec says."""
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
        actions[name] = action
        return True

    def pairs(entries: tuple[api.HTTPHeader, ...], action: str) -> tuple[tuple[str, str], ...]:
        kept: list[tuple[str, str]] = []
        for index, entry in enumerate(entries):
            if usable(entry.name.lower(), action, f"{field}.{action}[{index}].name"):
                kept.append((entry.name.lower(), entry.value))
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


def _unsupported(entry: api.HTTPRouteFilter, at: str, level: str) -> Finding:
    """A filter that this version does not carry out, or one without its configuration."""
    match entry.type:
        case "RequestHeaderModifier" | "ResponseHeaderModifier" | "URLRewrite":
            return _finding(at, f"type is {entry.type}, but the field of that name is missing")
        case "RequestRedirect":
            if level == "rule":
                return _finding(at, "type is RequestRedirect, but requestRedirect is missing")
            return _finding(at, "RequestRedirect is not supported at a backendRef; use the rule's")
        case "ExtensionRef" if entry.extension_ref:
            ref = entry.extension_ref
            message = f"no filter of kind {ref.kind} (group {ref.group!r}) is known; remove it"
            return _finding(f"{at}.extensionRef", message)
        case _:
            return _finding(at, f"the filter {entry.type} is not supported yet; remove it")


def _finding(field: str, message: str) -> Finding:
    return Finding(_UNSUPPORTED, field, message)
