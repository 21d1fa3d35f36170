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
"""

raws = [api.to_raw(obj) for obj in api.decode(MANIFESTS).objects]
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
    assert len(raws) == 6
    for raw in raws:
        assert api.decode(raw).problems == ()
    assert len(all_places) > 100


@settings(max_examples=400)
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


@settings(max_examples=200)
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
