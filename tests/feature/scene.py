"""What feature tests of the mesh share: instances for a module, manifests, callers and loads.

@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with running(tmp_path_factory, {"web.yaml": deployment("web") + service("web")}) as run:
        yield run
"""

import asyncio
import contextlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import click

from fairlead.cli.load import Connection, Tally, steady
from feature.harness import Instance
from support.http import exchange, send

LANES = 8
"""Connections over which many requests are sent."""


@contextlib.contextmanager
def running(tmp_path_factory, files, *options, pods=True):
    """An instance on some files; waits until its pods are ready, unless it has none."""
    run = Instance(tmp_path_factory.mktemp("run"), files, *options)
    try:
        run.start()
        if pods:
            run.until_pods()
        yield run
    finally:
        run.stop()


# Manifests


def deployment(name, namespace="default", *, replicas=1, text=None, labels="", args=""):
    """A Deployment of http-echo with the label app=NAME, which answers with its text."""
    extra = f", {labels}" if labels else ""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}{extra}}}}}
    spec:
      containers:
      - name: echo
        image: hashicorp/http-echo
        args: ["-text={text or name}"{args}]
        env: [{{name: POD_NAME, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}]
        ports: [{{name: web, containerPort: 5678}}]
---
"""


def service(
    name, namespace="default", *, app=None, ports="{name: http, port: 80, targetPort: web}"
):
    """A Service that selects app=APP, or without selector where APP is empty."""
    selector = f"selector: {{app: {app or name}}}, " if app != "" else ""
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{{selector}ports: [{ports}]}}
---
"""


def client(name="client", namespace="default", labels=""):
    """A pod that does nothing but be somebody."""
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}
spec:
  containers: [{{name: curl, image: curlimages/curl, command: [sleep, infinity]}}]
---
"""


def namespace(name, labels=""):
    return f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {name}, labels: {{{labels}}}}}
---
"""


def endpoint_slice(name, *addresses, namespace="default", port=80, port_name="http"):
    """The addresses behind the Service NAME that has no selector; all at one port."""
    endpoints = ", ".join(f"{{addresses: [{address}]}}" for address in addresses)
    return f"""
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{kubernetes.io/service-name: {name}}}
addressType: IPv4
ports: [{{name: {port_name}, port: {port}}}]
endpoints: [{endpoints}]
---
"""


def gateway(name):
    """A Gateway with a listener for HTTP on port 80."""
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec: {{gatewayClassName: fairlead, listeners: [{{name: http, protocol: HTTP, port: 80}}]}}
---
"""


def route(
    name, parent, rules, *, namespace="default", parent_namespace=None, port=None, gateways=()
):
    """An HTTPRoute on a Service and on Gateways; `rules` is YAML text in flow style."""
    before = "".join(f"{{name: {each}}}, " for each in gateways)
    place = f", namespace: {parent_namespace}" if parent_namespace else ""
    number = f", port: {port}" if port else ""
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  parentRefs: [{before}{{group: "", kind: Service, name: {parent}{place}{number}}}]
  rules: {rules}
---
"""


def to(backend, *, prefix=None, namespace=None, port=80):
    """A rule that sends everything, or what is below a path, to a Service."""
    match = f"matches: [{{path: {{value: {prefix}}}}}], " if prefix else ""
    place = f", namespace: {namespace}" if namespace else ""
    return f"{{{match}backendRefs: [{{name: {backend}{place}, port: {port}}}]}}"


# Changes


def rewrite(run, file, text, kind, name, namespace="default"):  # noqa: PLR0917 - in the order of a sentence
    """Write a file and wait until the object that it changes is served as it now stands."""
    before = generation(run, kind, name, namespace)
    run.write(file, text)
    run.until(f"{kind} {name} read", lambda: generation(run, kind, name, namespace) != before)
    run.until_ready()


def generation(run, kind, name, namespace="default"):
    """The generation of an object; 0 if there is none."""
    found = find(run, kind, name, namespace)
    return found["metadata"]["generation"] if found else 0


def find(run, kind, name, namespace="default"):
    """The object, None if there is none."""
    try:
        return run.one(kind, name, namespace)
    except click.ClickException:
        return None


def conditions(item):
    """Type to (status, reason, message) of an object's own conditions."""
    found = item.get("status", {}).get("conditions", [])
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in found}


def problems(run):
    """What is wrong with the documents."""
    return [item["problem"] for item in run.get("problems")]


# Traffic


class Caller:
    """A pod's way out: requests through its own outbound listener."""

    def __init__(self, run, pod="client", namespace="default"):
        self.address = run.outbound(pod, namespace)

    def get(self, url, headers=None):
        """Send a GET on a connection of its own, as HTTP clients do that have this proxy."""
        return send(self.address, url, urlsplit(url).netloc, headers=headers)

    def get_on(self, connection, url, headers=None):
        """Send a GET on a connection that is kept."""
        return exchange(connection, url, urlsplit(url).netloc, headers=headers)

    def status(self, url):
        return self.get(url).status

    def body(self, url):
        """The text of a good answer, else the status."""
        answer = self.get(url)
        return answer.body.strip() if answer.status == 200 else answer.status

    def many(self, url, count):
        """Send `count` requests over eight connections; how often each text or bad status came."""
        return asyncio.run(_count(self.address, url, count))


async def _count(address, url, count):
    found = Counter()
    authority = urlsplit(url).netloc

    async def lane(share):
        connection = Connection(*address)
        for _ in range(share):
            status, body = await connection.get(authority, url)
            found[body.decode().strip() if status == 200 else status] += 1
        connection.close()

    await asyncio.gather(*(lane(len(range(i, count, LANES))) for i in range(LANES)))
    return found


@contextlib.contextmanager
def load(address, url, rate=200):
    """Send requests while the block runs, at `rate` a second; yields their tally."""
    tally, loop, stop = Tally(), asyncio.new_event_loop(), asyncio.Event()
    authority = urlsplit(url).netloc

    def work():
        loop.run_until_complete(
            steady(tally, address, authority, rate=rate, stop=stop, path=url, connections=4)
        )

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield tally
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


class Server:
    """An HTTP server of the test's own, for EndpointSlices: its answer can be changed at will."""

    def __init__(self, text, host="127.0.0.1", port=0):
        self.text, self.status, self.delay = text, 200, None
        self.seen = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.seen.append((self.path, dict(self.headers)))
                if server.delay is not None:
                    server.delay.wait(60)
                body = server.text.encode()
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Threads(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self._http = Threads((host, port), Handler)
        self.host, self.port = self._http.server_address[:2]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
