"""A backend that speaks HTTP/2 with prior knowledge and nothing else: it answers 200 ``h2c``.

Just enough of RFC 9113 for a proxy: every request gets the same answer, so that no header has to
be decoded (0x88 is ``:status: 200`` in HPACK's static table).
"""

import socketserver
import struct

from support.http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEAD_BYTES,
    HEADERS,
    PING,
    PREFACE,
    SETTINGS,
    frame,
)
from support.tcp_server import TcpServer

STATUS_200 = b"\x88"


class H2cServer(TcpServer):
    """Listens on a port of its own of 127.0.0.1 while it is entered."""

    def __init__(self) -> None:
        super().__init__(_Connection)
        self.refused = 0
        """Connections that did not begin with HTTP/2's preface."""


class _Connection(socketserver.StreamRequestHandler):
    server: H2cServer

    def handle(self) -> None:
        if self.rfile.read(len(PREFACE)) != PREFACE:
            self.server.refused += 1
            return
        self.wfile.write(frame(SETTINGS, 0, 0))
        while len(head := self.rfile.read(HEAD_BYTES)) == HEAD_BYTES:
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            payload = self.rfile.read(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACK:
                self.wfile.write(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                self.wfile.write(frame(PING, ACK, 0, payload))
            elif kind in {HEADERS, DATA} and flags & END_STREAM:
                answer = frame(HEADERS, END_HEADERS, stream, STATUS_200)
                self.wfile.write(answer + frame(DATA, END_STREAM, stream, b"h2c"))
