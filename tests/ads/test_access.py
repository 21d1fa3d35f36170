"""Streams by TLS: who is let in, what strangers learn, and a certificate that changes meanwhile."""

import asyncio
import contextlib

import grpc
import grpc.aio
import pytest
from envoy.service.discovery.v3 import discovery_pb2

from ads.link import changes, cluster
from fairlead.ads import type_url
from fairlead.ads.access import Access, Identity, Refusal, RefusedError
from fairlead.ads.listening import METHOD, SERVICE
from fairlead.ads.server import AdsServer
from support.certificates import CA
from support.proxy_pod import key_pair

EDGE = "gateway/test/edge"
OTHER = "gateway/test/other"
TOKENS = {
    "edge-1": Identity("sa:edge", "one"),
    "edge-2": Identity("sa:edge", "two"),
    "other": Identity("sa:other", "one"),
}


async def by_token(metadata):
    token = metadata.get("authorization", "").removeprefix("Bearer ")
    if token == "later":
        raise RefusedError(Refusal.UNAVAILABLE, "nobody can be asked now")
    if token not in TOKENS:
        raise RefusedError(Refusal.UNAUTHENTICATED, "no valid token for this audience")
    return TOKENS[token]


ACCESS = Access(by_token, {EDGE: "sa:edge", OTHER: "sa:other"}.get)


