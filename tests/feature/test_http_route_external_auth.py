"""ExternalAuth: services asked by HTTP and by gRPC, what they are told, and when they are away."""

import pytest

from feature.authorization import ALLOWED, Authorization
from feature.harness import Instance
from feature.route_scene import Scene, both, documents, manifests_of, service, sides

AUTH = both(
    "auth",
    """
    - matches: [{path: {value: /http}}]
      filters:
      - type: ExternalAuth
        externalAuth: {protocol: HTTP, backendRef: {name: http-auth, port: 80}, http: {}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /narrow}}]
      filters:
      - type: ExternalAuth
        externalAuth:
          protocol: HTTP
          backendRef: {name: http-auth, port: 80}
          http:
            path: /check/
            allowedHeaders: [X-Asked]
            allowedResponseHeaders: [X-User]
          forwardBody: {maxSize: 10}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /grpc}}]
      filters:
      - type: ExternalAuth
        externalAuth: {protocol: GRPC, backendRef: {name: grpc-auth, port: 80}, grpc: {}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /few}}]
      filters:
      - type: ExternalAuth
        externalAuth:
          protocol: GRPC
          backendRef: {name: grpc-auth, port: 80}
          grpc: {allowedHeaders: [Authorization, x-asked]}
          forwardBody: {maxSize: 10}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /away}}]
      filters:
      - type: ExternalAuth
        externalAuth: {protocol: HTTP, backendRef: {name: away, port: 80}, http: {}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /missing}}]
      filters:
      - type: ExternalAuth
        externalAuth: {protocol: GRPC, backendRef: {name: nobody, port: 80}, grpc: {}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /script}}]
      filters:
      - type: ExternalAuth
        externalAuth: {protocol: HTTP, backendRef: {name: http-auth, port: 80}, http: {}}
      - {type: CORS, cors: {allowOrigins: ["https://a.example"], allowMethods: [PUT]}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /moved}}]
      filters:
      - type: ExternalAuth
        externalAuth: {protocol: HTTP, backendRef: {name: http-auth, port: 80}, http: {}}
      - {type: RequestRedirect, requestRedirect: {hostname: b.example, port: 8080}}
    - matches: [{path: {value: /open}}]
      backendRefs: [{name: v1, port: 80}]
    """,
)
protocols = pytest.mark.parametrize("protocol", ["http", "grpc"])


@pytest.fixture(scope="module")
def services():
    with Authorization() as running:
        yield running


@pytest.fixture(scope="module")
def scene(request, echo, services, tmp_path_factory):
    files = manifests_of(request.module, echo)
    files["auth.yaml"] = documents(
        service("http-auth", services.http_port),
        service("grpc-auth", services.grpc_port),
        service("away", 1),
    )
    run = Instance(tmp_path_factory.mktemp("scene"), files)
    try:
        run.start()
        run.until_pods()
        yield Scene(run, echo)
    finally:
        run.stop()


@sides
@protocols
def test_who_is_allowed_gets_through(scene, side, protocol, services):
    headers = {**ALLOWED, "x-asked": "1", "content-type": "text/plain"}
    answer = scene.ask(side, AUTH, f"/{protocol}/a?b=c", method="POST", headers=headers, body="xyz")
    assert (answer.status, answer.backend, answer.target) == (200, "v1", f"/{protocol}/a?b=c")
    assert answer.said["body"] == "xyz"
    for name, value in {"x-user": "bob", "x-team": "blue", "x-te": "kept"}.items():
        assert answer.received(name) == [value]
    host = AUTH.host if side == "gateway" else AUTH.name
    assert answer.received("host") == [host], "nobody changes the host"
    assert answer.received("content-length") == ["3"]
    assert answer.received("content-type") == ["text/plain"]
    check = services.last()
    assert (check.method, check.path, check.host) == ("POST", f"/{protocol}/a?b=c", host)
    assert check.body == ""
    if protocol == "http":
        assert check.headers["content-length"] == "0"
        assert "x-asked" not in check.headers
    else:
        assert check.headers["x-asked"] == "1"


@sides
@protocols
def test_who_is_not_allowed_gets_the_answer_of_the_service(scene, side, protocol):
    answer = scene.ask(side, AUTH, f"/{protocol}")
    assert (answer.status, answer.text) == (401, "who are you?")
    assert answer.values("www-authenticate") == ["Basic"]


@sides
def test_an_http_service_is_told_what_is_allowed(scene, side, services):
    headers = {**ALLOWED, "X-Asked": "1", "x-secret": "2"}
    answer = scene.ask(side, AUTH, "/narrow/a", method="POST", headers=headers, body="ten bytes.")
    assert answer.received("x-user") == ["bob"]
    assert answer.received("x-team") == []
    assert answer.said["body"] == "ten bytes."
    check = services.last()
    assert (check.path, check.body) == ("/check/narrow/a", "ten bytes.")
    assert check.headers["content-length"] == "10"
    assert check.headers["x-asked"] == "1"
    assert "x-secret" not in check.headers


@sides
def test_a_grpc_service_is_told_what_is_allowed(scene, side, services):
    headers = {**ALLOWED, "X-Asked": "1", "x-secret": "2"}
    answer = scene.ask(side, AUTH, "/few", method="POST", headers=headers, body="ten bytes.")
    assert answer.said["body"] == "ten bytes."
    check = services.last()
    assert check.body == "ten bytes."
    assert check.headers["x-asked"] == "1"
    assert "x-secret" not in check.headers


@sides
@pytest.mark.parametrize("path", ["/narrow", "/few"])
def test_larger_bodies_are_refused(scene, side, path):
    answer = scene.ask(side, AUTH, path, method="POST", headers=ALLOWED, body="eleven bytes")
    assert answer.status == 413


@sides
def test_nothing_passes_while_the_service_is_away(scene, side):
    answer = scene.ask(side, AUTH, "/away", headers=ALLOWED)
    assert (answer.status, answer.backend) == (403, None)


@sides
def test_a_service_that_is_not_there_breaks_only_its_rule(scene, side):
    assert scene.ask(side, AUTH, "/missing", headers=ALLOWED).status == 500
    assert scene.ask(side, AUTH, "/open").backend == "v1"


def test_a_service_that_is_not_there_is_reported(scene):
    for parent in (0, 1):
        conditions = scene.parent(AUTH, parent)
        assert conditions["Accepted"] == ("True", "Accepted")
        assert conditions["ResolvedRefs"] == ("False", "BackendNotFound")


@sides
def test_preflights_need_no_credentials_and_refusals_can_be_read(scene, side):
    asked = {"origin": "https://a.example", "access-control-request-method": "PUT"}
    answer = scene.ask(side, AUTH, "/script", method="OPTIONS", headers=asked)
    assert answer.status == 200
    answer = scene.ask(side, AUTH, "/script", headers={"origin": "https://a.example"})
    assert answer.status == 401
    assert answer.values("access-control-allow-origin") == ["https://a.example"]


@sides
def test_redirects_are_guarded(scene, side):
    assert scene.ask(side, AUTH, "/moved").status == 401
    answer = scene.ask(side, AUTH, "/moved", headers=ALLOWED)
    assert (answer.status, answer.location) == (302, "http://b.example:8080/moved")
