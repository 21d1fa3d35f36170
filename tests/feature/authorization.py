"""Authorization services for tests: one that is asked by HTTP, one by Envoy's gRPC protocol.

Both let requests with ``authorization: let me in`` pass, as user bob, try to change what a service
must not change (the host, the length of the body), and refuse all others with a 401 of their own.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import grpc
from envoy.config.core.v3 import base_pb2
from envoy.service.auth.v3 import external_auth_pb2, external_auth_pb2_grpc
from envoy.type.v3 import http_status_pb2
from google.rpc import code_pb2, status_pb2

PASSWORD = "let me in"
ALLOWED = {"authorization": PASSWORD}
_PASSED = {"x-user": "bob", "x-team": "blue", "x-te": "kept", "content-type": "text/auth"}
_REFUSED = {"www-authenticate": "Basic"}


@dataclass(frozen=True)
class Check:
    """What a service was asked."""

    method: str
    path: str
    host: str
    headers: dict[str, str]
    body: str


class Authorization:
    """Both services, on ports of their own of 127.0.0.1 while it is entered."""

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.checks))
        self._grpc = grpc.server(ThreadPoolExecutor(4))
        external_auth_pb2_grpc.add_AuthorizationServicer_to_server(
            _Authorizer(self.checks), self._grpc
        )
        self.http_port = self._http.server_address[1]
        self.grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        self._grpc.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._grpc.stop(None).wait()

    def last(self) -> Check:
        """The newest check; they are forgotten with it."""
        check = self.checks[-1]
        self.checks.clear()
        return check


def _handler(checks):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length") or 0)).decode()
            checks.append(Check(self.command, self.path, headers["host"], headers, body))
            allowed = headers.get("authorization") == PASSWORD
            text = b"" if allowed else b"who are you?"
            self.send_response_only(200 if allowed else 401)
            self.send_header("Content-Length", str(len(text)))
            for name, value in (_PASSED if allowed else _REFUSED).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815 - the name of the method

    return Handler


class _Authorizer(external_auth_pb2_grpc.AuthorizationServicer):
    def __init__(self, checks: list[Check]) -> None:
        self._checks = checks

    def Check(self, request, _context):  # noqa: N802 - the name of the method
        asked = request.attributes.request.http
        headers = dict(asked.headers)
        self._checks.append(Check(asked.method, asked.path, asked.host, headers, asked.body))
        if headers.get("authorization") == PASSWORD:
            changes = {**_PASSED, "host": "evil.example", "content-length": "7"}
            passed = external_auth_pb2.OkHttpResponse(headers=_options(changes))
            return external_auth_pb2.CheckResponse(ok_response=passed)
        denied = external_auth_pb2.DeniedHttpResponse(
            status=http_status_pb2.HttpStatus(code=401),
            headers=_options(_REFUSED),
            body="who are you?",
        )
        status = status_pb2.Status(code=code_pb2.PERMISSION_DENIED)
        return external_auth_pb2.CheckResponse(status=status, denied_response=denied)


def _options(headers: dict[str, str]) -> list[base_pb2.HeaderValueOption]:
    return [
        base_pb2.HeaderValueOption(header=base_pb2.HeaderValue(key=name, value=value))
        for name, value in headers.items()
    ]
