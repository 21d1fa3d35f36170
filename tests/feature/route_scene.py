"""One running instance for the tests of a module, with echoing backends and one client pod.

A module's manifests are its values of type `Manifest`, wherever they stand: next to the test that
they are for. Routes made by `both` have two parents, the Gateway `default/gateway` and a Service
of their own, so that one test asks from both sides:

    EXACT = both("exact", '''
    - matches: [{path: {type: Exact, value: /one}}]
      backendRefs: [{name: v1, port: 80}]
    ''')

    @sides
    def test_exact(scene, side):
        assert scene.ask(side, EXACT, "/one").backend == "v1"

The Services `BACKENDS` are there in each module.
"""

import http.client
import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from textwrap import dedent, indent
from urllib.parse import urlsplit

import pytest

from feature.echo import Echo
from feature.harness import Instance, parent_conditions

BACKENDS = ("v1", "v2", "v3")
"""Services of the namespace default, each with one endpoint that echoes that name."""
ROOT = "root"
"""What answers on the endpoint of a root Service, where no route governs it."""
CLIENT = "client"
"""The pod that asks, in each namespace that has one."""

sides = pytest.mark.parametrize("side", ["gateway", "mesh"])

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway, namespace: default}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
"""
GATEWAY_PARENT = "{name: gateway}"


@dataclass(frozen=True)
class Manifest:
    """Documents, and the Services that they need beside `BACKENDS`."""

    text: str
    name: str = ""
    namespace: str = "default"
    roots: tuple[tuple[str, str], ...] = ()
    """(namespace, name) of Services whose endpoint answers as `ROOT`."""

    @property
    def host(self) -> str:
        """The hostname of a route made by `both`."""
        return f"{self.name}.example"


def route(
    name: str, rules: str, *, parents: str, hostnames: str = "", namespace: str = "default"
) -> str:
    """An HTTPRoute; `rules` is the YAML of its list, `parents` and `hostnames` those of theirs."""
    head = dedent(f"""\
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {{name: {name}, namespace: {namespace}}}
        spec:
          parentRefs: [{parents}]
        """)
    hosts = f"  hostnames: [{hostnames}]\n" if hostnames else ""
    return f"{head}{hosts}  rules:\n{indent(dedent(rules).strip(), '  ')}\n"


def service_parent(name: str, port: int | None = None) -> str:
    """The parentRef of a Service."""
    at = f", port: {port}" if port else ""
    return f'{{group: "", kind: Service, name: {name}{at}}}'


def both(name: str, rules: str) -> Manifest:
    """A route with two parents: the Gateway for `name`.example, and the Service `name`."""
    parents = f"{GATEWAY_PARENT}, {service_parent(name)}"
    text = route(name, rules, parents=parents, hostnames=f"{name}.example")
    return Manifest(text, name, roots=(("default", name),))


def at_gateway(
    name: str,
    rules: str,
    hostnames: str = "",
    *,
    parents: str = GATEWAY_PARENT,
    namespace: str = "default",
) -> Manifest:
    """A route with Gateway parents only."""
    text = route(name, rules, parents=parents, hostnames=hostnames, namespace=namespace)
    return Manifest(text, name, namespace)


def forward(*backends: str) -> str:
    """The YAML of one rule that forwards everything."""
    refs = ", ".join(f"{{name: {name}, port: 80}}" for name in backends)
    return f"- backendRefs: [{refs}]"


def service(
    name: str,
    port: int | None,
    *,
    namespace: str = "default",
    app_protocol: str = "",
    ports: tuple[int, ...] = (80,),
) -> str:
    """A Service without selector whose one endpoint is 127.0.0.1:`port`; None for no endpoint."""
    protocol = f", appProtocol: {app_protocol}" if app_protocol else ""
    listed = ", ".join(f"{{name: p{number}, port: {number}{protocol}}}" for number in ports)
    text = dedent(f"""\
        apiVersion: v1
        kind: Service
        metadata: {{name: {name}, namespace: {namespace}}}
        spec: {{ports: [{listed}]}}
        """)
    if port is None:
        return text
    named = ", ".join(f"{{name: p{number}, port: {port}}}" for number in ports)
    return text + dedent(f"""\
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: {name}
          namespace: {namespace}
          labels: {{kubernetes.io/service-name: {name}}}
        addressType: IPv4
        ports: [{named}]
        endpoints: [{{addresses: [127.0.0.1], conditions: {{ready: true}}}}]
        """)


def pod(name: str = CLIENT, namespace: str = "default", labels: str = "{}") -> str:
    """A pod that only waits to be asked for requests."""
    return dedent(f"""\
        apiVersion: v1
        kind: Pod
        metadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}
        spec:
          containers:
          - {{name: curl, image: curlimages/curl, command: [sh, -c, sleep 3650d]}}
        """)


def extension(kind: str, name: str) -> str:
    """A filter that names an object of ours."""
    ref = f"{{group: fairlead.dev, kind: {kind}, name: {name}}}"
    return f"{{type: ExtensionRef, extensionRef: {ref}}}"


def documents(*texts: str) -> str:
    """Several documents as one file."""
    return "---\n".join(texts)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    text: str

    @cached_property
    def said(self) -> dict | None:
        """What the backend told; None if no backend answered."""
        return json.loads(self.text) if self.text.startswith("{") else None

    @property
    def backend(self) -> str | None:
        """Name of the backend that answered."""
        return self.said["backend"] if self.said else None

    @property
    def target(self) -> str:
        """Path and query as they reached the backend."""
        return self.said["target"] if self.said else ""

    def values(self, name: str) -> list[str]:
        """The values of a header of the answer."""
        return [value for key, value in self.headers if key == name]

    @property
    def location(self) -> str | None:
        return next(iter(self.values("location")), None)

    def received(self, name: str) -> list[str]:
        """The values of a header as it reached the backend."""
        assert self.said is not None, self
        return [value for key, value in self.said["headers"] if key == name]


class Scene:
    """The instance of a module and ways to ask it."""

    def __init__(self, run: Instance, echo: Echo) -> None:
        self.run = run
        self.echo = echo
        self._places: dict[tuple[str, str, str], tuple[str, int]] = {}

    def ask(self, side: str, target: Manifest, path: str = "/", **options) -> Answer:
        """Send a request to a route made by `both`: to its host, or to its Service."""
        if side == "gateway":
            return self.gateway(target.host, path, **options)
        return self.mesh(f"http://{target.name}{path}", **options)

    def gateway(
        self,
        host: str | None,
        path: str = "/",
        *,
        name: str = "gateway",
        namespace: str = "default",
        port: int = 80,
        **options,
    ) -> Answer:
        """Send a request for `host` to a port of a Gateway."""
        address, offset_port = self.gateway_place(name, namespace)
        place = (address, offset_port if port == 80 else port)
        return send(place, path, host or address, **options)

    def mesh(
        self, url: str, *, client: str = CLIENT, namespace: str = "default", **options
    ) -> Answer:
        """Send a request as a pod, the way an HTTP client with http_proxy does."""
        return send(self.pod_place(client, namespace), url, urlsplit(url).netloc, **options)

    def shares(self, side: str, target: Manifest, number: int, path: str = "/") -> Counter:
        """How often each backend (by name; by status, where none) answers, over one connection."""
        if side == "gateway":
            place, asked, host = self.gateway_place(), path, target.host
        else:
            place, asked, host = self.pod_place(), f"http://{target.name}{path}", target.name
        connection = http.client.HTTPConnection(*place, timeout=20)
        answers = (_exchange(connection, "GET", asked, host) for _ in range(number))
        counted = Counter(answer.backend or answer.status for answer in answers)
        connection.close()
        return counted

    def parent(self, target: Manifest, index: int = 0) -> dict[str, tuple[str, str]]:
        """Type to (status, reason) of the conditions that a route has for one parent."""
        return parent_conditions(self.route(target), index)

    def route(self, target: Manifest) -> dict:
        """A route with its status."""
        return self.run.one("httproutes", target.name, target.namespace)

    def attempts(self, name: str) -> int:
        """How many requests with this x-echo-id have reached backends."""
        return self.echo.attempts[name]

    def gateway_place(self, name: str = "gateway", namespace: str = "default") -> tuple[str, int]:
        """Address of a Gateway, and where its port 80 answers."""
        return self._place("gateway", name, namespace)

    def pod_place(self, name: str = CLIENT, namespace: str = "default") -> tuple[str, int]:
        """Address and port of a pod's outbound listener."""
        return self._place("pod", name, namespace)

    def _place(self, kind: str, name: str, namespace: str) -> tuple[str, int]:
        key = (kind, name, namespace)
        if key not in self._places:
            if kind == "pod":
                self._places[key] = self.run.outbound(name, namespace)
            else:
                parts = urlsplit(self.run.url(name, namespace))
                self._places[key] = (parts.hostname or "", parts.port or 80)
        return self._places[key]


