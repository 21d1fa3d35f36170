"""The image `hashicorp/http-echo`: an HTTP server that answers every request with one text.

Flags as the original has them: ``-text``, ``-listen``, ``-status-code``, ``-version``. As in a pod,
a listen address without host, or with one that stands for all, is the pod's own: ``POD_IP``.

Run as ``python -I -S http_echo.py``: it imports nothing of the package and little of the library,
starts in about 20 ms and, being one loop over epoll, needs some 15 us of CPU for a request.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import time
from http import HTTPStatus

VERSION = "1.0.0"
_USAGE_ERROR = 127
_FLAG_ERROR = 2
_MOST_HEAD = 64 * 1024
_DRAIN_SECONDS = 5
_HEALTH = b'{"status":"ok"}\n'
_ALL_ADDRESSES = ("", "0.0.0.0", "::", "[::]")  # noqa: S104 - compared with, not bound
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_HEX_DIGITS = b"0123456789abcdefABCDEF"


class UsageError(Exception):
    """Wrong flags: what to print, and the exit code of the original."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Options:
    """What the flags say."""

    def __init__(self) -> None:
        self.text = os.environ.get("ECHO_TEXT", "")
        self.listen = ":5678"
        self.status = 200
        self.version = False

    def parse(self, arguments: list[str]) -> None:
        """Read flags: one dash or two, the value after ``=`` or as the next argument.

        Raises:
            UsageError: an unknown flag, a missing value, or something that is no flag.
        """
        rest = list(arguments)
        while rest and rest[0].startswith("-") and len(rest[0]) > 1:
            flag = rest.pop(0)
            if flag == "--":
                break
            name, equals, value = flag.removeprefix("-").removeprefix("-").partition("=")
            if name == "version":
                self.version = value not in {"false", "0"} if equals else True
                continue
            if name not in {"text", "listen", "status-code"}:
                raise UsageError(f"flag provided but not defined: -{name}", _FLAG_ERROR)
            if not equals:
                if not rest:
                    raise UsageError(f"flag needs an argument: -{name}", _FLAG_ERROR)
                value = rest.pop(0)
            self._set(name, value)
        if self.version:
            return
        if not self.text:
            raise UsageError("Missing -text option!", _USAGE_ERROR)
        if rest:
            raise UsageError("Too many arguments!", _USAGE_ERROR)

    def _set(self, name: str, value: str) -> None:
        if name == "text":
            self.text = value
        elif name == "listen":
            self.listen = value
        else:
            if not value.isdigit():
                raise UsageError(f'invalid value "{value}" for flag -{name}', _FLAG_ERROR)
            self.status = int(value)

    def address(self) -> tuple[str, int]:
        """Where to listen: host and port. Raises UsageError."""
        host, colon, port = self.listen.rpartition(":")
        if not colon or not port.isdigit():
            raise UsageError(f"listen {self.listen}: missing port in address", 1)
        if host in _ALL_ADDRESSES:
            host = os.environ.get("POD_IP", "")
        return host.strip("[]"), int(port)


class Answers:
    """Whole responses, made once a second since they carry the date."""

    def __init__(self, options: Options) -> None:
        self._status = options.status
        self._body = options.text.encode("utf-8", "surrogateescape") + b"\n"
        self._second = -1
        self._made: dict[tuple[bool, bool, bool], bytes] = {}

    def answer(self, *, health: bool, head: bool, close: bool) -> bytes:
        """A response to ``/health`` or anything else, to HEAD or another method."""
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._made.clear()
        key = (health, head, close)
        if key not in self._made:
            status, body = (200, _HEALTH) if health else (self._status, self._body)
            self._made[key] = response(status, body, head=head, close=close)
        return self._made[key]


