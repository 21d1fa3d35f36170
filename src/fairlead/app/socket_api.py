"""The instance's HTTP API: what `fairlead get`, `describe` and `exec` talk to.

Read only, JSON. On a Unix socket it is for the instance's own user alone (the socket is private).
In a cluster it is on a port of the pod's loopback address, which is reached by who may forward
ports to the pod; a Host check keeps out pages that a browser beside such a forward has open.
Nothing is answered from a half-applied change, and values of Secrets are never part of an answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
from aiohttp import web

from fairlead.analysis.explain import Facts
from fairlead.analysis.table import Row, Table
from fairlead.analysis.view import View
from fairlead.app.answers import NotFoundError, Query, description_of, objects_of, table_of
from fairlead.app.engine import Engine
from fairlead.app.explanation import Question, answer
from fairlead.app.receipts import Receipt
from fairlead.translate.sources import Key

MOST_QUESTION = 1024 * 1024
"""Bytes of a URL at most: requests to explain are part of it."""
WATCH_SECONDS = 0.5
"""A watcher looks at least so often: acknowledgements change no collection."""
WATCH_PAUSE = 0.05
"""And at most so often."""
LOOPBACK = "127.0.0.1"
_LOCAL_NAMES = frozenset({"localhost", LOOPBACK, "[::1]"})
"""Hosts that a request may be for where it comes over TCP."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Backend:
    """What the handlers ask."""

    engine: Engine
    view: Callable[[], View]
    waiting_for: Callable[[], str | None]
    """What the instance is still waiting for before it is ready, None once it is."""
    exec_environment: Callable[[Key, str | None], Mapping[str, Any]]
    """Environment of a pod's container; raises NotFoundError."""
    dump: Callable[[], msgspec.Struct]
    """The graph's collections (`Graph.dump`)."""
    receipts: Callable[[], list[Receipt]]
    """When the objects that changed last did so."""


