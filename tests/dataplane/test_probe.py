"""Probes: what they ask, and when they change their mind."""

import asyncio
import contextlib
import socket

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as HealthRequest  # field 1 is a string, as there

from dataplane.helpers import FakeClock
from fairlead import api
from fairlead.dataplane.clock import SystemClock
from fairlead.dataplane.probe import checker, probe_of, watch

IP = "127.98.0.1"


def test_without_a_readiness_probe_the_first_tcp_port_tells():
    ports = (
        api.ContainerPort(container_port=53, protocol="UDP"),
        api.ContainerPort(container_port=80),
    )
    assert probe_of(api.Container(name="c", ports=ports)).tcp_socket.port == 80
    assert probe_of(api.Container(name="c")) is None
    own = api.Probe(period_seconds=7)
    assert probe_of(api.Container(name="c", ports=ports, readiness_probe=own)) is own


async def verdict_times(answers, seconds, *, eager=False, **probe):
    """When the verdict changed, with `answers` by second from the start (the last one stays)."""
    clock, changes = FakeClock(), []
    start = clock.now()

    async def check():
        moment = min(int(clock.now() - start), len(answers) - 1)
        return answers[moment] == "+"

    def tell(passes):
        changes.append((round(clock.now() - start, 2), passes))
        return True

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch(api.Probe(**probe), check, clock, tell, eager=eager))
        for _ in range(seconds * 100):
            await clock.advance(0.01)
        task.cancel()
    return changes


@pytest.mark.parametrize(
    ("answers", "probe", "changes"),
    [
        ("+", {}, [(0, True)]),
        ("+", {"initial_delay_seconds": 3}, [(3, True)]),
        ("-", {"period_seconds": 2}, [(4, False)]),
        ("-", {"failure_threshold": 1}, [(0, False)]),
        ("-+", {"period_seconds": 2, "success_threshold": 3}, [(6, True)]),
        ("+++++-", {"period_seconds": 2}, [(0, True), (10, False)]),
        ("+++++-+++++", {"period_seconds": 2}, [(0, True)]),
        ("+--------+", {"period_seconds": 2}, [(0, True), (6, False), (10, True)]),
    ],
)
def test_thresholds_are_counted_in_periods(answers, probe, changes):
    found = asyncio.run(verdict_times(answers, 15, **probe))
    assert [(pytest.approx(when, abs=0.1), passes) for when, passes in found] == changes


def test_one_that_is_not_ready_is_asked_soon_again():
    found = asyncio.run(verdict_times("-+", 5, eager=True, period_seconds=10))
    assert found[0][1]
    assert 1 <= found[0][0] < 1.8


def test_it_ends_when_nobody_wants_to_know_more():
    async def scenario():
        asked = []

        async def check():
            asked.append(True)
            return True

        async with asyncio.timeout(5):
            await watch(api.Probe(), check, SystemClock(), lambda _: False, eager=False)
        assert len(asked) == 1

    asyncio.run(scenario())


@contextlib.asynccontextmanager
async def answering(reply):
    """A server that reads a request's head and answers `reply`; yields port and heads."""
    heads, serving = [], []

    async def serve(reader, writer):
        serving.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(reply)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, IP, 0) as server:
        yield server.sockets[0].getsockname()[1], heads
    await asyncio.gather(*serving)


async def ask(execute=None, ports=(), **probe):
    container = api.Container(name="c", ports=ports)
    return await checker(api.Probe(**{"timeout_seconds": 30} | probe), container, IP, execute)()


@pytest.mark.parametrize(
    ("status", "passes"), [(200, True), (302, True), (404, False), (503, False)]
)
def test_http_get(status, passes):
    async def scenario():
        reply = f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n".encode()
        async with answering(reply) as (port, heads):
            ports = (api.ContainerPort(container_port=port, name="web"),)
            headers = (api.container.HTTPHeader(name="X-A", value="b"),)
            get = api.HTTPGetAction(port="web", path="/live?x", http_headers=headers)
            assert await ask(http_get=get, ports=ports) is passes
            assert heads[0].startswith(b"GET /live?x HTTP/1.1\r\n")
            assert b"\r\nX-A: b\r\n" in heads[0]
            assert not await ask(http_get=api.HTTPGetAction(port="other"), ports=ports)
            if passes:
                secure = api.HTTPGetAction(port=port, scheme="HTTPS")
                assert not await ask(http_get=secure, timeout_seconds=1)

    asyncio.run(scenario())


def test_tcp_socket():
    async def scenario():
        async with answering(b"") as (port, _):
            assert await ask(tcp_socket=api.TCPSocketAction(port=port))
        assert not await ask(tcp_socket=api.TCPSocketAction(port=port))

    asyncio.run(scenario())


def test_one_that_hangs_has_failed():
    async def scenario():
        with socket.create_server((IP, 0)) as silent:
            get = api.HTTPGetAction(port=silent.getsockname()[1])
            async with asyncio.timeout(30):
                assert not await ask(http_get=get, timeout_seconds=1)

    asyncio.run(scenario())


def test_exec_is_run_by_the_container():
    async def scenario():
        asked = []

        async def execute(command, seconds):
            asked.append((command, seconds))
            return command == ("true",)

        assert await ask(execute, exec=api.ExecAction(command=("true",)), timeout_seconds=4)
        assert not await ask(execute, exec=api.ExecAction(command=("false",)))
        assert asked[0] == (("true",), 4)

    asyncio.run(scenario())


@pytest.mark.parametrize("service", ["", "shop.Cart", "x" * 200])
def test_grpc_health(service):
    async def scenario():
        health = {"": b"\x08\x01", "shop.Cart": b"\x08\x01", "x" * 200: b"\x08\x02"}
        requests = []

        async def check(request, _):
            requests.append(HealthRequest.FromString(request).type_url)
            return health[requests[-1]]

        server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(check)
        service_handler = grpc.method_handlers_generic_handler(
            "grpc.health.v1.Health", {"Check": handler}
        )
        server.add_generic_rpc_handlers((service_handler,))
        port = server.add_insecure_port(f"{IP}:0")
        await server.start()
        action = api.GRPCAction(port=port, service=service)
        assert await ask(grpc=action) is (health[service] == b"\x08\x01")
        assert requests == [service]
        await server.stop(0)
        assert not await ask(grpc=action)

    asyncio.run(scenario())
