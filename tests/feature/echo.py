"""Named HTTP backends that tell what reached them, and misbehave when asked to.

Each backend listens on a port of its own of 127.0.0.1 and answers with JSON: its name, the method,
the target, all headers as [name in lower case, value] pairs, the body, and what its client said in
the TLS handshake if there was one. Request headers steer it:

    x-echo-answers: 503,503,200    what the first, second, third request with this x-echo-id gets
    x-echo-id: any-unique-text     (the last one repeats); `slow` waits, `hang` and `close`
                                   answer nothing
    x-echo-set: name=value         a header of the answer; may be repeated
"""

import json
import ssl
import threading
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.certificates import Issued

HANG_SECONDS = 30
SLOW_SECONDS = 0.6


class Echo:
    """All backends of a test run; `port` starts one at its first mention."""

    def __init__(self) -> None:
        self._servers: dict[str, _Server] = {}
        self.attempts: Counter[str] = Counter()
        """How many requests each x-echo-id has reached a backend with."""
        self.reached: Counter[tuple[str, str]] = Counter()
        """The same by backend: (its name, x-echo-id)."""
        self.lock = threading.Lock()
        self.stopping = threading.Event()

    def port(self, name: str) -> int:
        """The port of the backend called `name`."""
        if name not in self._servers:
            self._start(name, None)
        return self._servers[name].server_address[1]

    def tls(self, name: str, certificate: Issued, client_ca: str = "") -> int:
        """Start a backend that speaks HTTPS; with `client_ca` (PEM), clients need a certificate."""
        context = certificate.server_context(("http/1.1",), client_ca)

        def noted(client: ssl.SSLSocket | ssl.SSLObject, asked: str | None, _context) -> None:
            client.asked = asked

        context.sni_callback = noted
        self._start(name, context)
        return self._servers[name].server_address[1]

    def _start(self, name: str, context: ssl.SSLContext | None) -> None:
        server = _Server(self, name, context)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._servers[name] = server

    def stop(self) -> None:
        self.stopping.set()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, echo: Echo, name: str, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.echo = echo
        self.name = name
        self.context = context

    def get_request(self):
        """Accept a connection; it shakes hands when it is first read from, in its own thread."""
        client, address = super().get_request()
        if self.context is None:
            return client, address
        wrapped = self.context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def handle_error(self, request, client_address):
        """A proxy that hangs up in the midst of an answer is none of our errors."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length).decode(errors="replace") if length else ""
        step = self._step()
        if step == "hang":
            self.server.echo.stopping.wait(HANG_SECONDS)
        if step in {"hang", "close"}:
            self.close_connection = True
            return
        if step == "slow":
            self.server.echo.stopping.wait(SLOW_SECONDS)
        self._answer(200 if step == "slow" else int(step), body)

    def _handshake(self) -> dict | None:
        """What the client asked for by TLS, and the serial number of its certificate."""
        if not isinstance(self.connection, ssl.SSLSocket):
            return None
        shown = self.connection.getpeercert() or {}
        return {
            "server_name": getattr(self.connection, "asked", None),
            "protocol": self.connection.selected_alpn_protocol(),
            "version": self.connection.version(),
            "client": int(shown["serialNumber"], 16) if "serialNumber" in shown else None,
        }

    def _step(self) -> str:
        """What this request gets: a status, `slow`, `hang` or `close`."""
        steps = self.headers.get("x-echo-answers", "200").split(",")
        number = 0
        if name := self.headers.get("x-echo-id"):
            with self.server.echo.lock:
                number = self.server.echo.attempts[name]
                self.server.echo.attempts[name] += 1
                self.server.echo.reached[self.server.name, name] += 1
        return steps[min(number, len(steps) - 1)]

    def _answer(self, status: int, body: str) -> None:
        said = {
            "backend": self.server.name,
            "method": self.command,
            "target": self.requestline.split()[1],  # `path` has lost slashes that were there
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "body": body,
            "tls": self._handshake(),
        }
        content = json.dumps(said).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for pair in self.headers.get_all("x-echo-set", []):
            self.send_header(*pair.split("=", 1))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(b"" if self.command == "HEAD" else content)
