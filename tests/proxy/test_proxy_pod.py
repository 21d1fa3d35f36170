"""`fairlead proxy` with a real Envoy: where its configuration comes from, and how it leaves."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from ads.real_envoy import changes
from fairlead.ads.snapshot import encode
from fairlead.cli.load import Connection
from support.certificates import CA
from support.ports import free_port
from support.proxy_pod import (
    HOST,
    PROXY,
    TOKEN,
    Load,
    PlaneProcess,
    get,
    key_pair,
    scene,
    site,
    until_status,
)

pytestmark = pytest.mark.envoy


async def source(pod):
    """Where the configuration comes from, as the metrics say."""
    for line in (await pod.page("/metrics")).splitlines():
        if line.startswith("fairlead_proxy_source{") and line.endswith(" 1"):
            return line.split('"')[1]
    return None


async def until_source(pod, wanted, seconds):
    async with asyncio.timeout(seconds):
        while True:
            if await source(pod) == wanted:
                return
            await asyncio.sleep(0.05)


def resident(pid):
    """Bytes of memory that a process has."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def test_it_is_ready_once_it_is_configured_and_small():
    async def body():
        port = free_port()
        async with scene() as (plane, pod):
            await pod.start()
            await pod.until("/healthz", 200)
            assert await pod.ask("/ready") == 503
            assert await get(port) == 0
            await plane.start(*site(port))
            await pod.ready()
            assert await get(port) == 200
            await plane.synced()
            (state,) = plane.server.sync_state()
            assert (state.proxy, state.instance) == (PROXY, "edge-1")
            assert await source(pod) == "replica"
            assert resident(pod.process.pid) < 60 * 1024 * 1024
            assert await pod.ask("/nothing") == 404
            assert "listener_manager" in await pod.page("/metrics")

    asyncio.run(body())


def test_a_token_and_authorities_that_change_are_read_again():
    async def body():
        port = free_port()
        async with scene(*site(port)) as (plane, pod):
            pod.token.write_text("of-somebody-else")
            pod.ca.write_text(CA("another authority").cert_pem)
            await pod.start()
            await pod.until("/healthz", 200)
            pod.ca.write_text(plane.authority.cert_pem)
            await pod.said("UNAUTHENTICATED")
            assert await pod.ask("/ready") == 503
            pod.token.write_text(TOKEN)
            await pod.ready()
            assert await get(port) == 200
            text = pod.log.read_text()
            assert TOKEN not in text
            assert "of-somebody-else" not in text

    asyncio.run(body())


def test_a_control_plane_that_is_killed_and_comes_back_disturbs_nobody():
    async def body():
        port = free_port()
        async with scene() as (plane, pod):
            process = PlaneProcess(pod.folder, plane)
            await process.start(port)
            await pod.start()
            await pod.ready()
            try:
                with Load([port]) as load:
                    for status in (203, 200, 203):
                        await load.asked(50)
                        await process.kill()
                        await load.asked(50)
                        await process.start(port, status)
                        await until_status(port, status)
                    await load.asked(50)
            finally:
                await process.kill()
            assert load.errors == []
            assert load.ended == 0

    asyncio.run(body())


def test_a_control_plane_that_is_frozen_is_left_and_disturbs_nobody():
    async def body():
        port = free_port()
        async with scene() as (plane, pod):
            process = PlaneProcess(pod.folder, plane)
            await process.start(port)
            await pod.start()
            await pod.ready()
            try:
                with Load([port]) as load:
                    os.kill(process.process.pid, signal.SIGSTOP)
                    await until_source(pod, "nowhere", 30)
                    assert await pod.ask("/ready") == 200
                    await load.asked(50)
                    os.kill(process.process.pid, signal.SIGCONT)
                    await until_source(pod, "replica", 20)
                    await load.asked(50)
            finally:
                await process.kill()
            assert load.errors == []
            assert load.ended == 0

    asyncio.run(body())


def test_another_replica_sends_nothing_again():
    async def body():
        port = free_port()
        async with scene(*site(port)) as (plane, pod):
            await pod.start()
            await pod.ready()
            await plane.synced()
            before = await updates(pod)
            await plane.stop()
            plane.pair = key_pair(plane.authority)
            await plane.start(*site(port))
            await plane.synced()
            assert await get(port) == 200
            assert await updates(pod) == before
            assert not any(status.rejections for status in plane.statuses)

    asyncio.run(body())


async def updates(pod):
    """How often Envoy has taken listeners up or thrown any away."""
    counted = ("listener_added", "listener_modified", "listener_removed", "update_rejected")
    lines = (await pod.page("/metrics")).splitlines()
    return [line for line in lines if any(name in line for name in counted)]


