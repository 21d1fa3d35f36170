"""Path modifiers (`ir.filter.PathModifier`) as Envoy's fields for rewriting a path.

The query stays. At the seam between a replaced prefix and the rest there is exactly one slash,
and a path that would become empty becomes ``/`` (HTTPPathModifier of Gateway API).
"""

import re

from fairlead.ir.filter import PathModifier, ReplaceFullPath, ReplacePrefixMatch
from fairlead.ir.match import PathMatch, PathRegex
from fairlead.xds.messages import Message

_WHOLE = "^.*$"


def full(value: str) -> dict[str, Message]:
    """Fields of a RouteAction that make `value` the path."""
    return _substitute(_WHOLE, value)


def prefix(replacement: str, path: PathMatch) -> dict[str, Message]:
    """Fields of a RouteAction or RedirectAction that replace the prefix that matched.

    Raises:
        ValueError: The path of the match has no prefix.
    """
    if isinstance(path, PathRegex):
        raise ValueError(f"no prefix to replace in {path}")  # noqa: TRY004 - its own type is right
    matched, new = path.value.rstrip("/"), replacement.rstrip("/")
    if not new:
        return _substitute(f"^{re.escape(matched)}/*", "/") if matched else {}
    if not matched:
        return _substitute("^/", f"{new}/")
    return {"prefix_rewrite": new}


def of_route(modifier: PathModifier | None, path: PathMatch) -> dict[str, Message]:
    """Fields of a RouteAction that change the path on its way to the backend."""
    match modifier:
        case None:
            return {}
        case ReplaceFullPath(value):
            return full(value)
        case ReplacePrefixMatch(value):
            return prefix(value, path)


def of_redirect(modifier: PathModifier | None, path: PathMatch) -> dict[str, Message]:
    """Fields of a RedirectAction that change the path of the location."""
    match modifier:
        case None:
            return {}
        case ReplaceFullPath(value):
            return {"path_redirect": value}
        case ReplacePrefixMatch(value):
            return prefix(value, path)


def _substitute(pattern: str, text: str) -> dict[str, Message]:
    """RegexMatchAndSubstitute; in the substitution a backslash introduces a group."""
    substitution = text.replace("\\", "\\\\")
    return {"regex_rewrite": {"pattern": {"regex": pattern}, "substitution": substitution}}
