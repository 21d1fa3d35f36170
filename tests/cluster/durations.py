"""How long the long tests last: short ones by default, full ones with FAIRLEAD_FULL=1."""

import os

FULL = os.environ.get("FAIRLEAD_FULL", "") not in ("", "0")


def seconds(short: float, full: float) -> float:
    """The time that a test gets."""
    return full if FULL else short


def times(short: int, full: int) -> int:
    """How often a test does what it does."""
    return full if FULL else short
