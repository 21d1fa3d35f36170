"""The server with a real Envoy on its socket: order, traps, refusals and reconnection."""

import asyncio
import http.server
import socket
import stat
import threading

import grpc
import grpc.aio
import pytest
from envoy.config.cluster.v3 import cluster_pb2
from envoy.extensions.clusters.dns.v3 import dns_cluster_pb2
from envoy.extensions.network.dns_resolver.cares.v3.cares_dns_resolver_pb2 import (
    CaresDnsResolverConfig,
)
from envoy.service.discovery.v3 import discovery_pb2

from ads.real_envoy import (
    NODE,
    answer,
    bad_regex,
    cluster,
    endpoints,
    listener,
    routes,
    running,
    scope,
    to,
)
from fairlead.ads import type_url
from fairlead.ads.listening import METHOD, SERVICE
from fairlead.ir.cluster import Cluster
from fairlead.xds import cluster as clusters
from fairlead.xds.resource import whole
from support.ports import free_port

pytestmark = pytest.mark.envoy

PROMPT = 10.0
"""Seconds that are far below the 15 of a trap and far above what a busy machine needs."""


class Backend(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def backend():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def rejected(setup):
    return [(r.type_url, r.name, r.part) for r in setup.server.sync_state()[0].rejections]


def test_new_cluster_and_its_route_serve_from_the_first_request(backend):
    port = free_port()

    async def scenario():
        async with running(listener("l", port, "t"), routes("t", {"old": answer(204)})) as setup:
            await setup.until(port, "old", 204)
            for number in range(10):
                name = f"c{number}"
                setup.update(
                    cluster(name), endpoints(name, backend), routes("t", {"old": to(name)})
                )
                await setup.synced(PROMPT)
                assert await setup.get(port, "old") == 200
                if number:
                    gone = f"c{number - 1}"
                    setup.update(gone=[(type_url.CLUSTER, gone), (type_url.ENDPOINTS, gone)])
            await setup.synced(PROMPT)
            assert await setup.stat("cluster_manager.cluster_removed") == 9

    asyncio.run(scenario())


def test_trap_empty_wildcards_are_answered():
    """Envoy is ready at once although there is nothing for it."""

    async def scenario():
        async with running() as setup:
            assert setup.startup < 10
            port = free_port()
            setup.update(listener("l", port, "t"), routes("t", {"one": answer(204)}))
            await setup.until(port, "one", 204, PROMPT)

    asyncio.run(scenario())


def test_trap_changed_cluster_does_not_warm_for_15_seconds(backend):
    port = free_port()

    async def scenario():
        async with running(
            cluster("a"),
            endpoints("a", backend),
            listener("l", port, "t"),
            routes("t", {"one": to("a")}),
        ) as setup:
            await setup.until(port, "one", 200)
            setup.update(cluster("a", "2s"))
            await setup.synced(PROMPT)
            setup.update(cluster("a", "3s"))
            await setup.synced(PROMPT)
            dump = str(await setup.config())
            assert "dynamic_warming_clusters" not in dump
            assert await setup.get(port, "one") == 200

    asyncio.run(scenario())


def test_trap_listener_whose_table_comes_later_is_not_told_that_it_is_gone():
    port = free_port()

    async def scenario():
        async with running(listener("l", port, "t")) as setup:
            setup.update(routes("t", {"one": answer(204)}))
            await setup.until(port, "one", 204, PROMPT)

    asyncio.run(scenario())


def test_scopes_and_their_tables_come_change_and_go():
    port = free_port()

    async def scenario():
        hosts = [f"h{number}" for number in range(20)]
        scopes = [scope(host, host) for host in hosts]
        tables = [routes(host, {host: answer(204)}) for host in hosts]
        async with running(listener("l", port), *scopes, *tables) as setup:
            for host in hosts:
                await setup.until(port, host, 204, PROMPT)
            setup.update(routes("h3", {"h3": answer(205)}), scope("new", "new"))
            setup.update(routes("new", {"new": answer(206)}))
            await setup.until(port, "new", 206, PROMPT)
            assert await setup.get(port, "h3") == 205
            setup.update(gone=[(type_url.SCOPE, "h4"), (type_url.ROUTES, "h4")])
            await setup.until(port, "h4", 404, PROMPT)
            await setup.synced(PROMPT)
            setup.update(scope("h4", "h4"), routes("h4", {"h4": answer(207)}))
            await setup.until(port, "h4", 207, PROMPT)
            assert rejected(setup) == []

    asyncio.run(scenario())


def test_virtual_host_that_envoy_refuses_answers_500_and_the_rest_serves():
    port = free_port()

    async def scenario():
        hosts = {f"h{number}": answer(204) for number in range(8)}
        async with running(listener("l", port, "t"), routes("t", hosts)) as setup:
            await setup.until(port, "h0", 204)
            more = {f"n{number}": answer(204) for number in range(8)}
            setup.update(routes("t", hosts | more | {"n5": bad_regex(), "h2": bad_regex()}))
            await setup.synced(PROMPT)
            statuses = {host: await setup.get(port, host) for host in [*hosts, *more]}
            assert statuses == dict.fromkeys([*hosts, *more], 204) | {"n5": 500}
            assert rejected(setup) == [(type_url.ROUTES, "t", "h2"), (type_url.ROUTES, "t", "n5")]
            assert "repetition operator" in setup.statuses[-1].rejections[0].message
            setup.update(routes("t", hosts | more))
            await setup.synced(PROMPT)
            assert await setup.get(port, "n5") == 204
            assert setup.statuses[-1].rejections == ()

    asyncio.run(scenario())


def test_cluster_that_envoy_refuses_is_left_out_and_the_rest_serves(backend):
    port = free_port()

    async def scenario():
        async with running(listener("l", port, "t"), routes("t", {})) as setup:
            names = [f"c{number}" for number in range(8)]
            bad = cluster("c3", ring_hash_lb_config={"minimum_ring_size": 9_000_000})
            setup.update(
                *(cluster(name) for name in names if name != "c3"),
                bad,
                *(endpoints(name, backend) for name in names),
                routes("t", {name: to(name) for name in names}),
            )
            await setup.synced(PROMPT)
            assert rejected(setup) == [(type_url.CLUSTER, "c3", "")]
            statuses = {name: await setup.get(port, name) for name in names}
            assert statuses == dict.fromkeys(names, 200) | {"c3": 503}

    asyncio.run(scenario())


def test_listener_that_envoy_refuses_is_left_out_and_comes_when_the_port_is_free():
    port, other = free_port(), free_port()
    table = routes("t", {"one": answer(204)})

    async def scenario():
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            name = ("127.0.0.1", taken.getsockname()[1])
            async with running(listener("l", port, "t"), table) as setup:
                setup.update(listener("m", name[1], "t"), listener("n", other, "t"))
                await setup.until(other, "one", 204, PROMPT)
                await setup.synced(PROMPT)
                assert rejected(setup) == [(type_url.LISTENER, "m", "")]
                assert setup.statuses[-1].listeners == ("l", "n")
                taken.close()
                await setup.until(name[1], "one", 204)
                await setup.synced(PROMPT)
                assert setup.statuses[-1].rejections == ()

    asyncio.run(scenario())


def test_envoy_serves_on_while_the_control_plane_is_replaced_and_takes_up_differences(backend):
    port = free_port()
    held = [cluster("a"), endpoints("a", backend), listener("l", port, "t")]

    async def scenario():
        async with running(*held, routes("t", {"one": to("a")})) as setup:
            await setup.until(port, "one", 200)
            applied = await setup.stat("cluster_manager.cluster_modified")
            await setup.replace_server()
            assert await setup.get(port, "one") == 200
            setup.update(*held, routes("t", {"one": to("a"), "two": answer(204)}))
            await setup.server.start()
            await setup.until(port, "two", 204)
            await setup.synced(PROMPT)
            assert await setup.get(port, "one") == 200
            assert await setup.stat("cluster_manager.cluster_modified") == applied
            assert await setup.stat("listener_manager.listener_modified") == 0
            assert setup.statuses[-1].connected
            assert setup.statuses[-1].listeners == ("l",)

    asyncio.run(scenario())


def test_cluster_that_is_gone_after_the_replacement_leaves(backend):
    port = free_port()

    async def scenario():
        async with running(
            cluster("a"),
            endpoints("a", backend),
            cluster("b"),
            endpoints("b", backend),
            listener("l", port, "t"),
            routes("t", {"one": to("a")}),
        ) as setup:
            await setup.until(port, "one", 200)
            await setup.replace_server()
            setup.update(
                cluster("b"),
                endpoints("b", backend),
                listener("l", port, "t"),
                routes("t", {"one": to("b")}),
            )
            await setup.server.start()
            async with asyncio.timeout(10):
                while await setup.stat("cluster_manager.cluster_removed") < 1:
                    assert await setup.get(port, "one") == 200
            assert await setup.get(port, "one") == 200

    asyncio.run(scenario())


def test_envoy_that_dies_is_told_and_its_successor_gets_everything():
    port = free_port()

    async def scenario():
        async with running(listener("l", port, "t"), routes("t", {"one": answer(204)})) as setup:
            await setup.until(port, "one", 204)
            setup.process.kill()
            await setup.process.wait()
            await setup.disconnected(PROMPT)
            await setup.start_envoy()
            await setup.until(port, "one", 204)
            assert setup.statuses[-1].connected

    asyncio.run(scenario())


def client(setup):
    return grpc.aio.insecure_channel(f"unix:{setup.server.socket_path}")


def open_stream(channel):
    return channel.stream_stream(f"/{SERVICE}/{METHOD}")()


def request(node, url=type_url.CLUSTER):
    message = discovery_pb2.DeltaDiscoveryRequest(type_url=url)
    message.node.id = node
    return message.SerializeToString()


def test_stranger_is_refused_with_a_clear_status():
    async def scenario():
        async with running() as setup, client(setup) as channel:
            call = open_stream(channel)
            await call.write(request("gateway/test/other"))
            assert await call.code() is grpc.StatusCode.NOT_FOUND
            assert "gateway/test/other" in await call.details()
            call = open_stream(channel)
            await call.write(b"\xff")
            assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT

    asyncio.run(scenario())


def dns_cluster(name, server_port):
    """As it is served, but that one name server is asked for it."""
    made = clusters.resource(Cluster(name, "ns", "s", 80, dns_name="silent.example.com"))
    message = cluster_pb2.Cluster.FromString(b"".join(part.body for part in made.parts))
    found, resolver = dns_cluster_pb2.DnsCluster(), CaresDnsResolverConfig()
    message.cluster_type.typed_config.Unpack(found)
    found.typed_dns_resolver_config.typed_config.Unpack(resolver)
    asked = resolver.resolvers.add().socket_address
    asked.address, asked.port_value = "127.0.0.1", server_port
    found.typed_dns_resolver_config.name = "envoy.network.dns_resolver.cares"
    found.typed_dns_resolver_config.typed_config.Pack(resolver)
    message.cluster_type.typed_config.Pack(found)
    return whole(type_url.CLUSTER, name, message.SerializeToString())


def test_proxy_starts_though_a_name_server_stays_silent():
    port = free_port()

    async def scenario(server_port):
        table = routes("t", {"one": answer(204)})
        async with running(dns_cluster("d", server_port), table, listener("l", port, "t")) as setup:
            assert await setup.get(port, "one") == 204
            assert not rejected(setup)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        asyncio.run(scenario(silent.getsockname()[1]))


def test_second_stream_of_a_node_takes_over():
    async def scenario():
        async with running() as setup:
            setup.server.update("twice", {})
            async with client(setup) as channel:
                first = open_stream(channel)
                await first.write(request("twice"))
                assert await first.read()
                second = open_stream(channel)
                await second.write(request("twice"))
                assert await second.read()
                assert await first.code() is grpc.StatusCode.ABORTED
                setup.server.update("twice", {(type_url.CLUSTER, "a"): cluster("a")})
                assert await second.read()

    asyncio.run(scenario())


def test_forgotten_proxy_loses_its_stream():
    async def scenario():
        async with running() as setup:
            setup.server.update("gone", {})
            async with client(setup) as channel:
                call = open_stream(channel)
                await call.write(request("gone"))
                assert await call.read()
                setup.server.forget("gone")
                assert await call.code() is grpc.StatusCode.ABORTED
            assert [state.proxy for state in setup.server.sync_state()] == [NODE]

    asyncio.run(scenario())


def test_slow_client_is_sent_the_newest_only():
    """Nothing queues up: while a version is unanswered, later ones replace each other."""

    async def scenario():
        async with running() as setup:
            setup.server.update("slow", {})
            async with client(setup) as channel:
                call = open_stream(channel)
                message = discovery_pb2.DeltaDiscoveryRequest(
                    type_url=type_url.ENDPOINTS, resource_names_subscribe=["a"]
                )
                message.node.id = "slow"
                await call.write(message.SerializeToString())
                key = (type_url.ENDPOINTS, "a")
                setup.server.update("slow", {key: endpoints("a", 1)})
                first = discovery_pb2.DeltaDiscoveryResponse.FromString(await call.read())
                for port in range(2, 100):
                    setup.server.update("slow", {key: endpoints("a", port)})
                message.response_nonce = first.nonce
                message.ClearField("resource_names_subscribe")
                await call.write(message.SerializeToString())
                second = discovery_pb2.DeltaDiscoveryResponse.FromString(await call.read())
                assert second.resources[0].version == endpoints("a", 99).version
                message.response_nonce = second.nonce
                await call.write(message.SerializeToString())
                setup.server.update("slow", {key: endpoints("a", 100)})
                third = discovery_pb2.DeltaDiscoveryResponse.FromString(await call.read())
                assert int(third.nonce) == int(first.nonce) + 2

    asyncio.run(scenario())


def test_socket_is_the_owners_alone():
    async def scenario():
        async with running() as setup:
            path = setup.server.socket_path
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            await setup.server.stop()
            assert not path.exists()

    asyncio.run(scenario())
