"""Rules of HTTPRouteFilter: one type, its one field, and what that field holds."""

import re
from collections.abc import Iterator
from typing import Final

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.grpc_route import GRPCRouteFilter
from fairlead.api.http_filter import (
    Fraction,
    HTTPCORSFilter,
    HTTPExternalAuthFilter,
    HTTPHeaderFilter,
    HTTPPathModifier,
    HTTPRequestMirrorFilter,
    HTTPRouteFilter,
)
from fairlead.api.reference import EXPERIMENTAL_GROUP, BackendObjectReference
from fairlead.api.rules.union import union
from fairlead.api.rules.unique import unique
from fairlead.api.scalar import HEADER_VALUE

_ONCE: Final = frozenset(
    {"CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"}
)
_HEADER_VALUE: Final = re.compile(HEADER_VALUE)
_XBACKEND: Final = (EXPERIMENTAL_GROUP, "XBackend")


def filters(path: Path, given: tuple[HTTPRouteFilter, ...]) -> Iterator[Finding]:
    """Rules of the filters of one rule or one backendRef."""
    types = [each.type for each in given]
    if len(types) > 1:
        keys = [each if each in _ONCE else None for each in types]
        yield from unique(path, keys, "{key} is in the list already", "merge them into one")
        if "RequestRedirect" in types and "URLRewrite" in types:
            message = "RequestRedirect and URLRewrite cannot stand together"
            yield Finding(Code.RULE, path, message, "remove one of them")
    for index, each in enumerate(given):
        yield from union((*path, index), each.type, _members(each))
        yield from _content((*path, index), each)


def _members(each: HTTPRouteFilter) -> tuple[tuple[str, str, object], ...]:
    return (
        ("RequestHeaderModifier", "requestHeaderModifier", each.request_header_modifier),
        ("ResponseHeaderModifier", "responseHeaderModifier", each.response_header_modifier),
        ("RequestMirror", "requestMirror", each.request_mirror),
        ("RequestRedirect", "requestRedirect", each.request_redirect),
        ("URLRewrite", "urlRewrite", each.url_rewrite),
        ("CORS", "cors", each.cors),
        ("ExternalAuth", "externalAuth", each.external_auth),
        ("ExtensionRef", "extensionRef", each.extension_ref),
    )


def _content(path: Path, each: HTTPRouteFilter) -> Iterator[Finding]:
    yield from modifiers_and_mirror(path, each)
    if each.request_redirect and each.request_redirect.path:
        yield from _modifier((*path, "requestRedirect", "path"), each.request_redirect.path)
    if each.url_rewrite and each.url_rewrite.path:
        yield from _modifier((*path, "urlRewrite", "path"), each.url_rewrite.path)
    if each.cors:
        yield from _cors((*path, "cors"), each.cors)
    if each.external_auth:
        yield from external_auth((*path, "externalAuth"), each.external_auth)


def modifiers_and_mirror(path: Path, each: HTTPRouteFilter | GRPCRouteFilter) -> Iterator[Finding]:
    """Rules of what filters of HTTPRoutes and GRPCRoutes have in common."""
    if each.request_header_modifier:
        yield from _headers((*path, "requestHeaderModifier"), each.request_header_modifier)
    if each.response_header_modifier:
        yield from _headers((*path, "responseHeaderModifier"), each.response_header_modifier)
    if each.request_mirror:
        yield from _mirror((*path, "requestMirror"), each.request_mirror)


def backend_port(path: Path, backend: BackendObjectReference) -> Iterator[Finding]:
    """A Service is named with a port, an XBackend without."""
    if backend.is_service and backend.port is None:
        message = f"Service `{backend.name}` is named as backend without a port"
        yield Finding(Code.BACKEND_PORT, path, message, "add the `port` of the Service")
    elif (backend.group, backend.kind) == _XBACKEND and backend.port is not None:
        message = "an XBackend has a port of its own"
        yield Finding(Code.RULE, (*path, "port"), message, "remove `port`")


def header_value(path: Path, value: str, *, experimental: bool = False) -> Iterator[Finding]:
    """Clusters with the experimental CRDs refuse values that the standard ones take.

    Args:
        path: Where the value stands.
        value: As it is written.
        experimental: Whether the object's kind is in the experimental channel alone.
    """
    if _HEADER_VALUE.fullmatch(value):
        return
    message = f"`{value}` is not printable ASCII, single spaces or tabs only between words"
    if experimental:
        yield Finding(Code.BOUNDS, path, message)
        return
    message += ": the experimental channel refuses the object, the standard one takes it"
    remedy = "write another value for clusters with the experimental CRDs"
    yield Finding(Code.BOUNDS, path, message, remedy, "info")


def _headers(path: Path, modifier: HTTPHeaderFilter) -> Iterator[Finding]:
    for name, entries in (("set", modifier.set), ("add", modifier.add)):
        if len(entries) > 1:
            keys = [entry.name for entry in entries]
            message = "header `{key}` is in entry {first} already"
            yield from unique((*path, name), keys, message, "keep one of them")
        for index, entry in enumerate(entries):
            yield from header_value((*path, name, index, "value"), entry.value)


def _mirror(path: Path, mirror: HTTPRequestMirrorFilter) -> Iterator[Finding]:
    yield from backend_port((*path, "backendRef"), mirror.backend_ref)
    if mirror.percent is not None and mirror.fraction is not None:
        message = "`percent` and `fraction` cannot stand together"
        yield Finding(Code.RULE, path, message, "remove one of them")
    if mirror.fraction:
        yield from fraction((*path, "fraction"), mirror.fraction)


def fraction(path: Path, share: Fraction) -> Iterator[Finding]:
    """A share is not more than the whole."""
    if share.numerator > share.denominator:
        message = f"{share.numerator} is more than {share.denominator}, the denominator"
        remedy = "make the fraction one or less"
        yield Finding(Code.RULE, (*path, "numerator"), message, remedy)


def _modifier(path: Path, modifier: HTTPPathModifier) -> Iterator[Finding]:
    members = (
        ("ReplaceFullPath", "replaceFullPath", modifier.replace_full_path),
        ("ReplacePrefixMatch", "replacePrefixMatch", modifier.replace_prefix_match),
    )
    return union(path, modifier.type, members)


def _cors(path: Path, cors: HTTPCORSFilter) -> Iterator[Finding]:
    lists = {
        "allowOrigins": cors.allow_origins,
        "allowMethods": cors.allow_methods,
        "allowHeaders": cors.allow_headers,
    }
    for name, values in lists.items():
        if "*" in values and len(values) > 1:
            message = "`*` cannot stand together with other values"
            yield Finding(Code.RULE, (*path, name), message, "keep `*` alone, or remove it")


def external_auth(path: Path, auth: HTTPExternalAuthFilter) -> Iterator[Finding]:
    """The protocol's own settings are there, the other's are not."""
    yield from backend_port((*path, "backendRef"), auth.backend_ref)
    for protocol, name, held in (("GRPC", "grpc", auth.grpc), ("HTTP", "http", auth.http)):
        if auth.protocol == protocol and held is None:
            message = f"protocol {protocol} needs `{name}`"
            yield Finding(Code.RULE, path, message, f"add `{name}` (it may be {{}})")
        elif auth.protocol != protocol and held is not None:
            message = f"`{name}` cannot be set while protocol is {auth.protocol}"
            remedy = f"remove it or set `protocol: {protocol}`"
            yield Finding(Code.RULE, (*path, name), message, remedy)
