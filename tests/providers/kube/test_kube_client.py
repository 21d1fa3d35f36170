"""Requests to an API server, over a real socket."""

import asyncio

import pytest

from fairlead.providers.kube.client import ApiError, KubeClient, UnreachableError
from fairlead.providers.kube.config import ClusterConfig, ConfigError, Credential
from fairlead.providers.kube.paths import path_of
from support.api_server import ApiServer, Fault

SERVICES = "/api/v1/namespaces/a/services"


class Tokens:
    """Credentials that can be renewed, or not."""

    def __init__(self, error: str = "") -> None:
        self.number = 1
        self.error = error

    def current(self) -> Credential:
        return Credential(f"Bearer {self.number}")

    async def renew(self) -> None:
        if self.error:
            raise ConfigError(self.error)
        self.number += 1


def run(script, tokens: Tokens | None = None, *faults: Fault) -> ApiServer:
    """Run `script(client)` against a server with the Service a/s."""

    async def limited():
        server = ApiServer(("v1", "services"))
        server.put("services", {"metadata": {"name": "s", "namespace": "a"}})
        server.faults += faults
        async with (
            asyncio.timeout(20),
            server.serving() as url,
            KubeClient(ClusterConfig(url, tokens or Tokens())) as client,
        ):
            await script(client)
        return server

    return asyncio.run(limited())


def test_paths():
    assert path_of("v1", "pods") == "/api/v1/pods"
    assert path_of("v1", "pods", "a", "b", "log") == "/api/v1/namespaces/a/pods/b/log"
    assert path_of("apps/v1", "deployments", "a") == "/apis/apps/v1/namespaces/a/deployments"
    assert path_of("x.y/v1", "things", name="a:b/c") == "/apis/x.y/v1/things/a%3Ab%2Fc"


def test_what_the_server_says_is_in_the_error():
    async def script(client):
        with pytest.raises(ApiError, match="is not there") as caught:
            await client.get(f"{SERVICES}/absent")
        assert (caught.value.code, caught.value.reason) == (404, "NotFound")

    run(script)


def test_a_refused_credential_is_renewed_and_tried_once_more():
    tokens = Tokens()

    async def script(client):
        assert b'"s"' in await client.get(f"{SERVICES}/s")
        assert tokens.number == 2
        with pytest.raises(ApiError) as caught:
            await client.get(SERVICES)
        assert (caught.value.code, tokens.number) == (401, 3)

    lists = [Fault("list", "refuse", code=401) for _ in range(2)]
    run(script, tokens, Fault("get", "refuse", code=401), *lists)


def test_credentials_that_cannot_be_renewed_are_told():
    async def script(client):
        with pytest.raises(UnreachableError, match="log in first"):
            await client.get(SERVICES)

    run(script, Tokens("log in first"), Fault("list", "refuse", code=401))


def test_a_request_is_put_off_where_the_server_asks_for_it():
    async def script(client):
        assert b'"s"' in await client.get(SERVICES)
        with pytest.raises(ApiError) as caught:
            await client.get(f"{SERVICES}/s")
        assert caught.value.code == 429

    run(
        script,
        None,
        Fault("list", "refuse", code=429, retry_after="0"),
        Fault("list", "refuse", code=429, retry_after="0"),
        Fault("get", "refuse", code=429),
    )


@pytest.mark.parametrize("what", ["cut", "drop"])
def test_no_answer_is_an_error_of_its_own(what):
    async def script(client):
        with pytest.raises(UnreachableError, match="GET /api/v1/namespaces/a/services at http"):
            await client.get(SERVICES)

    run(script, None, *(Fault("list", what) for _ in range(2)))  # once more is tried anyway


def test_nobody_there_is_an_error_of_its_own():
    async def script(_):
        async with KubeClient(ClusterConfig("http://127.0.0.1:1", Tokens())) as client:
            with pytest.raises(UnreachableError) as caught:
                await client.get(SERVICES)
            assert caught.value.code == 0

    run(script)


def test_writes():
    obj = {"metadata": {"name": "s"}}

    async def script(client):
        await client.apply(f"{SERVICES}/s", obj, manager="m")
        await client.create(SERVICES, obj)
        await client.replace(f"{SERVICES}/s", obj)
        await client.merge_patch(f"{SERVICES}/s", {"status": None})
        await client.delete(f"{SERVICES}/s", uid="u")

    assert run(script).writes == [
        ("PATCH", f"{SERVICES}/s", obj),
        ("POST", SERVICES, obj),
        ("PUT", f"{SERVICES}/s", obj),
        ("PATCH", f"{SERVICES}/s", {"status": None}),
        (
            "DELETE",
            f"{SERVICES}/s",
            {"propagationPolicy": "Background", "preconditions": {"uid": "u"}},
        ),
    ]


def test_a_watch_that_breaks_off_in_an_event_is_an_error():
    async def script(client):
        events = client.watch("/api/v1/services", {"resourceVersion": "1"})
        with pytest.raises(UnreachableError, match="cut short"):
            await anext(events)

    run(script, None, Fault("watch", "cut"))
