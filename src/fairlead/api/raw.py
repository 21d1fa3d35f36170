"""Raw values: what a parser of YAML or JSON returns, before any schema is known."""

from typing import Any, TypeAlias, TypeGuard

Raw: TypeAlias = Any
"""dict, list, str, int, float, bool or None."""


def is_map(raw: Raw) -> TypeGuard[dict[Any, Any]]:
    """Whether the value is a mapping; keys may be of any scalar type."""
    return isinstance(raw, dict)


def is_list(raw: Raw) -> TypeGuard[list[Any]]:
    """Whether the value is a list."""
    return isinstance(raw, list)
