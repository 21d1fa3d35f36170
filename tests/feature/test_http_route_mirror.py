"""Mirrored requests: several, shares of them, and mirrors that are not there or do not work."""

import http.client
import math

import pytest

from feature.route_scene import Manifest, both, service, sides

REQUESTS = 500

DOWN = Manifest(service("down", 1))
"""A Service at whose endpoint nobody listens."""

HIDDEN = Manifest(
    "---\n".join(
        [
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: elsewhere}\n",
            service("hidden", None, namespace="elsewhere"),
        ]
    )
)
"""A Service in a namespace that grants nothing."""

ALL = both(
    "mirror-all",
    """
    - filters:
      - {type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}}}
      - {type: RequestMirror, requestMirror: {backendRef: {name: v3, port: 80}}}
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-set, value: "1"}]}}
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
def test_every_mirror_gets_a_copy_and_the_backend_answers(scene, side):
    name = f"all-{side}"
    answer = scene.ask(side, ALL, "/a/b?c=d", headers={"x-echo-id": name}, method="POST", body="x")
    assert (answer.status, answer.backend, answer.target) == (200, "v1", "/a/b?c=d")
    assert answer.received("x-set") == ["1"]
    for mirror in ("v2", "v3"):
        scene.run.until(
            f"copy at {mirror}", lambda mirror=mirror: scene.echo.reached[mirror, name] == 1
        )


def shared(name, share):
    return both(
        name,
        f"""
        - filters:
          - {{type: RequestMirror, requestMirror: {{backendRef: {{name: v2, port: 80}}, {share}}}}}
          backendRefs: [{{name: v1, port: 80}}]
        """,
    )


PERCENT = shared("mirror-percent", "percent: 20")
FRACTION = shared("mirror-fraction", "fraction: {numerator: 25, denominator: 50}")
LARGE = shared("mirror-large", "fraction: {numerator: 600000000, denominator: 2000000000}")
NONE = shared("mirror-none", "percent: 0")


@sides
@pytest.mark.parametrize(
    ("target", "share"), [(PERCENT, 0.2), (FRACTION, 0.5), (LARGE, 0.3), (NONE, 0.0)]
)
def test_a_share_of_the_requests_is_mirrored(scene, side, target, share):
    name = f"{target.name}-{side}"
    place = scene.gateway_place() if side == "gateway" else scene.pod_place()
    path, host = ("/", target.host) if side == "gateway" else (f"http://{target.name}/", "")
    connection = http.client.HTTPConnection(*place, timeout=20)
    for _ in range(REQUESTS):
        headers = {"Host": host or target.name, "x-echo-id": name}
        connection.request("GET", path, headers=headers)
        assert connection.getresponse().read()
    connection.close()
    assert scene.echo.reached["v1", name] == REQUESTS
    bound = 4 * math.sqrt(REQUESTS * share * (1 - share))
    least, most = REQUESTS * share - bound, REQUESTS * share + bound
    scene.run.until("enough copies", lambda: scene.echo.reached["v2", name] >= least)
    assert scene.echo.reached["v2", name] <= most


BROKEN = both(
    "mirror-broken",
    """
    - matches: [{path: {value: /down}}]
      filters: [{type: RequestMirror, requestMirror: {backendRef: {name: down, port: 80}}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /missing}}]
      filters: [{type: RequestMirror, requestMirror: {backendRef: {name: nobody, port: 80}}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /hidden}}]
      filters:
      - type: RequestMirror
        requestMirror: {backendRef: {name: hidden, namespace: elsewhere, port: 80}}
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize("path", ["/down", "/missing", "/hidden"])
def test_a_mirror_that_does_not_work_has_no_effect(scene, side, path):
    for _ in range(5):
        assert scene.ask(side, BROKEN, path).backend == "v1"


def test_mirrors_that_do_not_resolve_are_reported(scene):
    gateway, mesh = scene.parent(BROKEN, 0), scene.parent(BROKEN, 1)
    assert gateway["Accepted"] == ("True", "Accepted")
    assert gateway["ResolvedRefs"] == ("False", "BackendNotFound")
    assert mesh["ResolvedRefs"] == ("False", "BackendNotFound")
    messages = [
        condition["message"]
        for parent in scene.route(BROKEN)["status"]["parents"]
        for condition in parent["conditions"]
        if condition["type"] == "ResolvedRefs"
    ]
    assert "spec.rules[1].filters[0].requestMirror.backendRef.name" in messages[0]
    assert "ReferenceGrant in elsewhere" in messages[0]
    assert "elsewhere" not in messages[1], "Services of a mesh need no ReferenceGrant"


BACKEND = both(
    "mirror-backend",
    """
    - backendRefs:
      - name: v1
        port: 80
        filters: [{type: RequestMirror, requestMirror: {backendRef: {name: v3, port: 80}}}]
      - {name: v2, port: 80}
    """,
)


@sides
def test_a_backend_has_a_mirror_of_its_own(scene, side):
    name = f"backend-{side}"
    for _ in range(40):
        assert scene.ask(side, BACKEND, "/", headers={"x-echo-id": name}).status == 200
    reached = scene.echo.reached
    assert reached["v1", name] > 0
    assert reached["v2", name] > 0
    scene.run.until("the copies", lambda: reached["v3", name] == reached["v1", name])
