"""Probes of containers (`core/v1 Probe`): asked as the kubelet asks, but sooner at the start.

While a container isn't ready it is asked again after 20 ms, then at growing intervals up to the
probe's period: nobody wants to wait ten seconds for a local process. The rest is as documented:
`failureThreshold` failures a period apart make it fail, `successThreshold` successes make it pass.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

import grpc
import grpc.aio

from fairlead import api
from fairlead.dataplane.clock import Clock

Check: TypeAlias = Callable[[], Awaitable[bool]]
Execute: TypeAlias = Callable[[tuple[str, ...], float], Awaitable[bool]]
"""Runs a command in the container's environment: whether it exits 0 within so many seconds."""
Rpc: TypeAlias = Callable[[bytes], Awaitable[bytes]]

PATIENCE = 10
"""Seconds that a container without readiness probe has to open its first port."""
_FIRST_PAUSE = 0.02
_SERVING = b"\x08\x01"
"""grpc.health.v1.HealthCheckResponse with status SERVING."""


def probe_of(container: api.Container) -> api.Probe | None:
    """The readiness probe, or else a connection to the first TCP port; None without either.

    Kubernetes counts a container without readiness probe as ready from the start. Waiting for its
    port spares a local caller the moment in which nobody listens yet; a port that has not opened
    within `PATIENCE` may never do, and then says nothing about readiness.
    """
    if container.readiness_probe is not None:
        return container.readiness_probe
    for port in container.ports:
        if port.protocol == "TCP":
            target = api.TCPSocketAction(port=port.container_port)
            return api.Probe(tcp_socket=target, period_seconds=1, failure_threshold=PATIENCE + 1)
    return None


async def watch(
    probe: api.Probe, check: Check, clock: Clock, tell: Callable[[bool], bool], *, eager: bool
) -> None:
    """Ask until told to stop.

    Args:
        probe: delays, periods and thresholds.
        check: asks once; what it raises is a bug.
        clock: for all waiting.
        tell: called with each change of the verdict, True for passing; False from it ends this.
        eager: ask more often than the period until it passes.
    """
    await clock.sleep(probe.initial_delay_seconds)
    verdict: bool | None = None
    failing_since: float | None = None
    successes, pause = 0, _FIRST_PAUSE
    patience = (probe.failure_threshold - 1) * probe.period_seconds
    while True:
        found = verdict
        if await check():
            failing_since, successes = None, successes + 1
            found = True if successes >= probe.success_threshold else verdict
        else:
            failing_since = clock.now() if failing_since is None else failing_since
            successes = 0
            found = False if clock.now() - failing_since >= patience else verdict
        if found is not None and found is not verdict and not tell(found):
            return
        verdict = found
        hurry = eager and verdict is not True
        await clock.sleep(min(pause, probe.period_seconds) if hurry else probe.period_seconds)
        pause = pause * 1.5 if hurry else _FIRST_PAUSE


def checker(probe: api.Probe, container: api.Container, ip: str, execute: Execute) -> Check:
    """What asks once: an HTTP GET, a connection, a command or gRPC's health service.

    Args:
        probe: says which, and how long it may take.
        container: to find ports by name.
        ip: the pod's address.
        execute: for commands.
    """
    limit = float(probe.timeout_seconds)

    async def check() -> bool:
        try:
            async with asyncio.timeout(limit):
                if (get := probe.http_get) is not None:
                    return await _http(get, get.host or ip, _port(get.port, container))
                if (tcp := probe.tcp_socket) is not None:
                    return await _tcp(tcp.host or ip, _port(tcp.port, container))
                if probe.grpc is not None:
                    return await _grpc(probe.grpc, ip)
                if probe.exec is not None:
                    return await execute(probe.exec.command, limit)
        except (OSError, TimeoutError, ValueError):
            return False
        return True  # a probe that asks for nothing

    return check


def _port(port: int | str, container: api.Container) -> int:
    if isinstance(port, int):
        return port
    named = {entry.name: entry.container_port for entry in container.ports}
    if port not in named:
        raise ValueError(f"no port is called {port}")
    return named[port]


async def _tcp(host: str, port: int) -> bool:
    _, writer = await asyncio.open_connection(host, port)
    await _close(writer)
    return True


async def _http(get: api.HTTPGetAction, host: str, port: int) -> bool:
    context = _trusting() if get.scheme == "HTTPS" else None
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        fields = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/fairlead", "Accept": "*/*"}
        fields |= {header.name: header.value for header in get.http_headers}
        lines = [f"{name}: {value}" for name, value in fields.items()]
        path = get.path if get.path.startswith("/") else f"/{get.path}"
        head = [f"GET {path} HTTP/1.1", *lines, "Connection: close", "", ""]
        writer.write("\r\n".join(head).encode())
        words = (await reader.readline()).split(b" ")
        return len(words) > 1 and words[1].isdigit() and 200 <= int(words[1]) < 400  # noqa: PLR2004 - as the kubelet
    finally:
        await _close(writer)


async def _grpc(action: api.GRPCAction, ip: str) -> bool:
    name = action.service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    async with grpc.aio.insecure_channel(f"{ip}:{action.port}") as channel:
        call = cast("Rpc", channel.unary_unary("/grpc.health.v1.Health/Check"))
        with contextlib.suppress(grpc.aio.AioRpcError):
            return (await call(message)).startswith(_SERVING)
    return False


def _varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])


def _trusting() -> ssl.SSLContext:
    """As the kubelet, which doesn't verify the certificates of what it probes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
