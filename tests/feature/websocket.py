"""A backend that takes WebSocket connections and returns what it gets; and a client for it.

Only the handshake of RFC 6455 and then plain bytes: a proxy passes on whatever follows the 101.
"""

import base64
import hashlib
import socket
import socketserver

from support.tcp_server import TcpServer

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = base64.b64encode(b"sixteen bytes ok").decode()


def accept(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()


class WebSocketServer(TcpServer):
    """Listens on a port of its own of 127.0.0.1 while it is entered."""

    def __init__(self) -> None:
        super().__init__(_Connection)


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        headers = _head(self.rfile)[1]
        if headers.get("upgrade", "").lower() != "websocket":
            # It closes afterwards and has to say so: Envoy would use the connection again.
            self.wfile.write(
                b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept(headers['sec-websocket-key'])}\r\n\r\n".encode()
        )
        while data := self.request.recv(4096):
            self.request.sendall(data.upper())


def talk(place: tuple[str, int], target: str, host: str, message: bytes) -> tuple[str, bytes]:
    """Open a WebSocket, send `message` and return the status line and what came back."""
    with socket.create_connection(place, timeout=10) as connection:
        connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\n\r\n".encode()
        )
        with connection.makefile("rb") as stream:
            status, headers = _head(stream)
            if " 101 " not in status:
                return status, b""
            assert headers["sec-websocket-accept"] == accept(KEY)
            connection.sendall(message)
            return status, stream.read(len(message))


def _head(stream) -> tuple[str, dict[str, str]]:
    """First line and headers, names in lower case."""
    first = stream.readline().decode().strip()
    headers: dict[str, str] = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return first, headers
