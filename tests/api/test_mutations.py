"""Whatever is done to a manifest, it is let in whole or refused with reasons; nothing crashes."""

import copy

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead import api
from fairlead.api.kinds import KIND_OF
from fairlead.api.schema import Checker

MANIFESTS = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: prod, labels: {a: b}}
spec:
  parentRefs: [{name: g, sectionName: s, port: 80}]
  hostnames: [a.example]
  rules:
  - name: x
    matches: [{path: {type: Exact, value: /a}, method: GET, headers: [{name: h, value: v}]}]
    filters:
    - {type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /}}}
    - {type: CORS, cors: {allowOrigins: ["*"], maxAge: 5}}
    backendRefs: [{name: s, port: 80, weight: 3}]
    timeouts: {request: 10s, backendRequest: 1s}
    retry: {codes: [500], attempts: 2, backoff: 100ms}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: c
  listeners:
  - {name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}
  addresses: [{type: IPAddress, value: 127.0.0.1}]
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {selector: {a: b}, ports: [{name: a, port: 80, targetPort: web}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: c, image: i, ports: [{containerPort: 1}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: d}
spec:
  host: s
  trafficPolicy:
    outlierDetection: {interval: 1s, consecutive5xxErrors: 3}
    connectionPool: {http: {maxRetries: 1}}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {a: YQ==}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: r}
spec:
  parentRefs: [{name: g}]
  rules:
  - matches: [{method: {service: a.B, method: C}, headers: [{name: h, value: v}]}]
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: m, port: 1}, percent: 5}}]
    backendRefs: [{name: s, port: 80, filters: [{type: ExtensionRef, extensionRef: {group: a,
      kind: B, name: c}}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: r}
spec: {hostnames: [a.example], rules: [{name: a, backendRefs: [{name: s, port: 443, weight: 2}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: r}
spec: {rules: [{backendRefs: [{name: s, port: 53}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: l}
spec:
  parentRef: {name: g}
  listeners: [{name: a, port: 443, protocol: TLS, tls: {mode: Passthrough}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: "", kind: Service, name: s, sectionName: a}]
  validation:
    hostname: a.example
    caCertificateRefs: [{group: "", kind: ConfigMap, name: c}]
    subjectAltNames: [{type: URI, uri: "spiffe://a/b"}]
---
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {name: l}
spec: {requests: 10, per: 2s, burst: 20}
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: f}
spec: {until: "2030-01-31T12:00:00Z", delay: {duration: 1s}, abort: {status: 503, percent: 5}}
"""

EXPERIMENTAL = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: b}
spec:
  type: ExternalHostname
  port: {number: 443}
  externalHostname: {hostname: a.example}
  protocol: HTTP2
  tls: {mode: ServerOnly, validation: {hostname: a.example, wellKnownCACertificates: System}}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: "", kind: Service, name: s}]
  retryConstraint: {budget: {percent: 5, interval: 5s}, minRetryRate: {count: 1, interval: 2s}}
  sessionPersistence: {cookie: {name: c, lifetimeType: Permanent}, absoluteTimeout: 1h}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XTelemetryPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}]
  tracing:
    mode: Enabled
    provider: {backendRef: {name: o, port: 4317}, headers: [{name: a, value: b}]}
    samplingRate: {numerator: 1, denominator: 3}
    attributes: [{name: x, sourceType: Literal, literalValue: z}]
"""
"""What only the experimental channel has, which problems say."""

raws = [api.to_raw(obj) for text in (MANIFESTS, EXPERIMENTAL) for obj in api.decode(text).objects]
for raw in raws:
    if raw["kind"] == "Secret":
        raw["data"] = {"a": "YQ=="}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def places(value, path=()):
    """Every path in a value, and of each mapping one that is not there."""
    yield path
    if isinstance(value, dict):
        yield (*path, "extra")
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def replaced(value, path, new):
    changed = copy.deepcopy(value)
    place = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = new
    return changed


all_places = [(index, path) for index, raw in enumerate(raws) for path in places(raw) if path]


def test_the_manifests_are_fine():
    assert len(raws) == 16
    for raw in raws:
        codes = {problem.code for problem in api.decode(raw).problems}
        assert codes == ({api.Code.CHANNEL} if raw["kind"].startswith("X") else set())
    assert len(all_places) > 300


@settings(max_examples=800)
@given(st.sampled_from(all_places), anything)
def test_one_field_replaced(place, value):
    index, path = place
    raw = replaced(raws[index], path, value)
    decoded = api.decode(raw)
    errors = [problem for problem in decoded.problems if problem.severity == "error"]
    assert len(decoded.objects) + bool(decoded.problems) >= 1
    assert not (decoded.objects and errors)
    for problem in decoded.problems:
        assert problem.code in set(api.Code)
        assert str(problem).isprintable()
    # What the fast decoder refuses, the slow check explains: its own words never surface.
    assert not any(
        problem.code == api.Code.WRONG_TYPE and problem.field == "" for problem in errors
    )


@settings(max_examples=400)
@given(st.sampled_from(all_places), anything)
def test_what_is_let_in_has_no_finding(place, value):
    index, path = place
    raw = replaced(raws[index], path, value)
    for obj in api.decode(raw).objects:
        kind = KIND_OF[obj.kind]
        assert (
            Checker(core=True).check(msgspec.json.decode(msgspec.json.encode(obj)), kind.model)
            == ()
        )


@settings(max_examples=400)
@given(st.sampled_from(all_places), anything)
def test_the_standard_channel_takes_no_more_and_tells_why(place, value):
    index, path = place
    raw = replaced(raws[index], path, value)
    every, standard = api.decode(raw), api.decode(raw, channel="standard")
    told = [problem.code for problem in standard.problems if problem.severity == "error"]
    if every.objects and not standard.objects:
        assert api.Code.CHANNEL in told
    if standard.objects and every.objects != standard.objects:
        assert api.Code.CHANNEL in told