def response(status: int, body: bytes, *, head: bool = False, close: bool = False) -> bytes:
    """A response as bytes; those that may not have a body have none."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, '')}",
        "X-App-Name: http-echo",
        f"X-App-Version: {VERSION}",
        f"Date: {date}",
    ]
    bodiless = status in {204, 304}
    if not bodiless:
        lines += [f"Content-Length: {len(body)}", "Content-Type: text/plain; charset=utf-8"]
    if close:
        lines.append("Connection: close")
    text = "\r\n".join([*lines, "", ""]).encode("ascii")
    return text if head or bodiless else text + body


class Connection:
    """One client: bytes in, bytes out; knows nothing of sockets.

    `pending` is what there is to send; when `closing`, the connection ends after that.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._buffer = b""
        self._skip = 0
        self._chunked = False
        self._then: tuple[bool, bool] | None = None
        self.pending = b""
        self.closing = False
        self.draining = False
        """Ends after the request that is under way."""
        self.served: list[bytes] = []
        """Request lines answered since they were last taken, for the log."""

    @property
    def idle(self) -> bool:
        """No request is under way."""
        return not self._buffer and not self.pending and self._then is None

    def receive(self, data: bytes) -> None:
        """Take bytes from the client and answer every request that is complete."""
        self._buffer += data
        while not self.closing and (self._body() if self._then is not None else self._head()):
            pass

    def _head(self) -> bool:
        """Read one request's head; False if it isn't there yet."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _MOST_HEAD:
                self._refuse(431)
            return False
        line, _, fields = self._buffer[:end].partition(b"\r\n")
        self._buffer = self._buffer[end + 4 :]
        words = line.split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):  # noqa: PLR2004 - method, target, version
            self._refuse(400)
            return False
        close = words[2] == b"HTTP/1.0" or self.draining
        if fields:
            found = self._fields(fields)
            if found is None:
                return False
            close = close or found
        target = words[1]
        if target.startswith(b"http://"):
            target = b"/" + target[7:].partition(b"/")[2]
        health = target.partition(b"?")[0] == b"/health"
        self._then = (health, words[0] == b"HEAD")
        if not health:
            self.served.append(line)
        self.draining = self.draining or close
        return self._body()

    def _fields(self, fields: bytes) -> bool | None:
        """Read what frames the message; whether it is the last one, None if it was refused."""
        close = False
        for field in fields.split(b"\r\n"):
            name, _, value = field.partition(b":")
            name, value = name.lower(), value.strip().lower()
            if name == b"content-length":
                if not value.isdigit():
                    return self._refuse(400)
                self._skip = int(value)
            elif name == b"transfer-encoding":
                self._chunked = True
            elif name == b"connection":
                close = b"close" in value
            elif name == b"expect" and value == b"100-continue":
                self.pending += b"HTTP/1.1 100 Continue\r\n\r\n"
        return close

    def _body(self) -> bool:
        """Skip the body and answer; False if more bytes are needed."""
        while self._skip or self._chunked:
            if self._skip:
                taken = min(self._skip, len(self._buffer))
                self._buffer = self._buffer[taken:]
                self._skip -= taken
                if self._skip:
                    return False
            elif not self._chunk():
                return False
        if self._then is not None:
            health, head = self._then
            self.pending += self._answers.answer(health=health, head=head, close=self.draining)
        self._then = None
        self.closing = self.closing or self.draining
        return bool(self._buffer)

    def _chunk(self) -> bool:
        """Read the size of a chunk, or what follows the last one; False if it isn't there yet."""
        line, found, rest = self._buffer.partition(b"\r\n")
        size = line.partition(b";")[0].strip()
        if len(line) > _MOST_HEAD or (found and (not size or size.strip(_HEX_DIGITS))):
            self._refuse(400)
            return False
        if not found:
            return False
        if int(size, 16):
            self._skip = int(size, 16) + 2
            self._buffer = rest
            return True
        end = self._buffer.find(b"\r\n\r\n", len(line))
        if end < 0:
            return False
        self._buffer = self._buffer[end + 4 :]
        self._chunked = False
        return True

    def _refuse(self, status: int) -> None:
        self.pending += response(status, b"", close=True)
        self.closing = True