class Plane:
    """A server, and clients for it."""

    def __init__(self, *, serving):
        self.authority = CA("authority")
        self.pair = key_pair(self.authority)
        self.statuses = []
        self.server = AdsServer(None, self.statuses.append, serving=serving)
        self.port = 0

    async def start(self):
        self.port = await self.server.start_tls("127.0.0.1:0", lambda: self.pair, ACCESS)

    def channel(self, authority=None, name="fairlead"):
        pem = (authority or self.authority).cert_pem.encode()
        options = [
            ("grpc.ssl_target_name_override", name),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        return grpc.aio.secure_channel(
            f"127.0.0.1:{self.port}", grpc.ssl_channel_credentials(pem), options=options
        )


@contextlib.asynccontextmanager
async def plane(*, serving=True, known=(EDGE, OTHER)):
    made = Plane(serving=serving)
    for proxy in known:
        made.server.update(proxy, changes(cluster(f"of {proxy}")))
    await made.start()
    try:
        yield made
    finally:
        await made.server.stop()


def stream(channel, token=None, node=f"{EDGE}~one"):
    metadata = [("fairlead-node", node)] if node is not None else []
    if token is not None:
        metadata.append(("authorization", f"Bearer {token}"))
    return channel.stream_stream(f"/{SERVICE}/{METHOD}")(metadata=grpc.aio.Metadata(*metadata))


def request(node=f"{EDGE}~one"):
    return discovery_pb2.DeltaDiscoveryRequest(
        node={"id": node}, type_url=type_url.CLUSTER
    ).SerializeToString()


async def first_answer(call, node=f"{EDGE}~one"):
    """Names of the clusters in the first response."""
    await call.write(request(node))
    async with asyncio.timeout(5):
        data = await call.read()
    return [each.name for each in discovery_pb2.DeltaDiscoveryResponse.FromString(data).resources]


async def end(call):
    """Read a stream to its end: (what came, status, details)."""
    came = []
    async with asyncio.timeout(5):
        try:
            while (data := await call.read()) is not grpc.aio.EOF:
                came.append(data)
        except grpc.aio.AioRpcError as error:
            return came, error.code(), error.details()
        return came, await call.code(), await call.details()


async def refusal(call):
    """How a stream ends that is not served; nothing must have come before."""
    came, code, details = await end(call)
    assert came == []
    return code, details


@pytest.mark.parametrize(
    ("token", "node", "code"),
    [
        (None, f"{EDGE}~one", "UNAUTHENTICATED"),
        ("", f"{EDGE}~one", "UNAUTHENTICATED"),
        ("stolen", f"{EDGE}~one", "UNAUTHENTICATED"),
        ("stolen", "gateway/no/such~one", "UNAUTHENTICATED"),
        ("edge-1", f"{OTHER}~one", "PERMISSION_DENIED"),
        ("edge-1", f"{EDGE}~two", "PERMISSION_DENIED"),
        ("edge-1", EDGE, "PERMISSION_DENIED"),
        ("edge-1", "", "PERMISSION_DENIED"),
        ("edge-1", None, "PERMISSION_DENIED"),
        ("edge-1", "gateway/no/such~one", "PERMISSION_DENIED"),
        ("edge-1", "mesh~one", "PERMISSION_DENIED"),
        ("later", f"{EDGE}~one", "UNAVAILABLE"),
    ],
)
def test_strangers_are_refused_and_learn_nothing(token, node, code):
    async def body():
        async with plane() as made, made.channel() as channel:
            found, details = await refusal(stream(channel, token, node))
            assert found is grpc.StatusCode[code]
            assert "edge" not in details
            assert "gateway" not in details
            assert all(not status.connected for status in made.statuses)

    asyncio.run(body())


def test_who_is_known_is_told_so_at_once_and_gets_its_own():
    async def body():
        async with plane() as made, made.channel() as channel:
            one, two = stream(channel, "edge-1"), stream(channel, "edge-2", f"{EDGE}~two")
            other = stream(channel, "other", f"{OTHER}~one")
            async with asyncio.timeout(5):
                for each in (one, two, other):
                    await each.initial_metadata()
                    assert not each.done()
            assert await first_answer(one) == [f"of {EDGE}"]
            assert await first_answer(two, f"{EDGE}~two") == [f"of {EDGE}"]
            assert await first_answer(other, f"{OTHER}~one") == [f"of {OTHER}"]
            states = [(each.proxy, each.instance) for each in made.server.sync_state()]
            assert states == [(EDGE, "one"), (EDGE, "two"), (OTHER, "one")]

    asyncio.run(body())


def test_who_was_let_in_cannot_be_another_one_in_its_first_request():
    async def body():
        async with plane() as made, made.channel() as channel:
            call = stream(channel, "edge-1")
            await call.write(request(f"{OTHER}~one"))
            code, _ = await refusal(call)
            assert code is grpc.StatusCode.PERMISSION_DENIED

    asyncio.run(body())


def test_nobody_is_answered_before_the_first_configuration_is_made():
    async def body():
        async with plane(serving=False) as made, made.channel() as channel:
            assert (await refusal(stream(channel, "edge-1")))[0] is grpc.StatusCode.UNAVAILABLE
            made.server.serve()
            assert await first_answer(stream(channel, "edge-1")) == [f"of {EDGE}"]

    asyncio.run(body())


def test_a_proxy_that_is_not_known_yet_shall_come_again():
    async def body():
        async with plane(known=()) as made, made.channel() as channel:
            assert (await refusal(stream(channel, "edge-1")))[0] is grpc.StatusCode.UNAVAILABLE
            made.server.update(EDGE, {})
            assert await first_answer(stream(channel, "edge-1")) == []

    asyncio.run(body())


def test_forgotten_proxy_loses_all_its_streams():
    async def body():
        async with plane() as made, made.channel() as channel:
            one, two = stream(channel, "edge-1"), stream(channel, "edge-2", f"{EDGE}~two")
            await first_answer(one)
            await first_answer(two, f"{EDGE}~two")
            made.server.forget(EDGE)
            for call in (one, two):
                _, code, _ = await end(call)
                assert code is grpc.StatusCode.ABORTED

    asyncio.run(body())


def test_a_new_certificate_serves_new_connections_and_open_streams_go_on():
    async def body():
        async with plane() as made:
            async with made.channel() as before:
                old = stream(before, "edge-1")
                await first_answer(old)
                first, made.authority = made.authority, CA("next authority")
                made.pair = key_pair(made.authority)
                async with made.channel() as after:
                    new = stream(after, "edge-2", f"{EDGE}~two")
                    assert await first_answer(new, f"{EDGE}~two") == [f"of {EDGE}"]
                    made.server.update(EDGE, changes(cluster("more")))
                    for call in (old, new):
                        async with asyncio.timeout(5):
                            assert await call.read() is not grpc.aio.EOF
            async with made.channel(first) as distrusting:
                code, _ = await refusal(stream(distrusting, "edge-1"))
                assert code is grpc.StatusCode.UNAVAILABLE

    asyncio.run(body())


@pytest.mark.parametrize("name", ["fairlead.evil", "localhost"])
def test_a_server_of_another_name_is_not_ours(name):
    async def body():
        async with plane() as made:
            made.pair = key_pair(made.authority, name)
            async with made.channel() as channel:
                code, _ = await refusal(stream(channel, "edge-1"))
                assert code is grpc.StatusCode.UNAVAILABLE

    asyncio.run(body())
