"""Header modifiers on rules and on backendRefs, and filters that are not carried out."""

import pytest

from feature.route_scene import both, sides

REQUEST_HEADERS = both(
    "request-headers",
    """
    - filters:
      - type: RequestHeaderModifier
        requestHeaderModifier:
          set: [{name: X-Set, value: new}, {name: x-percent, value: "100% %REQ(host)%"}]
          add: [{name: X-Add, value: more}]
          remove: [X-Gone, x-absent]
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
def test_request_header_modification(scene, side):
    headers = (("x-set", "old"), ("x-add", "first"), ("x-gone", "bye"), ("x-kept", "same"))
    answer = scene.ask(side, REQUEST_HEADERS, "/", headers=headers)
    assert answer.received("x-set") == ["new"]
    assert ",".join(answer.received("x-add")).replace(", ", ",") == "first,more"
    assert answer.received("x-gone") == []
    assert answer.received("x-kept") == ["same"]
    assert answer.received("x-percent") == ["100% %REQ(host)%"]


@sides
def test_request_header_is_added_where_absent(scene, side):
    answer = scene.ask(side, REQUEST_HEADERS, "/")
    assert answer.received("x-set") == ["new"]
    assert answer.received("x-add") == ["more"]


RESPONSE_HEADERS = both(
    "response-headers",
    """
    - filters:
      - type: ResponseHeaderModifier
        responseHeaderModifier:
          set: [{name: X-Set, value: new}]
          add: [{name: X-Add, value: more}]
          remove: [X-Gone]
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
def test_response_header_modification(scene, side):
    headers = tuple(
        ("x-echo-set", pair) for pair in ("x-set=old", "x-add=first", "x-gone=bye", "x-kept=same")
    )
    answer = scene.ask(side, RESPONSE_HEADERS, "/", headers=headers)
    assert answer.values("x-set") == ["new"]
    assert ",".join(answer.values("x-add")).replace(", ", ",") == "first,more"
    assert answer.values("x-gone") == []
    assert answer.values("x-kept") == ["same"]


BACKEND_HEADERS = both(
    "backend-headers",
    """
    - filters:
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: by, value: rule}]}}
      - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: of, value: rule}]}}
      backendRefs:
      - {name: v1, port: 80}
      - name: v2
        port: 80
        filters:
        - {type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: to, value: v2}]}}
        - type: ResponseHeaderModifier
          responseHeaderModifier: {add: [{name: set-cookie, value: canary=yes}]}
    """,
)


@sides
def test_backend_header_modification(scene, side):
    """A backendRef's filters act if and only if that backend answers."""
    seen = set()
    for _ in range(60):
        answer = scene.ask(side, BACKEND_HEADERS, "/")
        canary = answer.backend == "v2"
        assert answer.received("to") == (["v2"] if canary else [])
        assert answer.values("set-cookie") == (["canary=yes"] if canary else [])
        assert answer.received("by") == answer.values("of") == ["rule"]
        seen.add(answer.backend)
    assert seen == {"v1", "v2"}


ONE_BACKEND_HEADERS = both(
    "one-backend-headers",
    """
    - backendRefs:
      - name: v1
        port: 80
        filters:
        - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: to, value: v1}]}}
    """,
)


@sides
def test_backend_request_header_modification_of_the_only_backend(scene, side):
    assert scene.ask(side, ONE_BACKEND_HEADERS, "/").received("to") == ["v1"]


UNSUPPORTED = both(
    "unsupported",
    """
    - matches: [{path: {value: /extension}}]
      filters:
      - {type: ExtensionRef, extensionRef: {group: some.example, kind: Some, name: thing}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /backend}}]
      backendRefs:
      - name: v1
        port: 80
        filters:
        - {type: ExtensionRef, extensionRef: {group: some.example, kind: Some, name: thing}}
    - matches: [{path: {value: /host-header}}]
      filters:
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: x}]}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /bad/sane}}]
      backendRefs: [{name: v1, port: 80}]
    - backendRefs: [{name: v2, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "status", "backend"),
    [
        ("/extension", 500, None),
        ("/backend", 500, None),
        ("/host-header", 500, None),
        ("/bad/sane", 200, "v1"),
        ("/x", 200, "v2"),
    ],
)
def test_filter_that_is_not_carried_out(scene, side, *, path, status, backend):
    """Requests neither skip the filter nor fall through to another rule; other rules serve."""
    answer = scene.ask(side, UNSUPPORTED, path)
    assert (answer.status, answer.backend) == (status, backend)


def test_filter_that_is_not_carried_out_is_told(scene):
    for index in (0, 1):
        conditions = scene.parent(UNSUPPORTED, index)
        assert conditions["Accepted"] == ("True", "Accepted")
        assert conditions["PartiallyInvalid"] == ("True", "UnsupportedValue")


ALL_UNSUPPORTED = both(
    "all-unsupported",
    """
    - filters:
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: x}]}}
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
def test_route_of_invalid_rules_only(scene, side):
    conditions = scene.parent(ALL_UNSUPPORTED, 0 if side == "gateway" else 1)
    assert conditions["Accepted"] == ("False", "UnsupportedValue")
    assert "PartiallyInvalid" not in conditions
    assert scene.ask(side, ALL_UNSUPPORTED, "/").status == 500