class SocketApi:
    """The server; `start` binds, `stop` ends every request.

    Args:
        place: Path of a Unix socket, or a TCP port on 127.0.0.1 (0 for any free one).
        backend: What the handlers ask.
    """

    def __init__(self, place: Path | int, backend: Backend) -> None:
        self._place = place
        self._backend = backend
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises OSError if the socket can't be bound."""
        middlewares = [_problems_as_json]
        if isinstance(self._place, int):
            middlewares.append(_local_names_only)
        app = web.Application(middlewares=middlewares)
        app.router.add_get("/v1/ready", self._ready)
        app.router.add_get("/v1/table/{kind}", self._table)
        app.router.add_get("/v1/objects/{kind}", self._objects)
        app.router.add_get("/v1/watch/{kind}", self._watch)
        app.router.add_get("/v1/describe/{kind}/{namespace}/{name}", self._describe)
        app.router.add_get("/v1/explain", self._explain)
        app.router.add_get("/v1/exec-env/{namespace}/{pod}", self._exec_environment)
        app.router.add_get("/debug/graph", self._graph)
        app.router.add_get("/debug/receipts", self._receipts)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.2,
            max_line_size=MOST_QUESTION,
        )
        await self._runner.setup()
        if isinstance(self._place, int):
            await web.TCPSite(self._runner, LOOPBACK, self._place).start()
        else:
            await web.UnixSite(self._runner, str(self._place)).start()
            self._place.chmod(0o600)

    @property
    def port(self) -> int:
        """The TCP port that is bound.

        Raises:
            RuntimeError: there is none: it is a Unix socket, or not started.
        """
        for address in self._runner.addresses if self._runner is not None else ():
            if isinstance(address, tuple):
                return cast("tuple[str, int]", address)[1]
        raise RuntimeError("the API listens on no TCP port")

    async def stop(self) -> None:
        """End open requests and remove the socket."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _view(self) -> View:
        await self._backend.engine.settled()
        return self._backend.view()

    async def _ready(self, _request: web.Request) -> web.Response:
        waiting = "the first load" if not self._backend.engine.turns else None
        waiting = waiting or self._backend.waiting_for()
        if waiting is not None:
            return _json({"message": f"waiting for {waiting}"}, status=503)
        return _json({"ready": True})

    async def _table(self, request: web.Request) -> web.Response:
        return _json(table_of(await self._view(), _query(request)))

    async def _objects(self, request: web.Request) -> web.Response:
        items = objects_of(await self._view(), _query(request))
        return _json({"apiVersion": "v1", "kind": "List", "items": items})

    async def _describe(self, request: web.Request) -> web.Response:
        info = request.match_info
        key = (info["namespace"], info["name"])
        return _json(description_of(await self._view(), info["kind"], key))

    async def _explain(self, request: web.Request) -> web.Response:
        try:
            question = msgspec.json.decode(request.query.get("question", ""), type=Question)
        except msgspec.DecodeError as error:
            return _json({"message": f"no question to explain: {error}"}, status=400)
        view = await self._view()
        return _json(
            answer(Facts(view.sources, view.outputs), question, view.live.problems(), view)
        )

    async def _exec_environment(self, request: web.Request) -> web.Response:
        await self._backend.engine.settled()
        key = (request.match_info["namespace"], request.match_info["pod"])
        return _json(self._backend.exec_environment(key, request.query.get("container")))

    async def _graph(self, _request: web.Request) -> web.Response:
        await self._backend.engine.settled()
        return _json(self._backend.dump())

    async def _receipts(self, _request: web.Request) -> web.Response:
        return _json({"receipts": self._backend.receipts()})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """The present rows and objects, then those that change, one JSON document a line."""
        query = _query(request)
        changes = _Changes(query)
        view = await self._view()
        nothing: list[Any] = []
        first = changes.next(view) or {"table": table_of(view, query), "objects": nothing}
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(_line(first))
        engine = self._backend.engine
        while True:
            seen = engine.turns
            await asyncio.sleep(WATCH_PAUSE)
            try:
                async with asyncio.timeout(WATCH_SECONDS):
                    await engine.next_turn(seen)
            except TimeoutError:
                pass
            event = changes.next(await self._view())
            if event is not None:
                await response.write(_line(event))


class _Changes:
    """Which rows and objects of a query are others than a moment ago; ages don't count."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._rows: set[tuple[str, ...]] = set()
        self._objects: dict[Key, Any] = {}

    def next(self, view: View) -> dict[str, Any] | None:
        """What is new, None if nothing is. Objects that are gone are not told."""
        query = msgspec.structs.replace(self._query, name=None)
        table = table_of(view, query)
        ages = [i for i, column in enumerate(table.columns) if column.name in {"AGE", "LAST-ACK"}]
        rows = {
            _without_ages(row, ages): row
            for row in table.rows
            if self._query.name in {None, row.name}
        }
        fresh = tuple(row for content, row in rows.items() if content not in self._rows)
        self._rows = set(rows)
        objects = {_identity(item): item for item in objects_of(view, query)}
        changed = [item for key, item in objects.items() if self._objects.get(key) != item]
        changed = [item for item in changed if self._query.name in {None, _identity(item)[1]}]
        self._objects = objects
        if not fresh and not changed:
            return None
        return {"table": msgspec.structs.replace(table, rows=fresh), "objects": changed}


def _identity(item: Mapping[str, Any]) -> Key:
    problem = item.get("problem")
    name = str(sorted(problem.items())) if problem else item["metadata"]["name"]
    return (item["metadata"].get("namespace", ""), name)


def _without_ages(row: Row, ages: list[int]) -> tuple[str, ...]:
    cells = (cell for index, cell in enumerate(row.cells) if index not in ages)
    return (row.namespace, row.name, *cells)


def _query(request: web.Request) -> Query:
    return Query(
        request.match_info["kind"], request.query.get("namespace"), request.query.get("name")
    )


def _json(value: Mapping[str, Any] | Table | msgspec.Struct, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json"
    )


def _line(value: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(value) + b"\n"


@web.middleware
async def _problems_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except NotFoundError as error:
        return _json({"message": str(error)}, status=404)
    except web.HTTPException as error:
        return _json({"message": error.reason}, status=error.status)


@web.middleware
async def _local_names_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse names that somebody else's DNS may have pointed at this port."""
    host, colon, port = request.host.rpartition(":")
    if not (colon and port.isdigit()):
        host = request.host
    if host.lower() not in _LOCAL_NAMES:
        return _json({"message": "ask for localhost: this API is for this pod's own"}, status=403)
    return await handler(request)
