"""Secrets with proxies' configuration: written when it changes, removed when a Gateway leaves."""

import asyncio

import pytest

from fairlead.app import snapshots
from fairlead.app.snapshots import Snapshots
from fairlead.dataplane.kubernetes import names
from fairlead.ir.fleet import Proxy
from fairlead.providers.kube.errors import ApiError

NAME = "gateway/shop/web"
PATH = f"/api/v1/namespaces/shop/secrets/{names.snapshot_name('web')}"


class Client:
    """Writes down what is asked; refuses deletions while `refusing`."""

    def __init__(self):
        self.asked = []
        self.refusing = False

    async def apply(self, path, obj, *, manager):
        assert manager == "fairlead-snapshots"
        assert obj["data"]["snapshot"]
        self.asked.append(("apply", path))

    async def delete(self, path):
        if self.refusing:
            raise ApiError(503, "ServiceUnavailable", "away")
        self.asked.append(("delete", path))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(snapshots, "PAUSE", 0.001)


def run(client, fleet, body):
    """Run `body` beside a leading writer of the proxies in `fleet`."""

    async def everything():
        writer = Snapshots(client, fleet.get, lambda _: ())
        writer.lead(True)  # noqa: FBT003 - as `Leader` calls it
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(5):
            running = tasks.create_task(writer.run())
            await body(writer)
            running.cancel()

    asyncio.run(everything())


async def until(check):
    while True:
        if check():
            return
        await asyncio.sleep(0.001)


def test_what_was_written_goes_when_the_gateway_leaves():
    client = Client()
    fleet = {NAME: Proxy(NAME, "gateway", "shop", "web", owner="uid")}

    async def body(writer):
        writer.touched([NAME])
        await until(lambda: client.asked == [("apply", PATH)])
        client.refusing = True
        fleet.clear()
        await asyncio.sleep(0.02)
        client.refusing = False
        await until(lambda: client.asked[1:] == [("delete", PATH)])
        await asyncio.sleep(0.02)

    run(client, fleet, body)
    assert client.asked == [("apply", PATH), ("delete", PATH)]


def test_what_others_wrote_is_never_removed():
    """A Secret with the same name may be a user's own."""
    client = Client()

    async def body(writer):
        writer.touched([NAME])
        await asyncio.sleep(0.02)

    run(client, {}, body)
    assert client.asked == []
