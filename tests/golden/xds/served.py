"""A real Envoy with what xds made of some IR, and an upstream that tells what reached it."""

import contextlib
import http.client
import json
import socket
import subprocess
import time
from dataclasses import dataclass

from fairlead.dataplane.envoy import find_envoy
from golden.xds.static_bootstrap import static
from support.http import send

START_SECONDS = 20
CONNECTIONS = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"


@dataclass
class Running:
    """The started Envoy."""

    port: int

    def connection(self):
        """A connection that is kept; the caller closes it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def get(self, path, host="a.example.com", method="GET", raw=(), **headers):
        """One request on a connection of its own; underscores in `headers` become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        place = ("127.0.0.1", self.port)
        return send(place, path, host, method=method, headers={**named, **dict(raw)})


def upstream(port, seen):
    """A listener that answers every request with what reached it, the headers `seen` included."""
    told = {"x-path": "%REQ(:path)%", "x-host": "%REQ(:authority)%"}
    told |= {f"x-saw-{name}": f"%REQ({name})%" for name in seen}
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200},
        "response_headers_to_add": [
            {"header": {"key": name, "value": value}} for name, value in told.items()
        ],
    }
    manager = {
        "@type": f"{CONNECTIONS}.HttpConnectionManager",
        "stat_prefix": "upstream",
        "http_filters": [
            {
                "name": "router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                },
            }
        ],
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}],
        },
    }
    return {
        "name": "upstream",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }
                ]
            }
        ],
    }


@contextlib.contextmanager
def running(folder, world, *, port, upstream_port, seen=(), change=None):
    """Serve `world`, whose listener binds `port`, until the end of the context.

    `change` is called with Envoy's configuration, to change it before Envoy reads it.
    """
    config = static(world, folder / "admin.sock")
    if change is not None:
        change(config)
    config["static_resources"]["listeners"].append(upstream(upstream_port, seen))
    path = folder / "envoy.json"
    path.write_text(json.dumps(config))
    log = folder / "envoy.log"
    command = [
        *(str(find_envoy()), "-c", str(path), "--concurrency", "1"),
        *("--log-level", "warning", "--log-path", str(log), "--use-dynamic-base-id"),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + START_SECONDS
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.02)
            yield Running(port)
        finally:
            process.terminate()
