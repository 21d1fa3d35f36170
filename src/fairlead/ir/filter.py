"""What happens to a request or response on its way (HTTPRouteFilter)."""

import msgspec


class HeaderModifier(msgspec.Struct, frozen=True, gc=False):
    """HTTPHeaderFilter: `set` replaces, `add` appends, `remove` deletes. Names in lower case."""

    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


class ReplaceFullPath(msgspec.Struct, frozen=True, gc=False, tag="full"):
    """HTTPPathModifier ReplaceFullPath: the path becomes `value`, the query stays."""

    value: str


class ReplacePrefixMatch(msgspec.Struct, frozen=True, gc=False, tag="prefix"):
    """HTTPPathModifier ReplacePrefixMatch: the matched prefix becomes `value`.

    Only rules whose match is a `PathPrefix` carry it. ``/`` and the empty string strip the
    prefix; the result always starts with one slash and never has two in a row at the seam.
    """

    value: str


PathModifier = ReplaceFullPath | ReplacePrefixMatch


class UrlRewrite(msgspec.Struct, frozen=True, gc=False):
    """HTTPURLRewriteFilter."""

    hostname: str | None = None
    path: PathModifier | None = None
