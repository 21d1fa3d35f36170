"""HTTP/1.1 by hand: any bytes as requests on a connection that is kept, and answers to them."""

import re
import socket
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 if the connection ended without one."""

    status: int
    head: bytes = b""
    body: bytes = b""

    @property
    def location(self) -> str:
        """The header, empty without it."""
        found = re.search(rb"(?im)^location: *(.*?)\r?$", self.head)
        return found[1].decode("latin-1") if found else ""


class Http1:
    """A connection that is opened again whenever the server has closed it."""

    def __init__(self, place: tuple[str, int], seconds: float = 10) -> None:
        self._place = place
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._received = b""

    def use(self, connection: socket.socket) -> None:
        """Go on with a connection of the caller's, such as one by TLS."""
        self.close()
        self._socket, self._received = connection, b""

    def ask(self, content: bytes) -> Answer:
        """Send bytes and read one answer, on a new connection if the old one has ended."""
        if self._socket is None:
            self._socket = socket.create_connection(self._place, timeout=self._seconds)
            self._received = b""
        try:
            self._socket.sendall(content)
            answer = self.answer()
        except ConnectionError:
            answer = Answer(0)
        if not answer.status or b"connection: close" in answer.head.lower():
            self.close()
        return answer

    def answer(self) -> Answer:
        """Read the next answer. Raises TimeoutError if nothing comes."""
        while b"\r\n\r\n" not in self._received:
            if not self._more():
                return Answer(0, self._received)
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if re.search(rb"(?i)transfer-encoding: *chunked", head):
            return Answer(status, head, self._chunked())
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        while len(self._received) < size and self._more():
            pass
        body, self._received = self._received[:size], self._received[size:]
        return Answer(status, head, body)

    def _chunked(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._received and self._more():
                pass
            size, _, self._received = self._received.partition(b"\r\n")
            length = int(size or b"0", 16)
            while len(self._received) < length + 2 and self._more():
                pass
            body += self._received[:length]
            self._received = self._received[length + 2 :]
            if not length:
                return body

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _more(self) -> bool:
        assert self._socket is not None
        received = self._socket.recv(65536)
        self._received += received
        return bool(received)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
