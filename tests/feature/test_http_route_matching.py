"""HTTPRoute matches and their precedence, asked from a Gateway and from a pod alike."""

import pytest

from feature.route_scene import both, sides

EXACT = both(
    "exact",
    """
    - matches: [{path: {type: Exact, value: /one}}]
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "backend"),
    [
        ("/one", "v1"),
        ("/one?x=1", "v1"),
        ("/one/", None),
        ("/One", None),
        ("/one/two", None),
        ("/", None),
    ],
)
def test_path_exact(scene, side, path, backend):
    answer = scene.ask(side, EXACT, path)
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)


PREFIX = both(
    "prefix",
    """
    - matches: [{path: {type: PathPrefix, value: /one}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /two/}}]
      backendRefs: [{name: v2, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "backend"),
    [
        ("/one", "v1"),
        ("/one/", "v1"),
        ("/one/more?x=/onetwo", "v1"),
        ("/one?x", "v1"),
        ("/onetwo", None),
        ("/ONE", None),
        ("/two", "v2"),
        ("/two/three", "v2"),
        ("/twothree", None),
    ],
)
def test_path_prefix_by_elements(scene, side, path, backend):
    answer = scene.ask(side, PREFIX, path)
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)


REGEX = both(
    "regex",
    r"""
    - matches: [{path: {type: RegularExpression, value: '/v[0-9]+/items(/.*)?'}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /}}]
      backendRefs: [{name: v2, port: 80}]
    - matches: [{path: {type: Exact, value: /v7/items}}]
      backendRefs: [{name: v3, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "backend"),
    [
        ("/v1/items", "v1"),
        ("/v12/items/a/b?q=1", "v1"),
        ("/v1/itemsmore", "v2"),
        ("/x/v1/items", "v2"),
        ("/v7/items", "v3"),
    ],
)
def test_path_regular_expression(scene, side, path, backend):
    """The whole path has to match; Exact goes first, prefixes come after."""
    assert scene.ask(side, REGEX, path).backend == backend


METHOD = both(
    "method",
    """
    - matches: [{method: GET}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{method: POST}, {method: PUT}]
      backendRefs: [{name: v2, port: 80}]
    - matches: [{method: DELETE, path: {value: /old}}]
      backendRefs: [{name: v3, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("method", "path", "backend"),
    [
        ("GET", "/", "v1"),
        ("POST", "/", "v2"),
        ("PUT", "/x", "v2"),
        ("DELETE", "/old/1", "v3"),
        ("DELETE", "/new", None),
        ("PATCH", "/", None),
    ],
)
def test_method_matching(scene, side, method, path, backend):
    answer = scene.ask(side, METHOD, path, method=method)
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)


HEADERS = both(
    "headers",
    r"""
    - matches: [{headers: [{name: Version, value: two}]}]
      backendRefs: [{name: v2, port: 80}]
    - matches: [{headers: [{name: version, type: RegularExpression, value: 'thr.*'}]}]
      backendRefs: [{name: v3, port: 80}]
    - matches: [{headers: [{name: color, value: blue}, {name: size, value: "1"}]}]
      backendRefs: [{name: v1, port: 80}]
    - matches:
      - headers: [{name: cookie, type: RegularExpression, value: '(.*; )?type=insider(;.*)?'}]
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("headers", "backend"),
    [
        ({"version": "two"}, "v2"),
        ({"VERSION": "two"}, "v2"),
        ({"version": "Two"}, None),
        ({"version": "two "}, "v2"),
        ({"version": "twofold"}, None),
        ({"version": "three"}, "v3"),
        ({"version": "athree"}, None),
        ({"color": "blue", "size": "1"}, "v1"),
        ({"color": "blue"}, None),
        ({"size": "1"}, None),
        ({"cookie": "a=b; type=insider"}, "v1"),
        ({"cookie": "type=outsider"}, None),
        ({"color": "blue", "size": "1", "Size": "2"}, None),
        ({"version": "three", "Version": "four"}, "v3"),
        ({"version": "four", "Version": "three"}, None),
        ({}, None),
    ],
)
def test_header_matching(scene, side, headers, backend):
    answer = scene.ask(side, HEADERS, "/", headers=headers)
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)


QUERY = both(
    "query",
    r"""
    - matches: [{queryParams: [{name: animal, value: whale}]}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{queryParams: [{name: animal, type: RegularExpression, value: 'dol.*'}]}]
      backendRefs: [{name: v2, port: 80}]
    - matches: [{queryParams: [{name: animal, value: dolphin}, {name: color, value: blue}]}]
      backendRefs: [{name: v3, port: 80}]
    - matches: [{path: {value: /path}, queryParams: [{name: x, value: "1"}]}]
      backendRefs: [{name: v3, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "backend"),
    [
        ("/?animal=whale", "v1"),
        ("/any?b=1&animal=whale", "v1"),
        ("/?animal=Whale", None),
        ("/?Animal=whale", None),
        ("/?animal=whaleshark", None),
        ("/?animal=whale&animal=dog", "v1"),
        ("/?animal=dog&animal=whale", None),
        ("/?animal=doldrums", "v2"),
        ("/?animal=adolphin", None),
        ("/?animal=dolphin&color=blue", "v3"),
        ("/?color=blue", None),
        ("/path?x=1", "v3"),
        ("/path", None),
        ("/other?x=1", None),
        ("/", None),
    ],
)
def test_query_param_matching(scene, side, path, backend):
    """Of a repeated parameter the first value counts; more parameters go before fewer."""
    answer = scene.ask(side, QUERY, path)
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)


ANY_OF = both(
    "any-of",
    """
    - matches:
      - path: {type: Exact, value: /a}
      - path: {value: /b}
        headers: [{name: k, value: v}]
      - method: PUT
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/a", {}, 200),
        ("GET", "/b/x", {"k": "v"}, 200),
        ("PUT", "/z", {}, 200),
        ("GET", "/b/x", {}, 404),
        ("GET", "/z", {"k": "v"}, 404),
    ],
)
def test_any_match_of_a_rule(scene, side, *, method, path, headers, status):
    assert scene.ask(side, ANY_OF, path, method=method, headers=headers).status == status


ALL_PARTS = both(
    "all-parts",
    """
    - matches:
      - {path: {value: /}, method: GET, headers: [{name: magic, value: foo}],
         queryParams: [{name: great, value: example}]}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /details}}]
      backendRefs: [{name: v2, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("method", "path", "headers", "backend"),
    [
        ("GET", "/x?great=example", {"magic": "foo"}, "v1"),
        ("POST", "/x?great=example", {"magic": "foo"}, None),
        ("GET", "/x", {"magic": "foo"}, None),
        ("GET", "/x?great=example", {}, None),
        ("GET", "/details/1", {}, "v2"),
        ("GET", "/details/1?great=example", {"magic": "foo"}, "v2"),
    ],
)
def test_all_parts_of_a_match(scene, side, *, method, path, headers, backend):
    answer = scene.ask(side, ALL_PARTS, path, method=method, headers=headers)
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)


