"""Backends that tell their name over TCP, TLS and UDP, and clients that ask them for it.

A TCP or TLS backend answers each line with its name, the server name that the client asked for
(``-`` without TLS) and the line; a UDP backend does so for each datagram. Clients get that as
`Said`, or `CLOSED`: the end of the connection, however it came, but not a TLS alert.
"""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from textwrap import dedent

from feature.harness import Instance
from support.certificates import Issued

CLOSED = None
"""Nobody answered: the connection was closed, or the datagram was dropped."""

TIMEOUT = 10.0
"""Seconds that an answer may take over TCP."""
FIRST_UNPRIVILEGED = 1024
"""Ports below it are bound with an offset."""
DROPPED = 0.5
"""Seconds without an answer after which a datagram that should be dropped counts as that."""


@dataclass(frozen=True)
class Said:
    """An answer."""

    backend: str
    server_name: str
    """That the backend was asked for; ``-`` where it was not spoken to by TLS."""
    text: str


class L4Backends:
    """Backends on ports of their own of 127.0.0.1."""

    def __init__(self) -> None:
        self._open: list[socket.socket] = []

    def tcp(self, name: str) -> int:
        """Start a backend on TCP; its port."""
        return self._listen(lambda client: _answer(client, name, "-"))

    def tls(self, name: str, certificate: Issued, client_ca: str = "") -> int:
        """Start a backend that speaks TLS with a certificate; its port."""
        context = certificate.server_context(client_ca=client_ca)

        def noted(client: ssl.SSLObject | ssl.SSLSocket, asked: str | None, _context) -> None:
            client.asked = asked or ""

        context.sni_callback = noted

        def serve(client: socket.socket) -> None:
            with context.wrap_socket(client, server_side=True) as wrapped:
                _answer(wrapped, name, getattr(wrapped, "asked", ""))

        return self._listen(serve)

    def udp(self, name: str) -> int:
        """Start a backend on UDP; its port."""
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        self._open.append(server)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    data, peer = server.recvfrom(65536)
                    if peer is None:  # shut down
                        return
                    server.sendto(f"{name} - {data.decode()}".encode(), peer)

        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1]

    def stop(self) -> None:
        for server in self._open:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()

    def _listen(self, serve: Callable[[socket.socket], None]) -> int:
        server = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._open.append(server)

        def one(client: socket.socket) -> None:
            with client, suppress(OSError):
                serve(client)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    threading.Thread(target=one, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return server.getsockname()[1]


def _answer(client: socket.socket, name: str, server_name: str) -> None:
    with client.makefile("rw") as stream:
        for line in stream:
            stream.write(f"{name} {server_name} {line}")
            stream.flush()


def ask(
    place: tuple[str, int],
    context: ssl.SSLContext | None = None,
    server_name: str | None = None,
    text: str = "hello",
) -> Said | None:
    """Ask over a connection of its own who is there.

    Args:
        place: Where to.
        context: To speak TLS by; the server has to have a certificate for `server_name`.
        server_name: SNI name.
        text: What to send.

    Returns:
        The answer, or `CLOSED`.

    Raises:
        ssl.SSLError: The handshake ended with an alert or a certificate that does not hold.
        TimeoutError: Nothing came.
    """
    try:
        with closing(_connect(place, context, server_name)) as client:
            client.sendall(f"{text}\n".encode())
            return _said(_line(client))
    except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
        return CLOSED


def ask_datagram(
    place: tuple[str, int], text: str = "hello", seconds: float = TIMEOUT
) -> Said | None:
    """Ask by a datagram from a port of its own who is there; `CLOSED` if nothing came in time."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client:
        client.settimeout(seconds)
        client.sendto(text.encode(), place)
        try:
            return _said(client.recv(65536))
        except TimeoutError:
            return CLOSED


def shares(ask_once: Callable[[], Said | None], number: int, workers: int = 8) -> Counter:
    """How often each backend answers, by name; `CLOSED` where none did."""
    with ThreadPoolExecutor(workers) as pool:
        answers = pool.map(lambda _: ask_once(), range(number))
        return Counter(answer.backend if answer else CLOSED for answer in answers)


def _connect(
    place: tuple[str, int], context: ssl.SSLContext | None, server_name: str | None
) -> socket.socket:
    client = socket.create_connection(place, timeout=TIMEOUT)
    if context is None:
        return client
    return context.wrap_socket(client, server_hostname=server_name)


def _line(client: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        more = client.recv(4096)
        if not more:
            return b""
        data += more
    return data


def _said(answer: bytes) -> Said | None:
    if not answer:
        return CLOSED
    backend, server_name, text = answer.decode().split(" ", 2)
    return Said(backend, server_name, text.strip())


def service(
    name: str,
    port: int | None,
    *,
    namespace: str = "default",
    number: int = 9000,
    protocol: str = "TCP",
    app_protocol: str = "",
) -> str:
    """A Service without selector whose port `number` leads to 127.0.0.1:`port`, if there is one."""
    spoken = f", appProtocol: {app_protocol}" if app_protocol else ""
    text = dedent(f"""\
        apiVersion: v1
        kind: Service
        metadata: {{name: {name}, namespace: {namespace}}}
        spec: {{ports: [{{name: p, port: {number}, protocol: {protocol}{spoken}}}]}}
        """)
    if port is None:
        return text
    return text + dedent(f"""\
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: {name}
          namespace: {namespace}
          labels: {{kubernetes.io/service-name: {name}}}
        addressType: IPv4
        ports: [{{name: p, port: {port}, protocol: {protocol}}}]
        endpoints: [{{addresses: [127.0.0.1], conditions: {{ready: true}}}}]
        """)


def route(
    kind: str,
    name: str,
    parents: str,
    *backends: str,
    hostnames: str = "",
    namespace: str = "default",
    created: str = "",
) -> str:
    """A TLSRoute, TCPRoute or UDPRoute; `parents` and `backends` are the YAML of list entries."""
    age = f", creationTimestamp: '{created}'" if created else ""
    hosts = f"  hostnames: [{hostnames}]\n" if hostnames else ""
    return (
        "apiVersion: gateway.networking.k8s.io/v1\n"
        f"kind: {kind}\n"
        f"metadata: {{name: {name}, namespace: {namespace}{age}}}\n"
        "spec:\n"
        f"  parentRefs: [{parents}]\n"
        f"{hosts}"
        f"  rules: [{{backendRefs: [{', '.join(backends)}]}}]\n"
    )


def at(section: str) -> str:
    """A parentRef to a listener of Gateway `gate`."""
    return f"{{name: gate, sectionName: {section}}}"


def to(name: str, weight: int | None = None, namespace: str = "") -> str:
    """A backendRef to port 9000 of a Service."""
    more = f", weight: {weight}" if weight is not None else ""
    more += f", namespace: {namespace}" if namespace else ""
    return f"{{name: {name}, port: 9000{more}}}"


def place(run: Instance, port: int, gateway: str = "gate") -> tuple[str, int]:
    """Address and port by which a listener of a Gateway is reached."""
    address = run.one("gateways", gateway)["status"]["addresses"][0]["value"]
    return address, port + run.offset if port < FIRST_UNPRIVILEGED else port


def listener(run: Instance, name: str, gateway: str = "gate") -> dict:
    """The status of a listener."""
    status = run.one("gateways", gateway)["status"]
    return next(entry for entry in status["listeners"] if entry["name"] == name)
