"""CORS: preflights that proxies answer, requests whose answers scripts may read, and redirects."""

import json

import pytest

from feature.route_scene import both, sides

PREFLIGHT = "access-control-request-method"
ALLOWED = "access-control-allow-"
WANTED = {"access_control_request_headers": "x-header-1, x-header-2"}

CORS = both(
    "cors",
    """
    - matches: [{path: {value: /listed}}]
      filters:
      - type: CORS
        cors:
          allowOrigins: ["https://www.foo.com", "https://*.bar.com", "http://*:8080"]
          allowMethods: [GET, OPTIONS]
          allowHeaders: [x-header-1, x-header-2]
          exposeHeaders: [x-header-3, x-header-4]
          allowCredentials: true
          maxAge: 3600
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /methods}}]
      filters:
      - {type: CORS, cors: {allowOrigins: ["https://www.foo.com"], allowMethods: ["*"]}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /origin}}]
      filters:
      - {type: CORS, cors: {allowOrigins: ["*"], allowMethods: [PUT], allowCredentials: false}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /all/authenticated}}]
      filters:
      - type: CORS
        cors:
          allowOrigins: ["*"]
          allowMethods: ["*"]
          allowHeaders: ["*"]
          exposeHeaders: ["*"]
          allowCredentials: true
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /all/open}}]
      filters:
      - {type: CORS, cors: {allowOrigins: ["*"], allowMethods: ["*"], allowHeaders: ["*"]}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /put}, method: PUT}]
      filters:
      - {type: CORS, cors: {allowOrigins: ["https://www.foo.com"], allowMethods: [PUT]}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /moved}}]
      filters:
      - {type: CORS, cors: {allowOrigins: ["https://www.foo.com"], allowMethods: [GET]}}
      - {type: RequestRedirect, requestRedirect: {hostname: b.example, port: 8080}}
    """,
)


LONG = ".".join(letter * 60 for letter in "abc")
MANY = tuple(f"https://{index:02}{LONG}.example" for index in range(64))
"""More origins than one expression of Envoy's can hold."""
CROWD = both(
    "crowd",
    f"""
    - matches: [{{path: {{value: /moved}}}}]
      filters:
      - {{type: CORS, cors: {{allowOrigins: {json.dumps(MANY)}}}}}
      - {{type: RequestRedirect, requestRedirect: {{hostname: b.example}}}}
    - matches: [{{path: {{value: /here}}}}]
      filters: [{{type: CORS, cors: {{allowOrigins: {json.dumps(MANY)}}}}}]
      backendRefs: [{{name: v1, port: 80}}]
    """,
)


def preflight(scene, side, path, origin, method="GET", **asked):
    """Send a preflight; underscores in names of headers stand for hyphens."""
    headers = {"origin": origin, PREFLIGHT: method}
    headers |= {name.replace("_", "-"): value for name, value in asked.items()}
    return scene.ask(side, CORS, path, method="OPTIONS", headers=headers)


def allowed(answer, what):
    """The values of a header of the answer, split and sorted; None if there is none."""
    values = answer.values(f"{ALLOWED}{what}")
    return sorted(",".join(values).replace(" ", "").split(",")) if values else None


@sides
@pytest.mark.parametrize(
    "origin",
    [
        "https://www.foo.com",
        "https://www.bar.com",
        "https://xpto.www.bar.com",
        "http://any.example:8080",
        "https://www.foo.com:443",
    ],
)
def test_preflights_of_allowed_origins_are_answered(scene, side, origin):
    answer = preflight(scene, side, "/listed", origin, "GET", **WANTED)
    assert (answer.status, answer.backend) == (200, None)
    assert answer.values("access-control-allow-origin") == [origin]
    assert allowed(answer, "methods") == ["GET", "OPTIONS"]
    assert allowed(answer, "headers") == ["x-header-1", "x-header-2"]
    assert answer.values("access-control-expose-headers") == ["x-header-3, x-header-4"]
    assert answer.values("access-control-max-age") == ["3600"]
    assert answer.values("access-control-allow-credentials") == ["true"]


@sides
@pytest.mark.parametrize(
    "origin",
    [
        "https://foobar.com",
        "https://bar.com",
        "https://www.bar.com.evil.example",
        "https://www.foo.com:8443",
        "http://www.foo.com",
        "http://any.example",
        "null",
    ],
)
def test_other_origins_are_allowed_nothing(scene, side, origin):
    answer = preflight(scene, side, "/listed", origin)
    assert (answer.status, answer.backend) == (200, None), "the backend is not asked"
    assert not [name for name, _ in answer.headers if name.startswith("access-control-")]
    simple = scene.ask(side, CORS, "/listed", headers={"origin": origin})
    assert simple.backend == "v1"
    assert simple.values("access-control-allow-origin") == []


@sides
def test_answers_to_allowed_origins_may_be_read(scene, side):
    answer = scene.ask(side, CORS, "/listed", headers={"origin": "https://www.bar.com"})
    assert (answer.status, answer.backend) == (200, "v1")
    assert answer.values("access-control-allow-origin") == ["https://www.bar.com"]
    assert answer.values("access-control-allow-credentials") == ["true"]
    assert answer.values("access-control-expose-headers") == ["x-header-3, x-header-4"]


