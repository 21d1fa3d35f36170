"""Gateways and all that hangs on them: any history of changes ends like a fresh start.

Many objects are there in two versions: one comes in place of the other, and takes it along when it
goes. To begin with, the first one of each is there.
"""

from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.graph import Change
from support.certificates import CA, ca_config_map, tls_secret
from translate.world import EDGES, World, objects

ROOT = CA("root")
FIRST, SECOND = ROOT.issue(dns=["a.example"]), ROOT.issue(dns=["b.example"])

OBJECTS = """
kind: Namespace
metadata: {name: app, labels: {team: red}}
---
kind: Namespace
metadata: {name: app}
---
kind: Gateway
metadata: {name: gate, generation: 1}
spec:
  gatewayClassName: fairlead
  defaultScope: All
  allowedListeners: {namespaces: {from: Selector, selector: {matchLabels: {team: red}}}}
  tls:
    backend: {clientCertificateRef: {name: cert, namespace: app}}
    frontend: {default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}}}
  listeners:
  - name: http
    port: 80
    protocol: HTTP
    hostname: "*.example"
    allowedRoutes: &all {namespaces: {from: All}}
  - name: https
    port: 443
    protocol: HTTPS
    tls: {certificateRefs: [{name: cert}]}
    allowedRoutes: *all
  - name: tls
    port: 443
    protocol: TLS
    hostname: "*.tls.example"
    tls: {mode: Passthrough}
    allowedRoutes: *all
  - {name: tcp, port: 9000, protocol: TCP, allowedRoutes: *all}
  - {name: udp, port: 9000, protocol: UDP, allowedRoutes: *all}
---
kind: Gateway
metadata: {name: gate, generation: 2}
spec:
  gatewayClassName: ours
  allowedListeners: {namespaces: {from: All}}
  infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: settings}}
  listeners:
  - name: http
    port: 80
    protocol: HTTP
    allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: red}}}}
    filters:
      requests:
      - type: ExtensionRef
        extensionRef: {group: fairlead.dev, kind: LocalRateLimit, name: slow}
  - {name: again, port: 80, protocol: HTTP, hostname: a.example}
---
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: fairlead.dev/gateway-controller}
---
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: someone.else/controller}
---
kind: ConfigMap
metadata: {name: settings}
data: {http3: disabled}
---
kind: ListenerSet
metadata: {name: set, namespace: app, creationTimestamp: "2026-01-01T00:00:00Z"}
spec:
  parentRef: {name: gate, namespace: default}
  listeners:
  - {name: web, port: 80, protocol: HTTP, hostname: a.example}
  - name: more
    port: 443
    protocol: HTTPS
    hostname: a.example
    tls: {certificateRefs: [{name: cert}]}
---
kind: ListenerSet
metadata: {name: older, namespace: app, creationTimestamp: "2025-01-01T00:00:00Z"}
spec:
  parentRef: {name: gate, namespace: default}
  listeners:
  - {name: web, port: 80, protocol: HTTP, hostname: a.example}
  - {name: bytes, port: 443, protocol: TCP}
---
kind: HTTPRoute
metadata: {name: web, namespace: app}
spec:
  parentRefs: [{name: gate, namespace: default}, {kind: ListenerSet, name: set, sectionName: web}]
  hostnames: [a.example, "*.example"]
  rules:
  - backendRefs: [{name: backend, namespace: default, port: 80}, {name: backend, port: 443}]
    filters:
    - type: ExtensionRef
      extensionRef: {group: fairlead.dev, kind: LocalRateLimit, name: slow}
---
kind: HTTPRoute
metadata: {name: web, namespace: app}
spec:
  useDefaultGateways: All
  parentRefs: [{kind: ListenerSet, name: older}, {kind: Service, group: "", name: backend}]
  rules:
  - backendRefs: [{group: gateway.networking.x-k8s.io, kind: XBackend, name: outside}]
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: backend, port: 80}}}]
---
kind: GRPCRoute
metadata: {name: calls, creationTimestamp: "2025-01-01T00:00:00Z"}
spec:
  parentRefs: [{name: gate}, {kind: Service, group: "", name: backend, namespace: app}]
  hostnames: [a.example]
  rules: [{backendRefs: [{name: backend, port: 80}]}]
---
kind: TLSRoute
metadata: {name: tls, namespace: app}
spec:
  parentRefs: [{name: gate, namespace: default}]
  hostnames: [a.tls.example]
  rules: [{backendRefs: [{name: backend, port: 443}]}]
---
kind: TLSRoute
metadata: {name: older, creationTimestamp: "2025-01-01T00:00:00Z"}
spec:
  parentRefs: [{name: gate, sectionName: tls}]
  hostnames: ["*.tls.example", a.tls.example]
  rules: [{backendRefs: [{name: backend, namespace: app, port: 443}]}]
---
kind: TCPRoute
metadata: {name: bytes}
spec: {parentRefs: [{name: gate, port: 9000}], rules: [{backendRefs: [{name: backend, port: 443}]}]}
---
kind: UDPRoute
metadata: {name: datagrams}
spec:
  parentRefs: [{name: gate}]
  rules: [{backendRefs: [{name: backend, namespace: app, port: 53}]}]
---
kind: Service
metadata: {name: backend}
spec: {selector: {app: x}, ports: [{name: a, port: 80}, {name: b, port: 443, appProtocol: https}]}
---
kind: Service
metadata: {name: backend, namespace: app}
spec: {ports: [{name: a, port: 80}, {name: b, port: 443}, {name: c, port: 53, protocol: UDP}]}
---
kind: Service
metadata: {name: backend, namespace: app}
spec: {ports: [{name: a, port: 80, appProtocol: kubernetes.io/h2c}, {name: c, port: 53}]}
---
kind: ReferenceGrant
metadata: {name: in}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: app}]
  to: [{group: "", kind: Service}]
---
kind: ReferenceGrant
metadata: {name: out, namespace: app}
spec:
  from:
  - {group: gateway.networking.k8s.io, kind: Gateway, namespace: default}
  - {group: gateway.networking.k8s.io, kind: UDPRoute, namespace: default}
  - {group: gateway.networking.k8s.io, kind: TLSRoute, namespace: default}
  to: [{group: "", kind: Secret, name: cert}, {group: "", kind: Service, name: backend}]
---
kind: BackendTLSPolicy
metadata: {name: whole, namespace: app}
spec:
  targetRefs: [{group: "", kind: Service, name: backend}]
  validation: {hostname: a.example, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}
---
kind: BackendTLSPolicy
metadata: {name: older, namespace: app, creationTimestamp: "2025-01-01T00:00:00Z"}
spec:
  targetRefs: [{group: "", kind: Service, name: backend}]
  validation: {hostname: c.example, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}
---
kind: BackendTLSPolicy
metadata: {name: port}
spec:
  targetRefs: [{group: "", kind: Service, name: backend, sectionName: b}]
  validation: {hostname: b.example, wellKnownCACertificates: System}
---
kind: XBackend
metadata: {name: outside, namespace: app}
spec:
  type: ExternalHostname
  port: {number: 443}
  externalHostname: {hostname: out.example}
  tls:
    mode: ClientAndServer
    clientCertificateRef: {name: cert}
    validation: {hostname: out.example, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}
---
kind: XBackendTrafficPolicy
metadata: {name: budget, namespace: app}
spec:
  targetRefs:
  - {group: "", kind: Service, name: backend}
  - {group: gateway.networking.x-k8s.io, kind: XBackend, name: outside}
  retryConstraint: {}
---
kind: XTelemetryPolicy
metadata: {name: traces}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gate}]
  tracing: {mode: Enabled, provider: {backendRef: {name: backend, port: 80}}}
---
kind: LocalRateLimit
metadata: {name: slow}
spec: {requests: 1, per: 1s}
---
kind: LocalRateLimit
metadata: {name: slow, namespace: app}
spec: {requests: 2, per: 1s}
"""
ITEMS = tuple(
    chain(
        objects(OBJECTS),
        *(objects(tls_secret("cert", each)) for each in (FIRST, SECOND)),
        objects(tls_secret("cert", FIRST, namespace="app")),
        objects(tls_secret("cert", FIRST, namespace="app").replace("kubernetes.io/tls", "Opaque")),
        *(
            objects(ca_config_map("ca", ROOT.cert_pem, namespace=each))
            for each in ("default", "app")
        ),
        objects(ca_config_map("ca", "nonsense", namespace="app")),
    )
)
STEPS = st.lists(
    st.tuples(st.sampled_from(range(len(ITEMS))), st.booleans()), min_size=20, max_size=60
)


def state(world):
    return {edge: dict(getattr(world.outputs, edge).items()) for edge in (*EDGES, "secret_use")}


def fresh(items):
    world = World()
    world.apply(*items)
    return world


@given(STEPS)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_any_history_ends_like_a_fresh_start(steps):
    lived = fresh(reversed(ITEMS))
    there = {(item.kind, item.key): item for item in reversed(ITEMS)}
    for number, stays in steps:
        item = ITEMS[number]
        if stays:
            there[item.kind, item.key] = item
            lived.apply(item)
        elif there.pop((item.kind, item.key), None) is not None:
            source = lived.sources.of(item.kind)
            lived.commit([Change(source, item.key, None)])
    assert state(lived) == state(fresh(there.values()))
    assert state(lived) == state(fresh(reversed(there.values())))
