"""A backend that takes HTTP/1.1 by the letter and notes whatever a proxy should not have sent.

It answers each request with the target as its text. What is not exactly one request after another
is a fault: then it hangs up, as a connection of which nobody knows where the next request begins
cannot be used any more.
"""

import re
import socketserver
import threading

from support.tcp_server import TcpServer

LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[!-~]*|\*) HTTP/1\.1")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\x80-\xff]*)")
SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")


class FaultError(Exception):
    """The proxy has sent something that is not a request."""


class StrictBackend(TcpServer):
    """Listens while it is entered; `targets` and `faults` are those of all connections."""

    def __init__(self) -> None:
        super().__init__(_Connection)
        self.lock = threading.Lock()
        self.targets: list[str] = []
        self.faults: list[str] = []


class _Connection(socketserver.StreamRequestHandler):
    server: StrictBackend
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            while (target := self._request()) is not None:
                with self.server.lock:
                    self.server.targets.append(target)
                text = target.encode()
                self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text))
                self.wfile.write(text)
        except FaultError as fault:
            with self.server.lock:
                self.server.faults.append(str(fault))
        except OSError:
            pass  # a proxy may hang up when it likes

    def _request(self) -> str | None:
        """Read one request; its target, None at the end of the connection."""
        first = self._line()
        if first is None:
            return None
        line = LINE.fullmatch(first)
        if not line:
            raise FaultError(f"not a request: {first!r}")
        fields: list[tuple[bytes, bytes]] = []
        while (text := self._line()) != b"":
            if text is None:
                return None
            field = FIELD.fullmatch(text)
            if not field:
                raise FaultError(f"not a header: {text!r}")
            fields.append((field[1].lower(), field[2].strip()))
        return line[2].decode("latin-1") if self._body(fields) else None

    def _body(self, fields: list[tuple[bytes, bytes]]) -> bool:
        """Read a body. False if the connection ended first."""
        if any(value.lower() == b"h2c" for name, value in fields if name == b"upgrade"):
            raise FaultError("an upgrade that Envoy does not speak")
        lengths = [value for name, value in fields if name == b"content-length"]
        codings = [value for name, value in fields if name == b"transfer-encoding"]
        if len(lengths) + len(codings) > 1:
            raise FaultError(f"framed twice: {fields}")
        if lengths:
            if not lengths[0].isdigit():
                raise FaultError(f"not a length: {lengths}")
            return len(self.rfile.read(int(lengths[0]))) == int(lengths[0])
        return self._chunks() if self._is_chunked(codings) else True

    def _is_chunked(self, codings: list[bytes]) -> bool:
        if codings and codings != [b"chunked"]:
            raise FaultError(f"an unknown coding: {codings}")
        return bool(codings)

    def _chunks(self) -> bool:
        while True:
            line = self._line()
            if line is None:
                return False
            if not SIZE.fullmatch(line):
                raise FaultError(f"not the size of a chunk: {line!r}")
            size = int(line, 16)
            if not size:
                break
            content = self.rfile.read(size + 2)
            if len(content) < size + 2:
                return False
            if not content.endswith(b"\r\n"):
                raise FaultError(f"a chunk that does not end: {content!r}")
        while (text := self._line()) != b"":
            if text is None:
                return False
            if not FIELD.fullmatch(text):
                raise FaultError(f"not a trailer: {text!r}")
        return True

    def _line(self) -> bytes | None:
        """The next line without its end, None at the end of the connection."""
        text = self.rfile.readline(65536)
        if not text.endswith(b"\n"):
            return None
        if not text.endswith(b"\r\n") or b"\r" in text[:-2] or b"\0" in text:
            raise FaultError(f"a line with a wrong end: {text!r}")
        return text[:-2]
