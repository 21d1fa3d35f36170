"""Snapshots are written when they are others: in content, or in what the Gateway says of them."""

import asyncio
from types import SimpleNamespace

import pytest

from fairlead.app import snapshots
from fairlead.app.snapshots import Snapshots
from fairlead.ir.fleet import Proxy
from fairlead.xds.resource import Part, bundled, composed
from fairlead.xds.wire import digest
from support.api_server import until

NAME = "gateway/infra/edge"


def proxy(name="edge", **more):
    return Proxy(f"gateway/infra/{name}", "gateway", "infra", name, **{"owner": "uid-1", **more})


def resources(content):
    part = Part("", content, b"", digest(content))
    return (composed("type", "one", b"", (bundled((part,)),), ()),)


class Writing:
    """What was written of a proxy that can change. Another one changes in each round, after it."""

    def __init__(self):
        self.proxy, self.held = proxy(), resources(b"a")
        self.written = []
        self.rounds = 0
        client = SimpleNamespace(apply=self._apply)
        self.snapshots = Snapshots(client, self._proxy, self._held)
        self.snapshots.lead(leading=True)

    def _proxy(self, name):
        return self.proxy if name == NAME else proxy("last")

    def _held(self, name):
        return self.held if name == NAME else resources(str(self.rounds).encode())

    async def _apply(self, _path, secret, *, manager):
        assert manager == snapshots.MANAGER
        if secret["metadata"]["name"].startswith("edge"):
            self.written.append(secret)
        else:
            self.rounds += 1

    async def after_a_round(self):
        """Say that both may have changed; all that was written of the first one, in the end."""
        rounds = self.rounds
        self.snapshots.touched([NAME, proxy("last").name])
        await until(lambda: self.rounds > rounds)
        return self.written


def scene(monkeypatch, test):
    monkeypatch.setattr(snapshots, "PAUSE", 0.001)
    monkeypatch.setattr(snapshots, "SHARE", 1e9)

    async def run():
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            writing = Writing()
            task = tasks.create_task(writing.snapshots.run())
            await test(writing)
            task.cancel()

    asyncio.run(run())


@pytest.mark.parametrize(
    "change", [{"owner": "uid-2"}, {"labels": (("team", "shop"),)}, {"annotations": (("a", "b"),)}]
)
def test_a_gateway_that_is_made_again_or_says_other_things_gets_another(monkeypatch, change):
    async def test(writing):
        await writing.after_a_round()
        writing.proxy = proxy(**change)
        before, after = await writing.after_a_round()
        assert before["data"] == after["data"]
        assert before["metadata"] != after["metadata"]

    scene(monkeypatch, test)


def test_other_content_is_written_and_the_same_is_not(monkeypatch):
    async def test(writing):
        await writing.after_a_round()
        assert len(await writing.after_a_round()) == 1
        writing.held = resources(b"b")
        first, second = await writing.after_a_round()
        assert first["data"] != second["data"]

    scene(monkeypatch, test)
