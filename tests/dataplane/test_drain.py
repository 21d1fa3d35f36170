"""Leaving, before an Envoy that says what the test wants: when the listeners may close."""

import asyncio
import contextlib
import json
import tempfile
from pathlib import Path

import pytest

from fairlead.dataplane.drain import Clients, Patience, clients, drain

PATIENCE = Patience(least=5, most=30)


class Clock:
    """Time that passes when somebody waits for it."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    async def sleep(self, seconds):
        self.time += seconds
        await asyncio.sleep(0)

    async def wait(self, event, seconds):
        raise NotImplementedError


class Admin:
    """Envoy's admin interface: who is connected depends on the time."""

    def __init__(self, folder, clock, clients, silent=lambda _: False):
        self.socket = folder / "admin"
        self.clock = clock
        self.clients = clients
        self.silent = silent
        self.told = []

    @contextlib.asynccontextmanager
    async def running(self):
        server = await asyncio.start_unix_server(self._answer, self.socket)
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def _answer(self, reader, writer):
        target = (await reader.readline()).split()[1].decode()
        if not self.silent(self.clock.now()):
            if target.startswith("/drain"):
                self.told.append((target, self.clock.now()))
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + self._stats())
        writer.close()

    def _stats(self):
        now, ever, *more = self.clients(self.clock.now())
        http, active, asked = more or (0, 0, 0)
        found = {
            "http.gateway_infra_edge-80.downstream_cx_active": http,
            "http.gateway_infra_edge-80.downstream_cx_total": http,
            "http.gateway_infra_edge-80.downstream_rq_active": active,
            "http.gateway_infra_edge-80.downstream_rq_total": asked,
            "http.admin.downstream_cx_active": 1,
            "http.admin.downstream_rq_active": 1,
            "http.admin.downstream_rq_total": int(self.clock.now() * 4),
            "listener.0.0.0.0_80.downstream_cx_active": now,
            "listener.0.0.0.0_80.downstream_cx_total": ever,
            "listener.0.0.0.0_80.worker_0.downstream_cx_active": now,
            "listener.0.0.0.0_80.worker_0.downstream_cx_total": ever,
            "listener.admin.downstream_cx_active": 1,
            "listener.admin.main_thread.downstream_cx_total": 7,
        }
        stats = [{"name": name, "value": value} for name, value in found.items()]
        return json.dumps({"stats": stats}).encode()


def left(clients, silent=lambda _: False, patience=PATIENCE):
    """Drain: (when the listeners closed, whether all had gone)."""

    async def body():
        clock, closed = Clock(), []
        with tempfile.TemporaryDirectory() as name:
            async with Admin(Path(name), clock, clients, silent).running() as admin:
                gone = await drain(
                    admin.socket, clock, patience, lambda: closed.append(clock.now())
                )
        assert [target for target, _ in admin.told] == [
            "/drain_listeners?graceful",
            "/drain_listeners",
        ] or silent(closed[0])
        (when,) = closed
        return when, gone

    return asyncio.run(body())


def test_clients_are_counted_once_and_without_ours():
    async def body():
        with tempfile.TemporaryDirectory() as name:
            counts = (3, 40, 2, 1, 99)
            async with Admin(Path(name), Clock(), lambda _: counts).running() as admin:
                assert await clients(admin.socket) == Clients(3, 40, busy=1 + 1, asked=99)

    asyncio.run(body())


def test_who_has_nobody_waits_until_all_know():
    when, gone = left(lambda _: (0, 12))
    assert when == pytest.approx(PATIENCE.least, abs=0.5)
    assert gone


def test_who_is_connected_is_waited_for():
    when, gone = left(lambda now: (1 if now < 12 else 0, 12))
    assert when == pytest.approx(15, abs=0.5)
    assert gone


def test_who_comes_again_and_again_is_waited_for_though_nobody_is_connected_right_now():
    when, gone = left(lambda now: (0, int(min(now, 14) * 4)))
    assert when == pytest.approx(17, abs=0.5)
    assert gone


def test_who_only_keeps_a_connection_for_later_is_not_waited_for():
    when, gone = left(lambda now: (2, 2, 2, 0, int(min(now, 4) * 3)))
    assert when == pytest.approx(12, abs=0.5)
    assert not gone


def test_a_request_that_lasts_is_waited_for():
    when, _ = left(lambda now: (2, 2, 2, int(now < 20), 7))
    assert when == pytest.approx(28, abs=0.5)


def test_connections_other_than_http_are_never_idle():
    when, _ = left(lambda _: (2, 2, 1, 0, 7))
    assert when == pytest.approx(PATIENCE.most, abs=0.5)


def test_time_is_up_at_last():
    when, gone = left(lambda _: (2, 2))
    assert when == pytest.approx(PATIENCE.most, abs=0.5)
    assert not gone


def test_an_envoy_that_is_too_busy_to_answer_is_not_gone():
    when, gone = left(lambda _: (0, 12), lambda now: 1 < now < 9)
    assert when == pytest.approx(12, abs=0.5)
    assert gone


def test_one_that_is_too_busy_to_be_told_is_told_later():
    when, gone = left(lambda _: (0, 12), lambda now: now < 4)
    assert when == pytest.approx(7, abs=0.5)
    assert gone


def test_one_that_never_answers_again_is_given_up():
    when, _ = left(lambda _: (0, 0), lambda _: True)
    assert when == pytest.approx(PATIENCE.most, abs=0.5)
