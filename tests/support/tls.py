"""HTTP over TLS, where the server name of the connection and the host of the request differ."""

import contextlib
import http.client
import socket
import ssl
from dataclasses import dataclass

from cryptography import x509

from support.http import Response, exchange

TIMEOUT = 20.0


@dataclass(frozen=True)
class Handshake:
    """What a server negotiated."""

    serial: int
    """Of its certificate."""
    protocol: str | None
    """By ALPN."""
    version: str


class _Closing(ssl.SSLSocket):
    """Closes itself at the latest when it is forgotten.

    `ssl` forgets one whose peer has reset the connection before the handshake could begin.
    """

    def __del__(self):
        self.close()


def client_context(ca_pem: str = "", alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """For clients that trust one authority, or anybody where none is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def connected(place, server_name, context, before: bytes = b"") -> ssl.SSLSocket:
    """A connection after its handshake; `before` is sent in front of that.

    Raises:
        OSError: It was closed; `ssl.SSLError` if the server said why.
    """
    plain = socket.create_connection(place, timeout=TIMEOUT)
    context.sslsocket_class = _Closing
    try:
        plain.sendall(before)
        return context.wrap_socket(plain, server_hostname=server_name)
    except BaseException:
        plain.close()
        raise


@contextlib.contextmanager
def connection(place, server_name, context, before: bytes = b""):
    """An HTTP connection that is kept, for `support.http.exchange`."""
    made = http.client.HTTPConnection(*place, timeout=TIMEOUT)
    made.sock = connected(place, server_name, context, before)
    with contextlib.closing(made):
        yield made


def get(place, server_name, host=None, path="/", *, context, before: bytes = b"") -> Response:
    """One request on a connection of its own; the host is the server name if none is given."""
    with connection(place, server_name, context, before) as made:
        return exchange(made, path, host or server_name)


def handshake(place, server_name, context) -> Handshake:
    """What the server negotiates for a name."""
    with contextlib.closing(connected(place, server_name, context)) as made:
        found = x509.load_der_x509_certificate(made.getpeercert(binary_form=True))
        return Handshake(found.serial_number, made.selected_alpn_protocol(), made.version())
