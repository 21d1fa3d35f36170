"""Finding: a problem inside one object, before it is known where the object was written."""

from typing import TypeAlias

import msgspec

from fairlead.api.problem import Severity

Path: TypeAlias = tuple[str | int, ...]
"""Field names and list positions from the object's top, in the spec's spelling."""


class Finding(msgspec.Struct, frozen=True):
    """What is wrong at a path of an object, and what to do about it."""

    code: str
    path: Path
    message: str
    remedy: str = ""
    severity: Severity = "error"


def field(path: Path) -> str:
    """A path as users read it: `spec.rules[0].matches`, `data["a.b"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier() or not text:
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text
