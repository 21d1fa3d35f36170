"""XTelemetryPolicy: a collector by OTLP over gRPC is told of the requests to a Gateway."""

import contextlib
import queue
import secrets
from concurrent.futures import ThreadPoolExecutor

import click
import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from feature.harness import Instance

pytestmark = pytest.mark.envoy

EXPORT = "opentelemetry.proto.collector.trace.v1.TraceService"
SECONDS = 10

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: traced}
spec:
  gatewayClassName: fairlead
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: traced}]
  rules:
  - filters: [{type: RequestRedirect, requestRedirect: {statusCode: 301, hostname: a.test}}]
---
"""
COLLECTOR = """
apiVersion: v1
kind: Service
metadata: {{name: collector}}
spec: {{ports: [{{name: otlp, port: 4317}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: collector, labels: {{kubernetes.io/service-name: collector}}}}
addressType: IPv4
ports: [{{name: otlp, port: {port}}}]
endpoints: [{{addresses: [127.0.0.1]}}]
---
"""
POLICY = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XTelemetryPolicy
metadata: {name: %s}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: traced}]
  tracing:
    mode: Enabled
    provider:
      backendRef: {name: %s, port: 4317}
      headers: [{name: X-Tenant, value: blue}]
    samplingRate: {numerator: %d}
    serviceName: front
    spanName: incoming
    attributes:
    - {name: env, sourceType: Literal, literalValue: test}
    - {name: user, sourceType: Header, headerName: X-User}
    - {name: asked, sourceType: Attribute, attributeKey: url.path}
---
"""


class Collector:
    """A gRPC server that keeps what is exported to it."""

    def __init__(self):
        self.exports = queue.Queue()
        self.server = grpc.server(ThreadPoolExecutor(2))
        method = grpc.unary_unary_rpc_method_handler(
            self._export,
            trace_service_pb2.ExportTraceServiceRequest.FromString,
            trace_service_pb2.ExportTraceServiceResponse.SerializeToString,
        )
        handler = grpc.method_handlers_generic_handler(EXPORT, {"Export": method})
        self.server.add_generic_rpc_handlers((handler,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def _export(self, request, context):
        metadata = dict(context.invocation_metadata())
        for resource in request.resource_spans:
            service = attributes(resource.resource)["service.name"]
            for scope in resource.instrumentation_library_spans:  # scope_spans by its first name
                for span in scope.spans:
                    self.exports.put((service, metadata, span))
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self, count):
        """The next `count` spans: (service name, metadata of the export, span)."""
        return [self.exports.get(timeout=SECONDS) for _ in range(count)]


def attributes(carrier):
    return {each.key: each.value.string_value for each in carrier.attributes}


@pytest.fixture(scope="module")
def collector():
    made = Collector()
    yield made
    made.server.stop(0).wait()


@pytest.fixture(scope="module")
def run(tmp_path_factory, collector):
    files = {"gateway.yaml": GATEWAY, "collector.yaml": COLLECTOR.format(port=collector.port)}
    instance = Instance(tmp_path_factory.mktemp("run"), files)
    try:
        yield instance.start()
    finally:
        instance.stop()


def conditions(run, name):
    """Type to (status, reason, message) for the only ancestor of a policy; {} without one."""
    try:
        found = run.one("xtelemetrypolicies", name)
    except click.ClickException:  # not read yet
        return {}
    ancestors = found.get("status", {}).get("ancestors", [])
    assert len(ancestors) < 2
    return {
        each["type"]: (each["status"], each["reason"], each["message"])
        for ancestor in ancestors
        for each in ancestor["conditions"]
    }


@contextlib.contextmanager
def policy(run, name, collector="collector", percent=100, **changes):
    """A policy that the proxy has, until the end of the context."""
    text = POLICY % (name, collector, percent)
    for old, new in changes.items():
        text = text.replace(old, new)
    run.write(f"{name}.yaml", text)
    run.until("a report", lambda: conditions(run, name))
    run.until_ready()
    yield
    run.remove(f"{name}.yaml")
    run.until("the policy to go", lambda: not conditions(run, name))
    run.until_ready()


def trace_parent(*, sampled):
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-0{int(sampled)}"


def test_spans_are_exported_as_the_policy_asks(run, collector):
    with policy(run, "all"):
        assert conditions(run, "all")["Accepted"][:2] == ("True", "Accepted")
        assert run.request("/cart?q=1", headers={"X-User": "ann"}).status == 301
        [(service, metadata, span)] = collector.spans(1)
    assert service == "front"
    assert metadata["x-tenant"] == "blue"
    assert span.name == "incoming"
    found = attributes(span)
    assert (found["env"], found["user"], found["asked"]) == ("test", "ann", "/cart")


def test_a_trace_keeps_its_own_decision(run, collector):
    with policy(run, "none", percent=0):
        for sampled in (False, True):
            headers = {"traceparent": trace_parent(sampled=sampled), "X-User": str(sampled)}
            assert run.request("/", headers=headers).status == 301
        assert run.request("/", headers={"X-User": "of no trace"}).status == 301
        [(_, _, span)] = collector.spans(1)
    assert attributes(span)["user"] == "True"
    assert collector.exports.empty()


def test_the_second_policy_for_a_gateway_is_conflicted(run):
    with policy(run, "first"), policy(run, "second", percent=50):
        status, reason, message = conditions(run, "second")["Accepted"]
        assert (status, reason) == ("False", "Conflicted")
        assert "default/first" in message
        assert conditions(run, "first")["Accepted"][0] == "True"


def test_a_collector_that_is_not_there_stops_nothing(run):
    with policy(run, "lost", "nowhere"):
        assert conditions(run, "lost")["ResolvedRefs"][:2] == ("False", "BackendNotFound")
        assert run.request("/").status == 301


def test_what_cannot_be_carried_out_is_told(run):
    with policy(run, "odd", **{"url.path": "messaging.system"}):
        _, reason, message = conditions(run, "odd")["Accepted"]
        assert reason == "Invalid"
        assert "spec.tracing.attributes[2].attributeKey" in message
        assert run.request("/").status == 301
    with policy(run, "odder", blue="100%"):
        _, reason, message = conditions(run, "odder")["Accepted"]
        assert reason == "Invalid"
        assert "spec.tracing.provider.headers[0].value: a value with %" in message
        assert run.request("/").status == 301
