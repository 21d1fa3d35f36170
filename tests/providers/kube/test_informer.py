"""The informer over a real socket, with an API server that misbehaves as scripted."""

import asyncio
import functools
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairlead.providers.kube import backoff
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.informer import Informer
from support.api_server import ApiServer, Fault, until, without_credentials

PATH = "/api/v1/services"


def run(script) -> None:
    """Run a test's coroutine; one that hangs fails."""

    async def limited():
        async with asyncio.timeout(20):
            await script()

    asyncio.run(limited())


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Pauses between tries of a few milliseconds."""
    monkeypatch.setattr(backoff, "_FIRST", 0.001)
    monkeypatch.setattr(backoff, "_FACTOR", 1.0)


def service(name: str, text: str = "") -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "a"},
        "spec": {"externalName": text},
    }


class Copy:
    """What an informer says there is."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.news = 0
        self.settled = 0

    def change(self, key, data):
        self.news += 1
        if data is None:
            del self.objects[key]
        else:
            self.objects[key] = data

    def settle(self):
        self.settled += 1


class Running:
    """A server, an informer and its copy, for one test."""

    def __init__(self, server: ApiServer, page: int = 2) -> None:
        self.server = server
        self.page = page
        self.copy = Copy()

    async def __aenter__(self):
        self._serving = self.server.serving()
        self._client = KubeClient(without_credentials(await self._serving.__aenter__()))
        await self._client.__aenter__()
        self.informer = Informer(
            self._client,
            PATH,
            self.copy.change,
            on_settled=self.copy.settle,
            random=Random(1),
            page=self.page,
        )
        self._task = asyncio.ensure_future(self.informer.run())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._client.__aexit__(None, None, None)
        await self._serving.__aexit__(None, None, None)

    def _equal(self) -> bool:
        known = self.server.objects("services")
        return self.copy.objects.keys() == known.keys() and all(
            f'"resourceVersion": "{version}"'.encode() in self.copy.objects[key]
            for key, version in known.items()
        )

    async def equal(self) -> None:
        """Wait until the copy is what the server has."""
        await until(lambda: self.informer.synced and self._equal())


def server_with(count: int) -> ApiServer:
    server = ApiServer(("v1", "services"))
    for number in range(count):
        server.put("services", service(f"s{number}"))
    return server


def come_change_and_go(server: ApiServer) -> None:
    """Three changes, one of each."""
    server.put("services", service("new"))
    server.put("services", service("s1", "other"))
    server.remove("services", "a", "s2")


def test_lists_in_pages_and_follows_changes():
    async def script():
        async with Running(server_with(5)) as it:
            await it.equal()
            await until(lambda: len(it.server.requests) > 3)
            assert [verb for verb, _ in it.server.requests] == ["list", "list", "list", "watch"]
            come_change_and_go(it.server)
            await it.equal()
            assert it.informer.state.lists == 1
            assert it.informer.state.objects == 5

    run(script)


def test_the_first_list_may_be_old_and_the_watch_brings_the_rest():
    async def script():
        server = server_with(5)
        server.freeze_cache("services")
        come_change_and_go(server)
        async with Running(server) as it:
            await it.equal()
            assert [verb for verb, _ in server.requests] == ["list", "watch"]
            assert it.informer.state.events == 3

    run(script)


def test_later_lists_are_current():
    async def script():
        server = server_with(5)
        server.freeze_cache("services")
        async with Running(server) as it:
            await it.equal()
            news = it.copy.news
            server.forget_history()
            server.remove("services", "a", "s3")
            server.forget_history()
            await until(lambda: it.informer.state.lists == 2)
            assert it.copy.news == news + 1
            await it.equal()

    run(script)


def test_a_list_again_finds_what_went_unseen_and_tells_only_of_that():
    async def script():
        async with Running(server_with(5)) as it:
            await it.equal()
            news = it.copy.news
            it.server.forget_history()
            it.server.remove("services", "a", "s3")
            it.server.put("services", service("s4", "other"))
            it.server.forget_history()
            await it.equal()
            assert it.copy.news == news + 2
            assert it.informer.state.lists == 2

    run(script)


def test_nothing_is_known_before_the_last_page():
    async def script():
        server = server_with(6)
        server.faults += [Fault("list", "refuse", code=500) for _ in range(3)]
        async with Running(server) as it:
            assert not it.informer.synced
            await it.informer.wait_synced()
            assert len(it.copy.objects) == 6
            assert it.copy.settled == 1

    run(script)


