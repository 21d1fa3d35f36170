"""An API server for tests, over a real socket: lists in pages, watches, and faults as scripted.

It keeps objects of any resource under one growing version, as etcd does. A `Fault` is taken for
the next request that it fits, once.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from fairlead.providers.kube.config import ClusterConfig, Credential

Object = dict[str, Any]
Path = str
"""Of a collection over all namespaces, such as /api/v1/services."""


@dataclass(slots=True)
class Fault:
    """What goes wrong with one request."""

    verb: Literal["list", "watch", "get", "discovery"]
    do: Literal["refuse", "cut", "garbage", "slow", "drop", "expire", "repeat"]
    """refuse: with `code`; cut: the body breaks off; garbage: a whole body that is no such answer;
    slow: comes late; drop: no answer; expire: 410 while watching; repeat: each event twice."""
    path: str = ""
    """Part of the path or the query that the request must have."""
    code: int = 500
    retry_after: str = ""
    then: Callable[[], object] = bool
    """Called when it is taken."""


@dataclass(slots=True)
class _Resource:
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    cached: tuple[int, dict[tuple[str, str], Object]] | None = None
    """Version and objects that a list gets which takes any version."""
    log: list[tuple[int, str, Object]] = field(default_factory=list)
    oldest: int = 0
    """Watches from before this version are refused."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class ApiServer:
    """The server's state; `serving` runs it."""

    def __init__(self, *resources: tuple[str, str]) -> None:
        self.url = ""
        self.version = 100
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        """Verb and path with query, of all that came."""
        self.writes: list[tuple[str, str, Any]] = []
        """Method, path and body of all that is no GET."""
        self.forbidden: set[str] = set()
        """Parts of paths that are answered with 403."""
        self.refusals = 0
        """How often that was answered."""
        self.page: bytes | None = None
        """What a proxy on the way answers to everything."""
        self.standing_for: dict[bytes, bytes] = {}
        """Text of bodies to what is sent for it, such as JSON that Python refuses to write."""
        self.hidden: set[str] = set()
        """Plural names that discovery does not tell of."""
        self._resources: dict[Path, _Resource] = {}
        self._watching: set[asyncio.Task[None] | None] = set()
        for api_version, plural in resources:
            self.serve(api_version, plural)

    # What a test does

    def serve(self, api_version: str, plural: str) -> None:
        """Serve a resource from now on."""
        self._resources[_collection(api_version, plural)] = _Resource()

    def stop_serving(self, api_version: str, plural: str) -> None:
        """Answer 404 from now on, and end watches."""
        del self._resources[_collection(api_version, plural)]
        self.end_watches()

    def put(self, plural: str, obj: Object) -> Object:
        """Create or change an object, whatever its resource's version."""
        resource = self._of(plural)
        meta = dict(obj["metadata"])
        key = (meta.get("namespace", ""), meta["name"])
        before = resource.objects.get(key)
        self.version += 1
        meta["uid"] = before["metadata"]["uid"] if before else f"uid-{self.version}"
        meta["resourceVersion"] = str(self.version)
        stored = {**obj, "metadata": meta}
        resource.objects[key] = stored
        self._log(resource, "MODIFIED" if before else "ADDED", stored)
        return stored

    def remove(self, plural: str, namespace: str, name: str) -> None:
        """Delete an object; one that is absent is fine."""
        resource = self._of(plural)
        gone = resource.objects.pop((namespace, name), None)
        if gone is not None:
            self.version += 1
            meta = {**gone["metadata"], "resourceVersion": str(self.version)}
            self._log(resource, "DELETED", {**gone, "metadata": meta})

    def bookmark(self, plural: str) -> None:
        """Tell watches how far they are."""
        self.version += 1
        meta = {"resourceVersion": str(self.version)}
        self._log(self._of(plural), "BOOKMARK", {"metadata": meta})

    def freeze_cache(self, plural: str) -> None:
        """Answer lists that take any version with what is there now, whole, from now on."""
        resource = self._of(plural)
        resource.cached = (self.version, dict(resource.objects))

    def forget_history(self) -> None:
        """Compact: no watch can be taken up from an older version."""
        for resource in self._resources.values():
            resource.oldest = self.version
            resource.log.clear()
        self.end_watches()

    def end_watches(self) -> None:
        """Break all watches."""
        for task in self._watching:
            if task is not None:
                task.cancel()

    def objects(self, plural: str) -> dict[tuple[str, str], str]:
        """Version of each object that there is."""
        held = self._of(plural).objects
        return {key: obj["metadata"]["resourceVersion"] for key, obj in held.items()}

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Listen; yields the URL. May be entered again, on the same port."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._passed)
        runner = web.AppRunner(application, shutdown_timeout=0, handle_signals=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
        self.url = "http://{}:{}".format(*runner.addresses[0][:2])
        try:
            yield self.url
        finally:
            self.end_watches()
            await runner.cleanup()

    # What it answers

    async def _passed(self, request: web.Request) -> web.StreamResponse:
        if self.page is not None:
            return web.Response(body=self.page, content_type="text/html")
        return await self._handle(request)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if any(part in path for part in self.forbidden):
            self.refusals += 1
            return _status(403, "Forbidden", "you may not")
        if request.method != "GET":
            return await self._written_to(request)
        discovers = path in {"/api", "/apis"}
        verb, found = ("discovery", None) if discovers else self._find(request)
        self.requests.append((verb, request.path_qs))
        fault = self._fault(verb, request.path_qs)
        if fault is not None and fault.do == "refuse":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else None
            return _status(fault.code, "Broken", "as scripted", headers)
        if fault is not None and fault.do == "drop":
            assert request.transport is not None
            request.transport.abort()
        if fault is not None and fault.do == "slow":
            await asyncio.sleep(0.05)
        if found is not None and verb == "watch":
            return await self._watch(request, found[0], fault)
        body = self._body(request, verb, found)
        if body is None:
            return _status(404, "NotFound", f"{path} is not there")
        return await _answer(request, self._written(body), fault)

    async def _written_to(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.writes.append((request.method, request.path, body))
        if request.content_type == "application/apply-patch+yaml":
            return web.json_response(body)
        allowed = {"status": {"allowed": True}} if "accessreviews" in request.path else {}
        return web.json_response(allowed)

    def _written(self, body: Object) -> bytes:
        data = json.dumps(body).encode()
        for text, sent in self.standing_for.items():
            data = data.replace(text, sent)
        return data

    def _body(
        self, request: web.Request, verb: str, found: tuple[_Resource, tuple[str, str]] | None
    ) -> Object | None:
        if request.path == "/version":
            return {"gitVersion": "v1.36.3"}
        if verb == "discovery":
            return self._discovery(request.path)
        if found is None:
            return None
        return found[0].objects.get(found[1]) if verb == "get" else self._list(request, found[0])

    def _find(self, request: web.Request) -> tuple[str, tuple[_Resource, tuple[str, str]] | None]:
        """Verb, resource, and namespace and name of the object that is asked for."""
        parts = request.path.strip("/").split("/")
        head = 2 if parts[0] == "api" else 3
        rest = parts[head:]
        namespace = ""
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        resource = self._resources.get("/" + "/".join([*parts[:head], rest[0] if rest else ""]))
        verb = "get" if len(rest) > 1 else "watch" if "watch" in request.query else "list"
        name = rest[1] if len(rest) > 1 else ""
        return verb, None if resource is None else (resource, (namespace, name))

    def _discovery(self, root: str) -> Object:
        groups: dict[str, dict[str, list[str]]] = {}
        for path in self._resources:
            parts = path.strip("/").split("/")
            if "/" + parts[0] == root and parts[-1] not in self.hidden:
                group = parts[1] if root == "/apis" else ""
                groups.setdefault(group, {}).setdefault(parts[-2], []).append(parts[-1])
        items = [
            {
                "metadata": {"name": group},
                "versions": [
                    {"version": version, "resources": [{"resource": each} for each in plurals]}
                    for version, plurals in versions.items()
                ],
            }
            for group, versions in groups.items()
        ]
        return {"kind": "APIGroupDiscoveryList", "items": items}

    def _list(self, request: web.Request, resource: _Resource) -> Object:
        if resource.cached is not None and request.query.get("resourceVersion") == "0":
            version, objects = resource.cached
            return _list_of(version, [objects[key] for key in self._selected(request, objects)])
        keys = sorted(self._selected(request, resource.objects))
        start = int(request.query.get("continue", "0"))
        size = int(request.query.get("limit", "0")) or len(keys) or 1
        end = start + size
        page = _list_of(self.version, [resource.objects[key] for key in keys[start:end]])
        if end < len(keys):
            page["metadata"]["continue"] = str(end)
        return page

    async def _watch(
        self, request: web.Request, resource: _Resource, fault: Fault | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        asked = request.query.get("resourceVersion", "")
        gone = {"code": 410, "reason": "Expired", "message": "too old resource version"}
        await response.prepare(request)
        task = asyncio.current_task()
        self._watching.add(task)
        try:
            if asked and int(asked) < resource.oldest:
                await response.write(_event("ERROR", gone))
                return response
            if not asked:
                for key in self._selected(request, resource.objects):
                    await response.write(_event("ADDED", resource.objects[key]))
            seen = int(asked) if asked else self.version
            while True:
                changed = resource.changed
                for version, kind, obj in list(resource.log):
                    if version <= seen:
                        continue
                    seen = version
                    if not _matches(request, obj) and kind != "BOOKMARK":
                        continue
                    data = _event(kind, obj)
                    if fault is not None and fault.do == "expire":
                        await response.write(_event("ERROR", gone))
                        return response
                    if fault is not None and fault.do in {"cut", "garbage"}:
                        await response.write(data[: len(data) // 2])
                        return response
                    await response.write(data * (2 if fault and fault.do == "repeat" else 1))
                await changed.wait()
        except (asyncio.CancelledError, ConnectionResetError):
            if request.transport is not None:
                request.transport.abort()
            return response
        finally:
            self._watching.discard(task)

    def _selected(
        self, request: web.Request, objects: dict[tuple[str, str], Object]
    ) -> Iterable[tuple[str, str]]:
        return [key for key, obj in objects.items() if _matches(request, obj)]

    def _fault(self, verb: str, path: str) -> Fault | None:
        for index, fault in enumerate(self.faults):
            if fault.verb == verb and fault.path in path:
                fault.then()
                return self.faults.pop(index)
        return None

    def _of(self, plural: str) -> _Resource:
        return next(each for path, each in self._resources.items() if path.endswith("/" + plural))

    def _log(self, resource: _Resource, kind: str, obj: Object) -> None:
        resource.log.append((self.version, kind, obj))
        resource.changed.set()
        resource.changed = asyncio.Event()


def _collection(api_version: str, plural: str) -> Path:
    return f"/{'apis' if '/' in api_version else 'api'}/{api_version}/{plural}"


def _list_of(version: int, items: list[Object]) -> Object:
    return {"kind": "List", "metadata": {"resourceVersion": str(version)}, "items": items}


def _matches(request: web.Request, obj: Object) -> bool:
    name = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
    parts = request.path.strip("/").split("/")
    namespace = parts[parts.index("namespaces") + 1] if "namespaces" in parts[:-1] else ""
    meta = obj["metadata"]
    return name in {"", meta.get("name")} and namespace in {"", meta.get("namespace")}


def _event(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def _status(
    code: int, reason: str, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return web.json_response(body, status=code, headers=headers)


async def _answer(request: web.Request, data: bytes, fault: Fault | None) -> web.StreamResponse:
    if fault is not None and fault.do == "garbage":
        return web.Response(body=b'{"kind":"Status"}', content_type="application/json")
    if fault is not None and fault.do == "cut":
        response = web.StreamResponse(headers={"Content-Length": str(len(data))})
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        assert request.transport is not None
        request.transport.close()
        return response
    return web.Response(body=data, content_type="application/json")


class _NoCredentials:
    def current(self) -> Credential:
        return Credential()

    async def renew(self) -> None:
        """There are none."""


def without_credentials(url: str) -> ClusterConfig:
    """For clients of a server that lets everybody in."""
    return ClusterConfig(url, _NoCredentials())


async def until(check: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not check():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.002)
