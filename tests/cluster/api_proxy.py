"""A proxy between a control plane and the API server which spoils answers on demand.

It speaks plain HTTP on loopback and asks the API server through `kubectl proxy`, so a kubeconfig
that names it needs no credentials.
"""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import aiohttp
from aiohttp import web

from cluster.asked import Asked, asked, rights

Fault = Literal["held", "failing", "truncated", "busy"]


def is_list(request: web.BaseRequest) -> bool:
    """Whether a request asks for a list of a kind in all namespaces, and is no watch."""
    parts = request.path.strip("/").split("/")
    whole = len(parts) == {"api": 3, "apis": 4}.get(parts[0])
    return request.method == "GET" and whole and "watch" not in request.query


class ApiProxy:
    """Serves as long as it is not stopped; `spoil` says what becomes of lists from now on.

    held: no answer until the fault is taken away. failing: 500. truncated: half of the body.
    busy: 429 with a Retry-After of one second.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._fault: Fault | None = None
        self._sound = asyncio.Event()
        self.spoiled = 0
        """How many answers were spoiled."""
        self.taken: list[tuple[Asked, int]] = []
        """The rights that requests took so far, with the status codes of their answers."""
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def start(self) -> None:
        """Listen; returns when it does."""
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """End all requests."""
        self._tell(self._stopped.set)
        self._thread.join()

    def _tell(self, what: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    def spoil(self, fault: Fault | None) -> None:
        """Spoil lists in this way from now on; None lets them through, also those held."""
        self._fault = fault
        self._tell(self._sound.set if fault is None else self._sound.clear)

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig that names this proxy."""
        server = {"server": f"http://127.0.0.1:{self.port}"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "proxy",
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "nobody"}}],
            "clusters": [{"name": "proxy", "cluster": server}],
            "users": [{"name": "nobody", "user": {}}],
        }
        path.write_text(json.dumps(config))
        return path

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            self._session = session
            server = web.Server(self._answer)
            runner = web.ServerRunner(server, shutdown_timeout=0.2)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            self._started.set()
            await self._stopped.wait()
            await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        spoil = self._fault if is_list(request) else None
        self.spoiled += spoil is not None
        if spoil == "held":
            await self._sound.wait()
        if spoil == "failing":
            return web.json_response({"kind": "Status", "code": 500}, status=500)
        if spoil == "busy":
            return web.json_response(
                {"kind": "Status", "code": 429}, status=429, headers={"retry-after": "1"}
            )
        return await self._forward(request, self._half if spoil == "truncated" else self._whole)

    async def _forward(self, request: web.BaseRequest, deliver: Callable) -> web.StreamResponse:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() in ("content-type", "accept", "user-agent")
        }
        body = await request.read() if request.can_read_body else None
        async with self._session.request(
            request.method, self._upstream + request.raw_path, headers=headers, data=body
        ) as answer:
            self._note(request, answer.status)
            try:
                return await deliver(request, answer)
            except ConnectionResetError:  # the client has left: nothing to tell it
                return web.Response()

    def _note(self, request: web.BaseRequest, code: int) -> None:
        found = asked(request.method, request.path, request.query)
        if found is not None:
            self.taken += [(right, code) for right in rights(found, code)]

    async def _whole(
        self, request: web.BaseRequest, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status)
        for name in ("content-type", "retry-after"):
            if name in answer.headers:
                response.headers[name] = answer.headers[name]
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _half(
        self, request: web.BaseRequest, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        content = await answer.read()
        response = web.StreamResponse(status=answer.status)
        response.content_type = "application/json"
        response.content_length = len(content)
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
        assert request.transport is not None
        request.transport.close()
        return response
