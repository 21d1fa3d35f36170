"""Pods as they really run: what the runner of local processes (or a cluster) reports."""

import msgspec


class Workload(msgspec.Struct, frozen=True, gc=False):
    """One live pod."""

    namespace: str
    name: str
    labels: tuple[tuple[str, str], ...]
    """Sorted pairs."""
    ip: str
    """The pod's own (loopback) address."""
    ready: bool
    phase: str = "Running"
    """Pending, Running, Succeeded or Failed."""
    reason: str = ""
    """CamelCase reason why it is not ready, such as ``ImageNotMapped`` or ``CrashLoopBackOff``."""
    message: str = ""
    ports: tuple[tuple[str, int], ...] = ()
    """Named container ports, sorted: (name, port)."""
    service_account: str = "default"
    meshed: bool = True
    """False where a label of the pod or its namespace opts out of the mesh."""
    terminating: bool = False
