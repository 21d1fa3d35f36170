"""What a check found."""

from typing import Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["ok", "warning", "error"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    topic: str
    """Such as `Gateway API`."""
    severity: Severity
    message: str
    """What was found, in one line."""
    remedy: str = ""
    """What to do about it; never empty for an error."""