class Server:
    """Accepts, reads and writes; one thread."""

    def __init__(self, listener: socket.socket, answers: Answers) -> None:
        self._listener = listener
        self._answers = answers
        self._poll = select.epoll()
        self._clients: dict[int, tuple[socket.socket, Connection, str]] = {}
        self._log: list[str] = []
        self._deadline: float | None = None

    def run(self, wake: socket.socket) -> None:
        """Serve until `wake` has bytes (a signal came), then end what is under way, then return."""
        for source in (self._listener, wake):
            self._poll.register(source.fileno(), select.EPOLLIN)
        while self._deadline is None or (self._clients and time.monotonic() < self._deadline):
            timeout = -1 if self._deadline is None else self._deadline - time.monotonic()
            for descriptor, _ in self._poll.poll(timeout):
                if descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor == wake.fileno():
                    wake.recv(64)
                    self._drain()
                elif descriptor in self._clients:
                    self._serve(descriptor)
            self._flush()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            for _ in range(64):
                client, peer = self._listener.accept()
                client.setblocking(False)  # noqa: FBT003 - the library's signature
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                entry = (client, Connection(self._answers), f"{peer[0]}:{peer[1]}")
                self._clients[client.fileno()] = entry
                self._poll.register(client.fileno(), select.EPOLLIN)

    def _serve(self, descriptor: int) -> None:
        client, connection, peer = self._clients[descriptor]
        try:
            if not connection.pending:
                data = client.recv(65536)
                if not data:
                    self._close(descriptor)
                    return
                connection.receive(data)
            if connection.pending:
                sent = client.send(connection.pending)
                connection.pending = connection.pending[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self._close(descriptor)
            return
        self._note(connection, peer)
        if connection.pending:
            self._poll.modify(descriptor, select.EPOLLOUT)
        elif connection.closing:
            self._close(descriptor)
        else:
            self._poll.modify(descriptor, select.EPOLLIN)

    def _close(self, descriptor: int) -> None:
        client, _, _ = self._clients.pop(descriptor)
        self._poll.unregister(descriptor)
        client.close()

    def _drain(self) -> None:
        """No new connections; those that are idle end now, the others after their request."""
        self._log.append("[INFO] received interrupt, shutting down...\n")
        self._deadline = time.monotonic() + _DRAIN_SECONDS
        self._poll.unregister(self._listener.fileno())
        self._listener.close()
        for descriptor, (_, connection, _) in list(self._clients.items()):
            connection.draining = True
            if connection.idle:
                self._close(descriptor)

    def _note(self, connection: Connection, peer: str) -> None:
        for line in connection.served:
            self._log.append(f'{peer} "{line.decode("ascii", "backslashreplace")}"\n')
        connection.served.clear()

    def _flush(self) -> None:
        if self._log:
            stamp = time.strftime("%Y/%m/%d %H:%M:%S ")
            text = "".join(stamp + line for line in self._log)
            self._log.clear()
            with contextlib.suppress(OSError):  # a full disk is no reason to stop serving
                os.write(1, text.encode())


def listen(address: tuple[str, int]) -> socket.socket:
    """A listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(1024)
    listener.setblocking(False)  # noqa: FBT003 - the library's signature
    return listener


def _woken(_number: int, _frame: object) -> None:
    """The byte that the signal writes to the wake-up socket says it all."""


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    options = Options()
    try:
        options.parse(arguments)
        if options.version:
            sys.stderr.write(f"http-echo v{VERSION}\n")
            return 0
        address = options.address()
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    try:
        listener = listen(address)
    except OSError as error:
        sys.stderr.write(f"[ERR] server: listen tcp {options.listen}: {error.strerror}\n")
        return 1
    wake, signals = socket.socketpair()
    signals.setblocking(False)  # noqa: FBT003 - the library's signature
    signal.set_wakeup_fd(signals.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _woken)
    sys.stdout.write(f"[INFO] server is listening on {options.listen}\n")
    sys.stdout.flush()
    Server(listener, Answers(options)).run(wake)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
