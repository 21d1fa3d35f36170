"""Certificates by SDS: a real Envoy that is given them late, anew, wrongly, and no more."""

import asyncio
import base64
import http.client
import http.server
import json
import socket
import ssl
import threading
from contextlib import asynccontextmanager

import pytest

from ads.real_envoy import NODE, running
from fairlead.ads import type_url
from fairlead.ir.assignment import ClusterUse, SecretUse
from fairlead.ir.backend import Forward
from fairlead.ir.cluster import Cluster, UpstreamTls
from fairlead.ir.endpoint import Endpoint, Endpoints
from fairlead.ir.listener import ClientValidation, DownstreamTls, GatewayListener, HttpChain
from fairlead.ir.match import Match
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Respond, Route, Rule
from fairlead.ir.secret import Certificate, PrivateKey, TrustBundle
from fairlead.ir.virtual_host import VirtualHost
from golden.xds.ir_world import Chained, IrWorld
from support.certificates import CA
from support.ports import free_port

pytestmark = pytest.mark.envoy

PROMPT = 10.0
"""Seconds, far below the 15 in which Envoy stops waiting for a secret."""
CLIENT_CA, STRANGERS = CA("clients"), CA("strangers")
ORIGIN = Origin("Gateway", "test", "edge")


def certificate(name, issued):
    origin = Origin("Secret", "test", name)
    return Certificate(
        f"certificate/test/{name}", issued.cert_pem, PrivateKey(issued.key_pem), origin
    )


def chain(host, validation=None):
    """Connections for a host, with a certificate that is called like it."""
    tls = DownstreamTls((f"certificate/test/{host}",), validation)
    return Chained(HttpChain(host, (host,), tls), "tls-443", NODE)


def uses(*names):
    return [SecretUse(NODE, name) for name in names]


