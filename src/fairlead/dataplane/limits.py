"""What a container may use, as its cgroup says (version 2 or 1): memory and processors."""

import math
import os
from contextlib import suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
_MIB = 1024 * 1024
_UNLIMITED = 1 << 60
"""Bytes from which on version 1 means no limit."""
_AGENT_BYTES = 80 * _MIB
"""Left for what runs beside Envoy."""
_SHARE = 0.9
"""Of the rest, what Envoy may allocate: it needs some more than it allocates."""
_LEAST_HEAP, _DEFAULT_HEAP = 64 * _MIB, 1024 * _MIB


def memory_limit(cgroup: Path = CGROUP) -> int | None:
    """Bytes of memory that the container may use; None for no limit."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # not there, or "max"
            limit = int((cgroup / name).read_text(encoding="ascii"))
            return limit if limit < _UNLIMITED else None
    return None


def cpu_limit(cgroup: Path = CGROUP) -> float | None:
    """Processors that the container may use, such as 0.5; None for no limit."""
    with suppress(OSError, ValueError):
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota = int((cgroup / "cpu" / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((cgroup / "cpu" / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return None if quota <= 0 else quota / period
    return None


def heap_bytes(cgroup: Path = CGROUP) -> int:
    """Bytes that the Envoy of a container may allocate: 1 GiB if nothing limits it."""
    limit = memory_limit(cgroup)
    if limit is None:
        return _DEFAULT_HEAP
    return max(_LEAST_HEAP, int((limit - _AGENT_BYTES) * _SHARE))


def concurrency(cgroup: Path = CGROUP) -> int:
    """Worker threads for the Envoy of a container: its processors; at most 4 if nothing limits it.

    A node's processors say little about what one of its many pods should take.
    """
    here = len(os.sched_getaffinity(0))
    limit = cpu_limit(cgroup)
    return min(here, 4) if limit is None else max(1, min(here, math.ceil(limit)))
