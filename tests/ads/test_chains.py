"""Chains of a TLS port through the server and a real Envoy: what changes disturbs nobody else."""

import asyncio
import contextlib
import socket

import pytest

from ads.real_envoy import NODE, running
from fairlead.ads import type_url
from fairlead.graph import Change
from fairlead.ir.assignment import SecretUse
from fairlead.ir.listener import DownstreamTls, GatewayListener, HttpChain
from fairlead.ir.match import Match
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Respond, Rule
from fairlead.ir.secret import Certificate, PrivateKey
from fairlead.ir.virtual_host import VirtualHost
from golden.xds.ir_world import Chained, IrWorld
from support import http3, tls
from support.certificates import CA
from support.http import exchange
from support.ports import free_port

pytestmark = pytest.mark.envoy

TABLE = f"{NODE}/tls-443"
CHAINS = 200
PROMPT = 10.0
AUTHORITY = CA("servers")
CLIENT = tls.client_context()
OLD, NEW = (AUTHORITY.issue(dns=["*.example.com"]) for _ in range(2))


class Port:
    """A listener in IR, and where it is served."""

    def __init__(self, *, http3=False):
        self.world = IrWorld()
        self.place = ("127.0.0.1", free_port())
        self.listener = GatewayListener(
            proxy=NODE,
            name="tls-443",
            addresses=("127.0.0.1",),
            port=443,
            bind_port=self.place[1],
            table=TABLE,
            origins=(Origin("Gateway", "test", "edge"),),
            http3=http3,
        )

    def begin(self, count):
        """The resources of a port with `count` chains."""
        names = [name(number) for number in range(count)]
        return self._sent(
            self.listener,
            *(certificate(which, issued) for which, issued in (("old", OLD), ("new", NEW))),
            *(SecretUse(NODE, f"certificate/ns/{which}") for which in ("old", "new")),
            *map(chain, names),
            *map(virtual_host, names),
        )

    def _sent(self, *values):
        return {key[1:]: made for key, made in self.world.put(*values).items()}

    async def put(self, setup, *values):
        """Send what changes, and wait until Envoy has it."""
        setup.server.update(NODE, self._sent(*values))
        await setup.synced(PROMPT)

    async def remove(self, setup, host):
        gone = Change(self.world.chains, (NODE, "tls-443", host), None)
        setup.server.update(NODE, {k[1:]: v for k, v in self.world.commit([gone]).items()})
        await setup.synced(PROMPT)

    async def get(self, host):
        """Status of a GET on a connection of its own; 0 where that is closed."""

        def ask():
            with contextlib.suppress(OSError):
                return tls.get(self.place, host, context=CLIENT).status
            return 0

        return await asyncio.to_thread(ask)


def name(number):
    return f"h{number}.example.com"


def chain(host, which="old", names=None):
    made = DownstreamTls((f"certificate/ns/{which}",))
    origin = Origin("ListenerSet", "test", host)
    return Chained(HttpChain(host, names or (host,), made, host, origin), "tls-443", NODE)


def bad_chain():
    """One that Envoy refuses: its certificate has no name."""
    origin = Origin("ListenerSet", "ns", "x")
    made = HttpChain("bad", ("bad",), DownstreamTls(("",)), "bad", origin=origin)
    return Chained(made, "tls-443", NODE)


def certificate(which, issued):
    return Certificate(f"certificate/ns/{which}", issued.cert_pem, PrivateKey(issued.key_pem))


def virtual_host(host):
    rule = Rule(f"ns/{host}/0/0", Match(), Respond(204), Origin("HTTPRoute", "ns", host))
    return VirtualHost(TABLE, host, (host,), (rule,), owner=host)


def rejected(setup):
    return [(r.name, r.part) for r in setup.server.sync_state()[0].rejections]


async def until(true):
    """Wait for what Envoy asks for after it has acknowledged."""
    async with asyncio.timeout(PROMPT):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


def test_a_changed_chain_leaves_connections_of_the_others_alone():
    port = Port(http3=True)

    async def scenario():
        async with (
            running(*port.begin(CHAINS).values()) as setup,
            http3.opened(port.place, name(6)) as quic,
        ):
            with tls.connection(port.place, name(5), CLIENT) as kept:

                async def both():
                    over_tcp = await asyncio.to_thread(exchange, kept, "/", name(5))
                    return over_tcp.status, (await quic.request(name(6))).status

                assert await both() == (204, 204)
                assert tls.handshake(port.place, name(7), CLIENT).serial == OLD.serial
                await port.put(setup, chain(name(7), "new"))
                assert tls.handshake(port.place, name(7), CLIENT).serial == NEW.serial
                assert await both() == (204, 204)

                added = name(CHAINS)
                assert await port.get(added) == 0
                await port.put(setup, chain(added), virtual_host(added))
                assert await port.get(added) == 204
                await port.remove(setup, added)
                assert await port.get(added) == 0
                assert await both() == (204, 204)
            assert await setup.stat("listener_manager.listener_in_place_updated") >= 3
            assert rejected(setup) == []

    asyncio.run(scenario())


def test_a_chain_that_envoy_refuses_is_left_out_and_the_others_serve():
    port = Port()

    async def scenario():
        async with running(*port.begin(20).values()) as setup:
            added = [chain(name(number)) for number in range(20, 30)]
            hosts = [virtual_host(name(number)) for number in range(20, 30)]
            await port.put(setup, *added, *hosts, bad_chain())
            assert [await port.get(name(number)) for number in (5, 20, 29)] == [204] * 3
            assert await port.get("bad") == 0
            await until(lambda: rejected(setup) == [("tls-443", "bad")])
            (found,) = setup.server.sync_state()[0].rejections
            assert [str(origin) for origin in found.origins] == ["ListenerSet ns/x"]
            assert "SdsSecretConfigValidationError.Name" in found.message
            await port.put(setup, chain("bad"), virtual_host("bad"))
            await until(lambda: rejected(setup) == [])
            assert await port.get("bad") == 204

    asyncio.run(scenario())


def test_a_port_in_use_is_told_to_its_gateway_and_served_when_it_is_free():
    port = Port()

    async def scenario():
        taken = socket.create_server(port.place)
        with taken:
            async with running(*port.begin(20).values()) as setup:
                (found,) = setup.server.sync_state()[0].rejections
                assert (found.type_url, found.name, found.part) == (
                    type_url.LISTENER,
                    "tls-443",
                    "",
                )
                assert [str(origin) for origin in found.origins] == ["Gateway test/edge"]
                assert "in use" in found.message
                taken.close()
                await until(lambda: setup.statuses[-1].listeners == ("tls-443",))
                assert rejected(setup) == []
                assert await port.get(name(5)) == 204

    asyncio.run(scenario())


def test_a_udp_port_in_use_leaves_https_alone():
    port = Port(http3=True)

    async def scenario():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(port.place)
            async with running(*port.begin(3).values()) as setup:
                assert await port.get(name(1)) == 204
                assert rejected(setup) == [("quic-443", "")]
                assert setup.statuses[-1].listeners == ("tls-443",)

    asyncio.run(scenario())