class Scene:
    """An Envoy with a TLS port that answers 204 for any host."""

    def __init__(self, world, port, setup, root):
        self.world = world
        self.port = port
        self.setup = setup
        self.root = root

    def put(self, *values):
        """Bring values of IR in, and tell Envoy."""
        self.setup.server.update(NODE, changed(self.world.put(*values)))

    def issue(self, host):
        """A new certificate for a host."""
        return self.root.issue([host])

    def connect(self, host, client=None):
        """An HTTP connection inside TLS; the caller closes it."""
        context = self.root.client_context(client)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection = http.client.HTTPConnection(host)
        connection.sock = context.wrap_socket(plain, server_hostname=host)
        return connection

    def serial(self, host, client=None):
        """Serial number of the certificate that a new connection is shown, once it served."""
        connection = self.connect(host, client)
        try:
            connection.request("GET", "/", headers={"connection": "close"})
            found = connection.sock.getpeercert()
            assert connection.getresponse().status == 204
        finally:
            connection.close()
        return int(found["serialNumber"], 16)

    async def until(self, condition, seconds=PROMPT):
        """Wait until `condition` holds; failed connections count as not yet."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    if await asyncio.to_thread(condition):
                        return
                except OSError:
                    pass
                await asyncio.sleep(0.02)

    @property
    def rejections(self):
        return self.setup.statuses[-1].rejections


def changed(resources):
    return {(url, name): made for (_, url, name), made in resources.items()}


@asynccontextmanager
async def scene(*values):
    """A scene with the given chains and secrets."""
    world = IrWorld()
    port = free_port()
    table = f"{NODE}/tls-443"
    anything = Rule("any", Match(), Respond(204), ORIGIN)
    resources = world.put(
        GatewayListener(NODE, "tls-443", ("127.0.0.1",), 443, port, table, (ORIGIN,)),
        VirtualHost(table, "*", ("*",), (anything,)),
        *values,
    )
    async with running(*resources.values()) as setup:
        yield Scene(world, port, setup, CA("servers"))


def test_a_listener_serves_as_soon_as_its_certificate_comes():
    async def scenario():
        async with scene(chain("a.test"), *uses("certificate/test/a.test")) as found:
            await found.setup.synced(PROMPT)
            issued = found.issue("a.test")
            found.put(certificate("a.test", issued))
            await found.until(lambda: found.serial("a.test") == issued.serial)

    asyncio.run(scenario())


def test_a_new_certificate_leaves_connections_and_listeners_alone():
    async def scenario():
        names = uses("certificate/test/a.test", "certificate/test/b.test")
        async with scene(chain("a.test"), chain("b.test"), *names) as found:
            first = {host: found.issue(host) for host in ("a.test", "b.test")}
            found.put(*(certificate(*each) for each in first.items()))
            await found.until(lambda: found.serial("a.test") == first["a.test"].serial)
            kept = found.connect("a.test")
            second = found.issue("a.test")
            found.put(certificate("a.test", second))
            await found.until(lambda: found.serial("a.test") == second.serial)
            assert found.serial("b.test") == first["b.test"].serial
            for _ in range(3):
                kept.request("GET", "/")
                response = kept.getresponse()
                response.read()
                assert response.status == 204
            assert int(kept.sock.getpeercert()["serialNumber"], 16) == first["a.test"].serial
            kept.close()
            dumped = json.dumps(await found.setup.config())
            assert "certificate/test/a.test" in dumped
            assert json.dumps(second.key_pem).strip('"')[100:140] not in dumped
            assert base64.b64encode(second.key_pem.encode()).decode()[100:140] not in dumped
            assert await found.setup.stat("listener_manager.listener_modified") == 0
            assert await found.setup.stat("listener_manager.listener_in_place_updated") == 0

    asyncio.run(scenario())


def test_a_refused_certificate_is_told_by_its_secret_and_the_last_good_one_serves():
    async def scenario():
        names = uses("certificate/test/a.test", "certificate/test/b.test")
        async with scene(chain("a.test"), chain("b.test"), *names) as found:
            first = {host: found.issue(host) for host in ("a.test", "b.test")}
            found.put(*(certificate(*each) for each in first.items()))
            await found.until(lambda: found.serial("a.test") == first["a.test"].serial)
            other = found.issue("a.test")
            broken = Certificate(
                "certificate/test/a.test",
                other.cert_pem,
                PrivateKey(first["a.test"].key_pem),
                Origin("Secret", "test", "a.test"),
            )
            second = found.issue("b.test")
            found.put(broken, certificate("b.test", second))
            await found.until(lambda: found.serial("b.test") == second.serial)
            await found.until(lambda: bool(found.rejections))
            (rejection,) = found.rejections
            assert rejection.type_url == type_url.SECRET
            assert rejection.origins == (Origin("Secret", "test", "a.test"),)
            assert "KEY_VALUES_MISMATCH" in rejection.message
            assert first["a.test"].key_pem.splitlines()[1] not in repr(found.setup.statuses)
            assert found.serial("a.test") == first["a.test"].serial
            found.put(certificate("a.test", other))
            await found.until(lambda: found.serial("a.test") == other.serial)
            assert not found.rejections

    asyncio.run(scenario())


def test_a_certificate_that_was_never_good_closes_its_own_connections_only():
    async def scenario():
        names = uses("certificate/test/a.test", "certificate/test/b.test")
        async with scene(chain("a.test"), chain("b.test"), *names) as found:
            good = found.issue("b.test")
            bad = Certificate("certificate/test/a.test", "none", PrivateKey("none"))
            found.put(bad, certificate("b.test", good))
            await found.until(lambda: found.serial("b.test") == good.serial)
            with pytest.raises(OSError):  # noqa: PT011 - closed or reset, by the system's choice
                found.connect("a.test")
            healed = found.issue("a.test")
            found.put(certificate("a.test", healed))
            await found.until(lambda: found.serial("a.test") == healed.serial)

    asyncio.run(scenario())


def test_clients_are_held_against_a_trust_bundle_that_may_change():
    async def scenario():
        trust = "trust/Gateway/test/edge"
        names = uses("certificate/test/a.test", trust)
        async with scene(chain("a.test", ClientValidation(trust)), *names) as found:
            found.put(
                certificate("a.test", found.issue("a.test")),
                TrustBundle(trust, CLIENT_CA.cert_pem),
            )
            ours, theirs = CLIENT_CA.issue(client=True), STRANGERS.issue(client=True)
            await found.until(lambda: found.serial("a.test", ours) > 0)
            for client in (None, theirs):
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    found.serial("a.test", client)
            found.put(TrustBundle(trust, STRANGERS.cert_pem))
            await found.until(lambda: found.serial("a.test", theirs) > 0)
            with pytest.raises((ssl.SSLError, ConnectionError)):
                found.serial("a.test", ours)

    asyncio.run(scenario())


def test_a_new_control_plane_sends_no_certificate_again_that_envoy_has():
    async def scenario():
        async with scene(chain("a.test"), *uses("certificate/test/a.test")) as found:
            issued = found.issue("a.test")
            found.put(certificate("a.test", issued))
            await found.until(lambda: found.serial("a.test") == issued.serial)
            updates = await found.setup.stat(r"sds\.certificate/test/a\.test\.update_success")
            await found.setup.replace_server()
            everything = changed(dict(found.world.resources.items()))
            found.setup.server.update(NODE, everything)
            await found.setup.server.start()
            await found.setup.synced(10)
            assert found.serial("a.test") == issued.serial
            again = await found.setup.stat(r"sds\.certificate/test/a\.test\.update_success")
            assert again == updates

    asyncio.run(scenario())


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def backend():
    """A TLS server with a certificate of the authority that it tells: (port, authority)."""
    authority = CA("backends")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    context = authority.issue(["backend.test"]).server_context()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, authority
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_route_to_a_new_tls_cluster_serves_from_its_first_request(backend):
    backend_port, authority = backend
    port = free_port()
    table = f"{NODE}/http-80"

    def new(number):
        """A cluster with authorities of its own, and the route to it."""
        name, trust = f"ns/c{number}/443", f"trust/BackendTLSPolicy/ns/p{number}"
        tls = UpstreamTls("backend.test", trust, (("dns", "backend.test"),))
        route = Rule("any", Match(), Route((Forward(name, 1),)), ORIGIN)
        return (
            Cluster(name, "ns", f"c{number}", 443, tls=tls),
            Endpoints(name, (Endpoint("127.0.0.1", backend_port),)),
            ClusterUse(NODE, name),
            TrustBundle(trust, authority.cert_pem),
            SecretUse(NODE, trust),
            VirtualHost(table, "*", ("*",), (route,)),
        )

    async def scenario():
        world = IrWorld()
        listener = GatewayListener(NODE, "http-80", ("127.0.0.1",), 80, port, table, (ORIGIN,))
        first = world.put(listener, Chained(HttpChain("http"), "http-80", NODE), *new(0))
        async with running(*first.values()) as setup:
            assert await setup.get(port, "any") == 200
            for number in range(1, 6):
                setup.server.update(NODE, changed(world.put(*new(number))))
                await setup.synced(PROMPT)
                assert await setup.get(port, "any") == 200
            setup.server.update(
                NODE,
                changed(world.put(TrustBundle("trust/BackendTLSPolicy/ns/p5", STRANGERS.cert_pem))),
            )
            await setup.until(port, "any", 503)

    asyncio.run(scenario())