@sides
def test_what_the_backend_allows_does_not_count(scene, side):
    steered = (
        ("x-echo-set", "access-control-allow-origin=https://evil.example"),
        ("x-echo-set", "access-control-expose-headers=x-secret"),
    )
    for origin, expected in (
        ("https://www.foo.com", ["https://www.foo.com"]),
        ("https://evil.example", []),
    ):
        answer = scene.ask(side, CORS, "/methods", headers=(*steered, ("origin", origin)))
        assert answer.backend == "v1"
        assert answer.values("access-control-allow-origin") == expected
        assert answer.values("access-control-expose-headers") == []


@sides
def test_any_method_is_echoed(scene, side):
    answer = preflight(scene, side, "/methods", "https://www.foo.com", "POST")
    assert answer.values("access-control-allow-origin") == ["https://www.foo.com"]
    assert allowed(answer, "methods") == ["POST"]
    assert answer.values("access-control-allow-credentials") == []
    assert answer.values("access-control-max-age") == ["5"]


@sides
@pytest.mark.parametrize("origin", ["https://foobar.com", "https://foobar.com:12345"])
def test_any_origin_is_echoed(scene, side, origin):
    answer = preflight(scene, side, "/origin", origin, "PUT")
    assert answer.values("access-control-allow-origin") == [origin]
    assert allowed(answer, "methods") == ["PUT"]
    assert answer.values("access-control-allow-credentials") == []
    simple = scene.ask(side, CORS, "/origin", method="PUT", headers={"origin": origin})
    assert simple.backend == "v1"
    assert simple.values("access-control-allow-origin") == [origin]


@sides
@pytest.mark.parametrize(("path", "credentials"), [("authenticated", ["true"]), ("open", [])])
def test_anything_may_be_allowed(scene, side, path, credentials):
    origin = "https://other.foo.com"
    answer = preflight(scene, side, f"/all/{path}", origin, "PUT", **WANTED)
    assert answer.values("access-control-allow-origin") == [origin]
    assert allowed(answer, "methods") == ["PUT"]
    assert allowed(answer, "headers") == ["x-header-1", "x-header-2"]
    assert answer.values("access-control-allow-credentials") == credentials
    assert "*" not in answer.values("access-control-expose-headers")
    simple = scene.ask(side, CORS, f"/all/{path}", headers={"origin": origin})
    assert simple.backend == "v1"
    assert simple.values("access-control-allow-origin") == [origin]
    assert simple.values("access-control-allow-credentials") == credentials


@sides
def test_headers_that_are_not_asked_for_are_not_allowed(scene, side):
    answer = preflight(scene, side, "/all/authenticated", "https://a.example", "PUT")
    assert allowed(answer, "methods") == ["PUT"]
    assert answer.values("access-control-allow-headers") == []


@sides
def test_a_rule_for_a_method_answers_its_preflights(scene, side):
    answer = preflight(scene, side, "/put", "https://www.foo.com", "PUT")
    assert answer.status == 200
    assert answer.values("access-control-allow-origin") == ["https://www.foo.com"]
    assert preflight(scene, side, "/put", "https://www.foo.com", "GET").status == 404


@sides
def test_redirects_may_be_followed(scene, side):
    origin = "https://www.foo.com"
    answer = preflight(scene, side, "/moved", origin)
    assert (answer.status, answer.location) == (200, None)
    assert answer.values("access-control-allow-origin") == [origin]
    answer = scene.ask(side, CORS, "/moved", headers={"origin": origin})
    assert (answer.status, answer.location) == (302, "http://b.example:8080/moved")
    assert answer.values("access-control-allow-origin") == [origin]
    answer = scene.ask(side, CORS, "/moved", headers={"origin": "https://evil.example"})
    assert (answer.status, answer.location) == (302, "http://b.example:8080/moved")
    assert answer.values("access-control-allow-origin") == []


@sides
@pytest.mark.parametrize(("path", "status"), [("/moved", 302), ("/here", 200)])
def test_many_long_origins_may_be_allowed(scene, side, path, status):
    asked = {PREFLIGHT: "GET"}
    for origin, shown in ((MANY[0], [MANY[0]]), (MANY[-1], [MANY[-1]]), (f"{MANY[0]}x", [])):
        headers = {"origin": origin}
        answer = scene.ask(side, CROWD, path, headers=headers)
        assert (answer.status, answer.values("access-control-allow-origin")) == (status, shown)
        answer = scene.ask(side, CROWD, path, method="OPTIONS", headers=headers | asked)
        assert (answer.status, answer.values("access-control-allow-origin")) == (200, shown)


@sides
def test_other_options_requests_reach_the_backend(scene, side):
    assert scene.ask(side, CORS, "/listed", method="OPTIONS").backend == "v1"
    for asked in ({"origin": "https://www.foo.com"}, {"origin": "", PREFLIGHT: "GET"}):
        assert scene.ask(side, CORS, "/listed", method="OPTIONS", headers=asked).backend == "v1"
