"""One real request to where an explanation says that it goes (`fairlead test --live`)."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fairlead.analysis.traffic.verdict import Observed

if TYPE_CHECKING:
    from fairlead.analysis.explain import Request

SECONDS = 15.0
"""How long an answer may take."""
_HTTP = frozenset({"http", "https"})


def can_send(request: "Request") -> bool:
    """Whether the request can be sent here: HTTP/1.1 it is, inside TLS or not."""
    grpc = dict(request.headers).get("content-type", "").startswith("application/grpc")
    return request.scheme in _HTTP and not grpc


def send(request: "Request", listener: Mapping[str, Any], body: str = "") -> Observed:
    """Send a request over a connection of its own.

    Certificates are not checked: what is tested is where the request goes.

    Args:
        request: What to send.
        listener: Of the decision: where the proxy listens.
        body: Of the request.
    """
    place = (str(listener["addresses"][0]), int(listener["boundPort"]))
    from_pod = listener["kind"] == "mesh"
    target = f"http://{request.host}{request.path}" if from_pod else request.path
    connection = http.client.HTTPConnection(*place, timeout=SECONDS)
    try:
        connection.sock = _connected(place, request)
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", request.host)
        for name, value in request.headers:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body.encode())))
        connection.endheaders(body.encode() or None)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Observed(answer.status, headers, text)
    except (OSError, http.client.HTTPException):
        return Observed(None)
    finally:
        connection.close()


def _connected(place: tuple[str, int], request: "Request") -> socket.socket:
    plain = socket.create_connection(place, timeout=SECONDS)
    if request.scheme != "https":
        return plain
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context.wrap_socket(plain, server_hostname=request.server_name or None)
