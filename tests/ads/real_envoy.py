"""A real Envoy on an `AdsServer`, and resources made of real protobuf messages."""

import asyncio
import contextlib
import json
import tempfile
import time
from pathlib import Path

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_components_pb2, route_pb2, scoped_route_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from google.protobuf import json_format

from fairlead.ads import type_url
from fairlead.ads.server import AdsServer
from fairlead.dataplane.bootstrap import Bootstrap
from fairlead.dataplane.envoy import find_envoy
from fairlead.ir.origin import Origin
from fairlead.xds.resource import Part, bundled, composed, whole
from fairlead.xds.wire import digest, framed
from support.http import over_socket, send

NODE = "gateway/test/edge"
ADS = {"ads": {}, "resource_api_version": "V3"}
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    ".HttpConnectionManager"
)
INSIDE_ANY = (router_pb2, hcm_pb2)
"""Imported so that Any can hold their messages."""


def wire(message, **fields):
    return json_format.ParseDict(fields, message).SerializeToString(deterministic=True)


def cluster(name, timeout="1s", **fields):
    message = wire(
        cluster_pb2.Cluster(),
        **{
            "name": name,
            "type": "EDS",
            "eds_cluster_config": {"eds_config": ADS},
            "connect_timeout": timeout,
            **fields,
        },
    )
    return whole(type_url.CLUSTER, name, message, (Origin("Service", "test", name),))


def endpoints(name, *ports, address="127.0.0.1"):
    found = [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
        for port in ports
    ]
    message = wire(
        endpoint_pb2.ClusterLoadAssignment(),
        cluster_name=name,
        endpoints=[{"lb_endpoints": found}] if found else [],
    )
    return whole(type_url.ENDPOINTS, name, message)


def virtual_host(host, route):
    """A part of a table; its fallback answers 500."""
    broken = {"match": {"prefix": "/"}, "direct_response": {"status": 500}}
    body, fallback = (
        framed(
            2,
            wire(
                route_components_pb2.VirtualHost(),
                name=host,
                domains=[host],
                routes=[made],
            ),
        )
        for made in (route, broken)
    )
    return Part(host, body, fallback, digest(body), (Origin("HTTPRoute", "test", host),))


def to(name):
    return {"match": {"prefix": "/"}, "route": {"cluster": name}}


def answer(status):
    return {"match": {"prefix": "/"}, "direct_response": {"status": status}}


def bad_regex():
    """What Envoy refuses: validation below ours."""
    return {"match": {"safe_regex": {"regex": "*"}}, "direct_response": {"status": 200}}


def routes(name, hosts):
    bundles = tuple(bundled((virtual_host(host, route),)) for host, route in sorted(hosts.items()))
    return composed(type_url.ROUTES, name, wire(route_pb2.RouteConfiguration(), name=name), bundles)


def scope(host, table):
    """Requests for `host` go by `table`."""
    message = wire(
        scoped_route_pb2.ScopedRouteConfiguration(),
        name=host,
        route_configuration_name=table,
        key={"fragments": [{"string_key": host}]},
    )
    return whole(type_url.SCOPE, host, message)


SCOPED = {
    "scoped_routes": {
        "name": "scopes",
        "rds_config_source": ADS,
        "scoped_rds": {"scoped_rds_config_source": ADS},
        "scope_key_builder": {
            "fragments": [{"header_value_extractor": {"name": ":authority", "index": 0}}]
        },
    }
}


def listener(name, port, table=None, address="127.0.0.1"):
    """By one table, or by scopes where none is given."""
    one = {"rds": {"config_source": ADS, "route_config_name": table}}
    manager = {
        "@type": MANAGER,
        "stat_prefix": name,
        "strip_any_host_port": True,
        **(one if table else SCOPED),
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER}}],
    }
    message = wire(
        listener_pb2.Listener(),
        name=name,
        address={"socket_address": {"address": address, "port_value": port}},
        filter_chains=[{"name": "http", "filters": [{"name": "http", "typed_config": manager}]}],
    )
    return whole(type_url.LISTENER, name, message, (Origin("Gateway", "test", name),))


def changes(*resources, gone=()):
    return {(r.type_url, r.name): r for r in resources} | dict.fromkeys(gone)


class Setup:
    """A server, an Envoy, and what the server said about it."""

    def __init__(self, folder):
        self.folder = folder
        self.statuses = []
        self.server = AdsServer(folder / "ads" / "socket", self.statuses.append)
        self.process = None
        self.startup = None
        """Seconds from the start of Envoy until it had everything."""

    async def start_envoy(self):
        bootstrap = Bootstrap(
            NODE, self.server.socket_path, self.folder / "admin", max_heap_bytes=1 << 30
        )
        path = self.folder / "bootstrap.json"
        path.write_bytes(bootstrap.to_json())
        command = [str(find_envoy()), "-c", str(path), "--disable-hot-restart"]
        command += ["--concurrency", "1", "--log-level", "warning"]
        with (self.folder / "envoy.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)

    async def stop_envoy(self):
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    def update(self, *resources, gone=()):
        self.server.update(NODE, changes(*resources, gone=gone))

    async def synced(self, seconds=10):
        """Wait until Envoy has all; returns how long that took, in seconds."""
        begin = time.monotonic()
        async with asyncio.timeout(seconds):
            await self.server.wait_synced(NODE)
        return time.monotonic() - begin

    async def replace_server(self):
        """The control plane dies, and another one takes its place, knowing nothing of the past."""
        await self.server.stop()
        self.server = AdsServer(self.server.socket_path, self.statuses.append)

    async def get(self, port, host):
        """Status of a GET, and of connection failures 0."""
        return await asyncio.to_thread(_get, port, host)

    async def until(self, port, host, status, seconds=10):
        """Wait until a GET is answered so."""
        async with asyncio.timeout(seconds):
            while True:
                if (seen := await self.get(port, host)) == status:
                    return
                await asyncio.sleep(0.01 if seen else 0.05)

    async def disconnected(self, seconds):
        """Wait until the server says that the proxy is gone."""
        async with asyncio.timeout(seconds):
            while True:
                if not self.statuses[-1].connected:
                    return
                await asyncio.sleep(0.01)

    async def config(self):
        """Envoy's own view: ``/config_dump``."""
        return await asyncio.to_thread(_admin, self.folder / "admin", "/config_dump")

    async def stat(self, name):
        """One counter of Envoy's."""
        found = await asyncio.to_thread(
            _admin, self.folder / "admin", f"/stats?format=json&filter=^{name}$"
        )
        return sum(entry.get("value", 0) for entry in found["stats"])


def _get(port, host):
    try:
        return send(("127.0.0.1", port), "/", host).status
    except OSError:
        return 0


def _admin(path, query):
    with over_socket(path) as connection:
        connection.request("GET", query)
        return json.loads(connection.getresponse().read())


@contextlib.asynccontextmanager
async def running(*resources):
    """A served Envoy that holds `resources`; everything is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="fairlead-") as name:
        setup = Setup(Path(name))
        await setup.server.start()
        setup.update(*resources)
        try:
            await setup.start_envoy()
            setup.startup = await setup.synced(30)
            yield setup
        except BaseException:
            print((Path(name) / "envoy.log").read_text()[-3000:])  # noqa: T201 - pytest shows it
            raise
        finally:
            await setup.stop_envoy()
            await setup.server.stop()