def test_a_list_that_fails_takes_nothing_away():
    async def script():
        async with Running(server_with(6)) as it:
            await it.equal()
            it.server.faults += [
                Fault("watch", "expire"),
                Fault("list", "garbage"),
                Fault("list", "cut"),
                Fault("list", "drop"),
                Fault("list", "refuse", code=404),
            ]
            it.server.put("services", service("new"))
            it.server.end_watches()
            least = 6
            while it.informer.state.lists < 2:
                least = min(least, len(it.copy.objects))
                await asyncio.sleep(0)
            assert least == 6
            await it.equal()

    run(script)


def test_an_expired_page_begins_the_list_again():
    async def script():
        server = server_with(6)
        server.faults.append(Fault("list", "refuse", path="continue=4", code=410))
        async with Running(server) as it:
            await it.equal()
            pages = [path for verb, path in server.requests if verb == "list"]
            assert ["continue" in path for path in pages] == [False, True, True] * 2

    run(script)


def test_what_goes_away_while_a_list_begins_again_is_noticed():
    async def script():
        async with Running(server_with(6)) as it:
            await it.equal()
            server = it.server
            remove = functools.partial(server.remove, "services", "a", "s0")
            server.faults.append(Fault("list", "refuse", path="continue=4", code=410, then=remove))
            server.put("services", service("new"))
            server.forget_history()
            await until(lambda: not server.faults)
            await it.equal()
            assert ("a", "s0") not in it.copy.objects

    run(script)


def test_a_page_that_fails_is_asked_for_again_alone():
    async def script():
        server = server_with(6)
        server.faults += [Fault("list", what, path="continue=2") for what in ("refuse", "cut")]
        async with Running(server) as it:
            await it.equal()
            pages = [path.partition("continue=")[2] for _, path in server.requests[:5]]
            assert [page[:1] for page in pages] == ["", "2", "2", "2", "4"]

    run(script)


def test_a_watch_goes_on_where_it_broke():
    async def script():
        async with Running(server_with(2)) as it:
            await it.equal()
            it.server.put("services", service("new"))
            await it.equal()
            version = it.server.version
            await until(lambda: it.informer.state.events == 1)
            it.server.bookmark("services")
            await until(lambda: it.informer.state.events == 2)
            it.server.end_watches()
            await until(lambda: it.informer.state.watches == 2)
            await until(
                lambda: f"resourceVersion={version + 1}" in it.server.requests[-1][1],
            )
            assert it.informer.state.lists == 1

    run(script)


def test_waits_as_long_as_the_server_asks(monkeypatch):
    async def script():
        server = server_with(1)
        server.faults.append(Fault("list", "refuse", code=429, retry_after="7"))
        waits = []
        sleep = asyncio.sleep

        async def note(seconds):
            waits.append(seconds)
            await sleep(0)

        monkeypatch.setattr("fairlead.providers.kube.client.asyncio.sleep", note)
        async with Running(server) as it:
            await it.informer.wait_synced()
        assert 7 in waits

    run(script)


FAULTS = st.sampled_from(
    [
        Fault("list", "refuse"),
        Fault("list", "refuse", code=410),
        Fault("list", "refuse", code=429, retry_after="0"),
        Fault("list", "cut"),
        Fault("list", "garbage"),
        Fault("list", "slow"),
        Fault("list", "drop"),
        Fault("watch", "refuse", code=410),
        Fault("watch", "refuse", code=503),
        Fault("watch", "cut"),
        Fault("watch", "garbage"),
        Fault("watch", "expire"),
        Fault("watch", "repeat"),
        Fault("watch", "drop"),
    ]
)
NAMES = st.sampled_from(["s0", "s1", "s2", "s3", "s4", "s5"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES),
        st.tuples(st.just("remove"), NAMES),
        st.tuples(st.sampled_from(["forget", "end", "bookmark", "wait"]), st.just("")),
        st.tuples(st.just("fault"), FAULTS),
    ),
    max_size=25,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(STEPS)
def test_whatever_happens_the_copy_is_in_the_end_what_a_new_one_would_be(steps):
    async def script():
        async with Running(server_with(3)) as it:
            for number, (step, what) in enumerate(steps):
                match step:
                    case "put":
                        it.server.put("services", service(what, str(number)))
                    case "remove":
                        it.server.remove("services", "a", what)
                    case "forget":
                        it.server.forget_history()
                    case "end":
                        it.server.end_watches()
                    case "bookmark":
                        it.server.bookmark("services")
                    case "fault":
                        it.server.faults.append(what)
                    case _:
                        await asyncio.sleep(0.003)
            it.server.faults.clear()
            await it.equal()

    run(script)