NO_MATCHES = both("no-matches", "- backendRefs: [{name: v1, port: 80}]")
NO_RULE_BACKEND = both(
    "no-backend",
    """
    - matches: [{path: {value: /none}}]
    """,
)


@sides
def test_rule_without_matches_takes_all(scene, side):
    assert scene.ask(side, NO_MATCHES, "/any/path?x", method="PATCH").backend == "v1"


@sides
def test_rule_without_backends_answers_500(scene, side):
    assert scene.ask(side, NO_RULE_BACKEND, "/none").status == 500


@sides
def test_no_rule_matches_404(scene, side):
    """From a pod too: a route takes the place of the root Service's own endpoints."""
    answer = scene.ask(side, EXACT, "/nothing")
    assert answer.status == 404
    assert answer.backend is None


ORDER = both(
    "order",
    """
    - matches: [{path: {value: /}}]
      backendRefs: [{name: v1, port: 80}]
      filters: [{type: ResponseHeaderModifier,
        responseHeaderModifier: {set: [{name: rule, value: root}]}}]
    - matches: [{path: {value: /a}}]
      backendRefs: [{name: v1, port: 80}]
      filters: [{type: ResponseHeaderModifier,
        responseHeaderModifier: {set: [{name: rule, value: prefix}]}}]
    - matches: [{path: {value: /a/long}}]
      backendRefs: [{name: v1, port: 80}]
      filters: [{type: ResponseHeaderModifier,
        responseHeaderModifier: {set: [{name: rule, value: longer}]}}]
    - matches: [{path: {type: Exact, value: /a/long}}]
      backendRefs: [{name: v1, port: 80}]
      filters: [{type: ResponseHeaderModifier,
        responseHeaderModifier: {set: [{name: rule, value: exact}]}}]
    - matches: [{path: {value: /a}, method: POST}]
      backendRefs: [{name: v1, port: 80}]
      filters: [{type: ResponseHeaderModifier,
        responseHeaderModifier: {set: [{name: rule, value: method}]}}]
    - matches: [{path: {value: /a}, headers: [{name: h, value: "1"}]}]
      backendRefs: [{name: v1, port: 80}]
      filters: [{type: ResponseHeaderModifier,
        responseHeaderModifier: {set: [{name: rule, value: header}]}}]
    - matches: [{path: {value: /a}, headers: [{name: h, value: "1"}, {name: i, value: "1"}]}]
      backendRefs: [{name: v1, port: 80}]
      filters: [{type: ResponseHeaderModifier,
        responseHeaderModifier: {set: [{name: rule, value: headers}]}}]
    - matches: [{path: {value: /a}, queryParams: [{name: q, value: "1"}]}]
      backendRefs: [{name: v1, port: 80}]
      filters: [{type: ResponseHeaderModifier,
        responseHeaderModifier: {set: [{name: rule, value: query}]}}]
    - matches: [{path: {value: /a/long}}]
      backendRefs: [{name: v1, port: 80}]
      filters: [{type: ResponseHeaderModifier,
        responseHeaderModifier: {set: [{name: rule, value: never}]}}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("method", "path", "headers", "rule"),
    [
        ("GET", "/b", {}, "root"),
        ("GET", "/a/x", {}, "prefix"),
        ("GET", "/a/long/x", {}, "longer"),
        ("POST", "/a/long", {"h": "1", "i": "1"}, "exact"),
        ("POST", "/a/long/x?q=1", {"h": "1"}, "longer"),
        ("POST", "/a?q=1", {"h": "1", "i": "1"}, "method"),
        ("GET", "/a?q=1", {"h": "1"}, "header"),
        ("GET", "/a?q=1", {"h": "1", "i": "1"}, "headers"),
        ("GET", "/a?q=1", {"i": "1"}, "query"),
    ],
)
def test_precedence_in_a_route(scene, side, *, method, path, headers, rule):
    answer = scene.ask(side, ORDER, path, method=method, headers=headers)
    assert answer.values("rule") == [rule]