def send(
    place: tuple[str, int],
    target: str,
    host: str,
    *,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] | dict[str, str] = (),
    body: str = "",
) -> Answer:
    """Send one request over a connection of its own, with exactly these headers beside Host."""
    connection = http.client.HTTPConnection(*place, timeout=20)
    try:
        pairs = tuple(headers.items()) if isinstance(headers, dict) else headers
        return _exchange(connection, method, target, host, headers=pairs, body=body)
    finally:
        connection.close()


def _exchange(connection, method, target, host, *, headers=(), body="") -> Answer:
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", host)
    for name, value in headers:
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode() or None)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    pairs = tuple((name.lower(), value) for name, value in answer.getheaders())
    return Answer(answer.status, pairs, text)


def manifests_of(module, echo: Echo) -> dict[str, str]:
    """File name to text for a module's instance."""
    found = [value for value in vars(module).values() if isinstance(value, Manifest)]
    roots = {root for manifest in found for root in manifest.roots}
    services = [service(name, echo.port(name)) for name in BACKENDS]
    services += [service(name, echo.port(ROOT), namespace=space) for space, name in sorted(roots)]
    return {
        "gateway.yaml": GATEWAY,
        "client.yaml": pod(),
        "services.yaml": documents(*services),
        "routes.yaml": documents(*(manifest.text for manifest in found if manifest.text)),
    }