@contextlib.contextmanager
def mute():
    """A port whose owner takes connections and says nothing, as a frozen process does."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        yield listening.getsockname()[1]


@pytest.mark.parametrize("frozen", [False, True], ids=["dead", "frozen"])
def test_a_new_proxy_starts_from_the_snapshot_while_no_control_plane_answers(frozen):
    async def body():
        port = free_port()
        async with scene() as (plane, pod):
            with mute() as silent:
                if frozen:
                    pod.xds_port = silent
                pod.snapshot.write_bytes(encode(site(port)))
                await pod.start()
                await pod.ready()
                assert await get(port) == 200
                assert await source(pod) == "snapshot"
            if frozen:
                return
            with Load([port]) as load:
                before = await updates(pod)
                await plane.start(*site(port))
                await until_source(pod, "replica", 15)
                await plane.synced()
                assert await updates(pod) == before
                plane.server.update(PROXY, changes(*site(port, 203)))
                await until_status(port, 203)
            assert load.errors == []
            assert load.ended == 0

    asyncio.run(body())


def test_a_snapshot_that_is_damaged_is_no_reason_to_end():
    async def body():
        port = free_port()
        async with scene() as (plane, pod):
            pod.snapshot.write_bytes(b"fairlead snapshot 1\nnonsense")
            await pod.start()
            await pod.said("of no use")
            await plane.start(*site(port))
            await pod.ready()
            assert await get(port) == 200

    asyncio.run(body())


def test_an_envoy_that_dies_is_started_again_and_configured():
    async def body():
        port = free_port()
        async with scene(*site(port)) as (plane, pod):
            await pod.start()
            await pod.ready()
            (envoy,) = pod.envoys()
            os.kill(envoy, signal.SIGKILL)
            await pod.told("fairlead_proxy_envoy_restarts 1")
            await pod.ready()
            assert await get(port) == 200
            await plane.synced()
            assert pod.envoys() != [envoy]

    asyncio.run(body())


def test_a_pod_leaves_without_a_failed_request_on_a_hundred_kept_connections():
    async def body():
        here, there = free_port(), free_port()
        async with scene(*site(here)) as (_, leaving), scene(*site(there)) as (_, staying):
            for pod in (leaving, staying):
                await pod.start(drain=60)
                await pod.ready()
            with Load([here], clients=100, pause=0.5) as load:
                await load.asked(200)
                load.ports = [there]
                begun = time.monotonic()
                leaving.process.terminate()
                await leaving.said("leaving")
                assert await leaving.ask("/ready") == 200, "it still takes connections"
                assert await leaving.ask("/healthz") == 200
                assert await leaving.process.wait() == 0
                assert time.monotonic() - begun < 50
                await load.asked(200)
            assert load.errors == []
            assert load.ended == 100

    asyncio.run(body())


def test_clients_that_stay_are_cut_off_in_time():
    async def body():
        port = free_port()
        async with scene(*site(port)) as (_, pod):
            await pod.start(drain=2)
            await pod.ready()
            with socket.create_connection(("127.0.0.1", port)):
                begun = time.monotonic()
                pod.process.terminate()
                assert await pod.process.wait() == 0
                assert 2 <= time.monotonic() - begun < 60
            assert "cutting off" in pod.log.read_text()

    asyncio.run(body())


def test_a_connection_that_is_only_kept_for_later_does_not_hold_the_pod():
    async def body():
        port = free_port()
        async with scene(*site(port)) as (_, pod):
            await pod.start(drain=120)
            await pod.ready()
            kept = Connection("127.0.0.1", port)
            assert (await kept.get(HOST))[0] == 200
            begun = time.monotonic()
            pod.process.terminate()
            assert await pod.process.wait() == 0
            assert 7 <= time.monotonic() - begun < 100
            kept.close()

    asyncio.run(body())


def test_ctrl_c_does_not_wait():
    async def body():
        port = free_port()
        async with scene(*site(port)) as (_, pod):
            await pod.start(drain=120)
            await pod.ready()
            with Load([port], clients=1):
                begun = time.monotonic()
                pod.process.send_signal(signal.SIGINT)
                assert await pod.process.wait() == 130
                assert time.monotonic() - begun < 60
            assert pod.log.read_text().count("Traceback") == 0

    asyncio.run(body())


def test_a_second_signal_cuts_the_drain_short():
    async def body():
        port = free_port()
        async with scene(*site(port)) as (_, pod):
            await pod.start(drain=120)
            await pod.ready()
            with socket.create_connection(("127.0.0.1", port)):
                begun = time.monotonic()
                pod.process.terminate()
                await pod.said("leaving")
                pod.process.terminate()
                assert await pod.process.wait() == 0
                assert time.monotonic() - begun < 60

    asyncio.run(body())
