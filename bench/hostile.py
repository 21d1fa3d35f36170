"""What hostile clients cost a good one: its p99 under each attack, beside its p99 without.

A good client asks at a steady rate while a process of its own attacks the same port of the same
Gateway; rounds with and without an attack take turns, so that the noise of the machine meets both
alike. Attacker, Envoy and backend share this machine's processors, so attacks have a pace as well.
"""

import asyncio
import contextlib
import itertools
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Final

from bench import baseline, manifests, processes
from bench.figure import Figure
from bench.load import percentile
from fairlead.cli.load import Tally, steady

HOST: Final = "shop.example.com"
SILENT: Final = "silent.example.com"
"""The host of a backend that takes whatever comes and never answers."""
RATE: Final = 200
"""Requests of the good client, each second."""
SECONDS: Final = 2.0
ROUNDS: Final = 5
SLOW: Final = 500
IDLE: Final = 5_000
PACE: Final = 0.05
"""Seconds between an attacker's connections: 10,000 resets or 20 oversized requests a second."""
TARGET: Final = 2.0

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _RESET, _SETTINGS, _CONTINUATION = 1, 3, 4, 9
_END_STREAM, _END_HEADERS = 1, 4


def run() -> Iterator[Figure]:
    """Yield the median ratio of p99 under each attack to p99 without, and Envoy's memory."""
    upstream = ("127.0.0.1", processes.free_port())
    with (
        tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name,
        socket.create_server(("127.0.0.1", 0), backlog=2 * SLOW) as silent,
    ):
        folder = Path(name)
        config = folder / "manifests"
        config.mkdir()
        manifests.write(config, "gateway", manifests.gateway())
        manifests.write(config, "service", *manifests.service("backend", upstream))
        manifests.write(config, "silent", *manifests.service("silent", silent.getsockname()))
        manifests.write(config, "route", manifests.route("shop", HOST, "backend"))
        manifests.write(config, "other", manifests.route("other", SILENT, "silent"))
        back = baseline.bootstrap([baseline.upstream(upstream)], [], folder / "u.sock")
        with processes.envoy(back, folder, upstream), processes.serving(config) as ours:
            address, pid = ours.address(80), ours.gateway_pid()
            _good(address)  # warms up
            before = processes.resident(pid)
            for attack in ATTACKS:
                yield from _compare(address, attack)
            yield Figure("hostile.envoy_memory", processes.resident(pid) - before, "MiB more")


def _compare(address: tuple[str, int], attack: str) -> Iterator[Figure]:
    ratios: list[float] = []
    for _ in range(ROUNDS):
        calm = percentile(_good(address), 0.99)
        with _attacking(address, attack):
            ratios.append(percentile(_good(address), 0.99) / calm)
    yield Figure(f"hostile.{attack}.p99.ratio", statistics.median(ratios), "x without", TARGET)


def _good(address: tuple[str, int]) -> list[float]:
    """Latencies of a good client, in seconds; all its requests have to succeed."""

    async def ask() -> Tally:
        tally, stop = Tally(), asyncio.Event()
        asyncio.get_running_loop().call_later(SECONDS, stop.set)
        await steady(tally, address, HOST, rate=RATE, stop=stop)
        return tally

    tally = asyncio.run(ask())
    if tally.failed:
        raise RuntimeError(f"a good client met {dict(tally.statuses)}")
    return tally.latencies


@contextlib.contextmanager
def _attacking(address: tuple[str, int], attack: str) -> Generator[None]:
    command = [sys.executable, "-m", "bench.hostile", attack, address[0], str(address[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError(f"{attack}: the attacker ended by itself")
            yield
        finally:
            process.kill()
    time.sleep(1)  # until Envoy has seen its connections end


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def _block() -> bytes:
    """A header block: fields as they are, without compression."""
    fields = {":method": "GET", ":scheme": "http", ":authority": HOST, ":path": "/"}
    return b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields.items()
    )


def _rapid_reset() -> bytes:
    pairs = (
        _frame(_HEADERS, _END_STREAM | _END_HEADERS, stream, _block())
        + _frame(_RESET, 0, stream, (8).to_bytes(4, "big"))
        for stream in range(1, 1_001, 2)
    )
    return _PREFACE + _frame(_SETTINGS, 0, 0, b"") + b"".join(pairs)


def _continuation() -> bytes:
    piece = b"\0\1x\x7f\x80\x78" + b"a" * 15_487
    more = _frame(_CONTINUATION, 0, 1, piece) * 64
    return _PREFACE + _frame(_SETTINGS, 0, 0, b"") + _frame(_HEADERS, 0, 1, _block()) + more


def _oversized() -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX: {'a' * 1_000_000}\r\n\r\n".encode()


def _repeated(address: tuple[str, int], content: bytes) -> None:
    """The same bytes on one new connection after another, for ever."""
    for number in itertools.count():
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=2) as client:
            client.sendall(content)
        if not number:
            print("attacking", flush=True)
        time.sleep(PACE)


def _held(address: tuple[str, int], number: int, content: bytes) -> None:
    """Connections that begin a request, or nothing, and go on by a byte a second, in turns."""
    clients = [socket.create_connection(address, timeout=10) for _ in range(number)]
    for client in clients:
        client.sendall(content)
    time.sleep(1)  # what is measured is what they cost while they are held
    print("attacking", flush=True)
    for client in itertools.cycle(clients):
        time.sleep(1 / number)
        with contextlib.suppress(OSError):
            client.sendall(b"a" if content else b"")


ATTACKS: Final[dict[str, Callable[[tuple[str, int]], None]]] = {
    "slow_headers": lambda at: _held(at, SLOW, b"GET / HTTP/1.1\r\nX: "),
    "slow_body": lambda at: _held(
        at, SLOW, f"POST / HTTP/1.1\r\nHost: {SILENT}\r\nContent-Length: 99999\r\n\r\n".encode()
    ),
    "idle": lambda at: _held(at, IDLE, b""),
    "rapid_reset": lambda at: _repeated(at, _rapid_reset()),
    "continuation": lambda at: _repeated(at, _continuation()),
    "oversized": lambda at: _repeated(at, _oversized()),
}
"""By name: what attacks an address until it is killed, and prints a line once it does."""


if __name__ == "__main__":
    ATTACKS[sys.argv[1]]((sys.argv[2], int(sys.argv[3])))
