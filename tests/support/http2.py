"""HTTP/2 by hand: frames and header blocks as an attacker writes them, right or wrong.

A block is written literally, without Huffman coding and without the dynamic table, so that any
bytes can be put into it. Of an answer only the status and the data are read.

    with Http2(place) as client:
        client.headers(1, (*REQUEST, (b":path", b"/"), (b"x-evil", b"a\\r\\nb: c")))
        assert client.answer(1).status == 400
"""

import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
HEAD_BYTES: Final = 9
_INDEXED: Final = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
_STATUS_NAMES: Final = {*range(0x08, 0x0F), *range(0x48, 0x4F), *range(0x18, 0x1F)}
"""First bytes of literal fields whose name is `:status`."""
_DIGITS: Final = {
    **{f"{number:05b}": str(number) for number in range(3)},
    **{f"{22 + number:06b}": str(number) for number in range(3, 10)},
}
"""HPACK's Huffman codes of digits."""

Fields: TypeAlias = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Frame:
    """What was received."""

    kind: int
    flags: int
    stream: int
    payload: bytes


@dataclass(frozen=True)
class Answer:
    """How a request ended: with a status, or with the stream or the connection at an end."""

    status: int
    """0 without one."""
    body: bytes
    closed: bool = False
    """The connection is at an end, or the server has said that it will be (GOAWAY)."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame on the wire."""
    size = len(payload).to_bytes(3, "big")
    return size + struct.pack(">BBI", kind, flags, stream) + payload


def block(fields: Fields) -> bytes:
    """A header block: literal fields without indexing, names and values as they are given."""
    return b"".join(
        b"\x00" + _integer(len(name)) + name + _integer(len(value)) + value
        for name, value in fields
    )


def request(
    path: str = "/", host: str = "localhost", method: str = "GET", scheme: str = "http"
) -> tuple[tuple[bytes, bytes], ...]:
    """The pseudo-headers of a request."""
    return (
        (b":method", method.encode()),
        (b":scheme", scheme.encode()),
        (b":authority", host.encode()),
        (b":path", path.encode("latin-1")),
    )


class Http2:
    """A connection whose preface has been sent; a context manager that closes it."""

    def __init__(
        self, place: tuple[str, int], connection: socket.socket | None = None, seconds: float = 10
    ) -> None:
        self.socket = connection or socket.create_connection(place, timeout=seconds)
        self.socket.settimeout(seconds)
        self._seconds = seconds
        self._received = b""
        self.send(PREFACE + frame(SETTINGS, 0, 0))

    def send(self, *frames: bytes) -> None:
        """Send frames. Raises OSError once the server has closed the connection."""
        self.socket.sendall(b"".join(frames))

    def headers(self, stream: int, fields: Fields, *, end: bool = True) -> None:
        """Send a request's headers, or its trailers."""
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.send(frame(HEADERS, flags, stream, block(fields)))

    def data(self, stream: int, content: bytes, *, end: bool = True) -> None:
        """Send a piece of a request's body."""
        self.send(frame(DATA, END_STREAM if end else 0, stream, content))

    def receive(self) -> Frame | None:
        """The next frame, None at the end of the connection.

        Settings and pings are acknowledged. Raises TimeoutError if nothing comes.
        """
        head = self._take(HEAD_BYTES)
        if head is None:
            return None
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        payload = self._take(int.from_bytes(head[:3], "big"))
        if payload is None:
            return None
        if kind in {SETTINGS, PING} and not flags & ACK:
            echoed = payload if kind == PING else b""
            self.send(frame(kind, ACK, 0, echoed))
        return Frame(kind, flags, stream, payload)

    def answer(self, stream: int) -> Answer:
        """Wait for the end of a stream."""
        status, body = 0, b""
        end = time.monotonic() + self._seconds
        while time.monotonic() < end:
            try:
                got = self.receive()
            except (ConnectionError, BrokenPipeError):
                got = None
            if got is None or got.kind == GOAWAY:
                return Answer(status, body, closed=True)
            if got.stream != stream:
                continue
            if got.kind == HEADERS:
                status = status or status_of(got.payload)
            elif got.kind == DATA:
                body += got.payload
            if got.kind == RESET or (got.kind in {HEADERS, DATA} and got.flags & END_STREAM):
                return Answer(status, body)
        raise TimeoutError(f"no end of stream {stream}")

    def _take(self, size: int) -> bytes | None:
        while len(self._received) < size:
            more = self.socket.recv(65536)
            if not more:
                return None
            self._received += more
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.close()


def status_of(payload: bytes) -> int:
    """The status of an answer: its first field, once updates of the table's size are passed."""
    at = 0
    while payload[at] & 0xE0 == 0x20:  # a size, in as many bytes as it takes
        long = payload[at] & 0x1F == 0x1F
        at += 1
        while long and payload[at] & 0x80:
            at += 1
        at += long
    if payload[at] in _INDEXED:
        return _INDEXED[payload[at]]
    assert payload[at] in _STATUS_NAMES, payload[at:].hex()
    size = payload[at + 1] & 0x7F
    value = payload[at + 2 : at + 2 + size]
    return int(_unpacked(value) if payload[at + 1] & 0x80 else value)


def _unpacked(value: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in value)
    found, code = "", ""
    for bit in bits:
        code += bit
        if code in _DIGITS:
            found, code = found + _DIGITS[code], ""
    return found


def _integer(number: int) -> bytes:
    """HPACK's integer with a prefix of seven bits."""
    if number < 0x7F:
        return bytes([number])
    made, rest = [0x7F], number - 0x7F
    while rest >= 0x80:
        made.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*made, rest])
