"""Durations: Gateway API's (GEP-2257) and Go's, which Istio's kinds use."""

import re
from decimal import Decimal

_GATEWAY = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
_GATEWAY_PART = re.compile(r"([0-9]{1,5})(ms|h|m|s)")
_GO = re.compile(r"[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)")
_GO_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}


def seconds(text: str) -> float:
    """Seconds of a Gateway API duration such as `1h30m10s500ms` (GEP-2257).

    Args:
        text: one to four numbers of up to five digits, each followed by h, m, s or ms.

    Raises:
        ValueError: `text` is no such duration; decoded objects never hold one.
    """
    if not _GATEWAY.fullmatch(text):
        msg = f"{text!r} is not a duration such as 1h30m or 500ms"
        raise ValueError(msg)
    return _sum(_GATEWAY_PART.findall(text))


def go_seconds(text: str) -> float:
    """Seconds of a Go duration such as `1.5s` or `-2m` (Istio's fields).

    Args:
        text: decimal numbers, each followed by ns, us, ms, s, m or h; `0` needs no unit.

    Raises:
        ValueError: `text` is no such duration; decoded objects never hold one.
    """
    if not _GO.fullmatch(text):
        msg = f"{text!r} is not a duration such as 1.5s or 5m"
        raise ValueError(msg)
    total = _sum(_GO_PART.findall(text))
    return -total if text.startswith("-") else total


def _sum(parts: list[tuple[str, str]]) -> float:
    return float(sum((Decimal(number) * _SECONDS[unit] for number, unit in parts), Decimal(0)))
