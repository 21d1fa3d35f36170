"""Raw values: what a parser of YAML or JSON returns, before any schema is known."""

import sys
from typing import Any, TypeAlias, TypeGuard

Raw: TypeAlias = Any
"""dict, list, str, int, float, bool or None."""

SHORT = 64
"""Characters of a text that is likely to come again: names, hosts, kinds."""


def is_map(raw: Raw) -> TypeGuard[dict[Any, Any]]:
    """Whether the value is a mapping; keys may be of any scalar type."""
    return isinstance(raw, dict)


def is_list(raw: Raw) -> TypeGuard[list[Any]]:
    """Whether the value is a list."""
    return isinstance(raw, list)


def share_texts(raw: Raw) -> None:
    """Let equal short texts below `raw`, a mapping or list, be one object, in place.

    Manifests repeat themselves: at some thousand objects that is megabytes.
    """
    for place, value in raw.items() if is_map(raw) else enumerate(raw):
        if isinstance(value, str):
            if len(value) <= SHORT:
                raw[place] = sys.intern(value)
        elif is_map(value) or is_list(value):
            share_texts(value)
