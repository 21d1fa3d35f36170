"""Two hundred proxies that come back at once, as after a restart of the control plane.

Time is that of the processor, for the server and the 200 fake Envoys together, so that it doesn't
depend on what else the machine does.
"""

import asyncio
import contextlib
import time
from pathlib import Path

import grpc
import grpc.aio
import msgspec
from envoy.service.discovery.v3 import discovery_pb2

from ads.fake_envoy import FakeEnvoy
from ads.link import changes, cluster, endpoints, listener, routes
from fairlead.ads import type_url
from fairlead.ads.access import Access, Identity
from fairlead.ads.listening import METHOD, SERVICE
from fairlead.ads.server import AdsServer
from support.certificates import CA
from support.proxy_pod import key_pair

PROXIES = 200
CLUSTERS = 50
HOSTS = 200


async def by_name(metadata):
    return Identity(metadata["authorization"])


def site():
    """50 Services and 200 hosts."""
    names = [f"service-{number}" for number in range(CLUSTERS)]
    made = [make(name) for name in names for make in (cluster, endpoints)]
    table = {f"{number}.example": names[number % CLUSTERS] for number in range(HOSTS)}
    return [*made, listener("edge", "table"), routes("table", table)]


def message(request, node):
    made = discovery_pb2.DeltaDiscoveryRequest(
        node={"id": node},
        type_url=request.type_url,
        resource_names_subscribe=request.subscribe,
        resource_names_unsubscribe=request.unsubscribe,
        initial_resource_versions=dict(request.initial_versions),
        response_nonce=request.nonce,
    )
    return made.SerializeToString()


async def configured(channel, proxy):
    """A proxy from its first try to the last route; comes again as a pod does."""
    while True:
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return await connected(channel, proxy)
        await asyncio.sleep(0.1)


def united(envoy):
    """What Envoy has to say; subscriptions that come of one response are one request."""
    requests = []
    while envoy.out:
        request = envoy.out.popleft()
        last = requests[-1] if requests else None
        if last and not request.nonce and not last.nonce and last.type_url == request.type_url:
            names = (*last.subscribe, *request.subscribe)
            requests[-1] = msgspec.structs.replace(last, subscribe=names)
        else:
            requests.append(request)
    return requests


async def connected(channel, proxy):
    node = f"{proxy}~one"
    metadata = grpc.aio.Metadata(("authorization", proxy), ("fairlead-node", node))
    call = channel.stream_stream(f"/{SERVICE}/{METHOD}")(metadata=metadata)
    envoy = FakeEnvoy()
    envoy.start()
    while not envoy.active[type_url.ROUTES].get("table") or envoy.dead_routes():
        for request in united(envoy):
            await call.write(message(request, node))
        envoy.take(await call.read())


def test_two_hundred_proxies_are_configured_within_ten_seconds():
    async def body():
        authority = CA("authority")
        pair = key_pair(authority)
        server = AdsServer(None, lambda _: None)
        resources = changes(*site())
        names = [f"gateway/test/{number}" for number in range(PROXIES)]
        for name in names:
            server.update(name, resources)
        access = Access(by_name, lambda proxy: proxy)
        port = await server.start_tls("127.0.0.1:0", lambda: pair, access)
        before = resident()
        async with contextlib.AsyncExitStack() as stack:
            credentials = grpc.ssl_channel_credentials(authority.cert_pem.encode())
            options = [
                ("grpc.ssl_target_name_override", "fairlead"),
                ("grpc.use_local_subchannel_pool", 1),
            ]
            channels = [
                await stack.enter_async_context(
                    grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options)
                )
                for _ in names
            ]
            begun = time.process_time()
            async with asyncio.timeout(300), asyncio.TaskGroup() as tasks:
                for channel, name in zip(channels, names, strict=True):
                    tasks.create_task(configured(channel, name))
            took = time.process_time() - begun
            grown = (resident() - before) / 1024 / 1024
            print(f"{PROXIES} proxies: {took:.1f} s, {grown:.0f} MiB, clients included")  # noqa: T201
            assert all(state.connected for state in server.sync_state())
        await server.stop()
        assert took < 10
        assert grown < 500

    asyncio.run(body())


def resident():
    """Bytes of memory that this process has."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024
