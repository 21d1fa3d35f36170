"""URLRewrite on rules and on backendRefs, and what a path and host become."""

import pytest

from feature.route_scene import both, sides

REWRITES = both(
    "rewrites",
    r"""
    - matches: [{path: {value: /host}}]
      filters: [{type: URLRewrite, urlRewrite: {hostname: inner.example}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /full}}]
      filters:
      - {type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /new}}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /prefix}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /other}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /slash}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /other/}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /strip/}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /empty}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: ""}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /d.t}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /odd}}]
      filters:
      - {type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: '/a\1b%20'}}}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /two}}]
      filters:
      - type: URLRewrite
        urlRewrite:
          hostname: inner.example
          path: {type: ReplacePrefixMatch, replacePrefixMatch: /one}
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}}
      backendRefs: [{name: v1, port: 80}, {name: v2, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/full", "/new"),
        ("/full/x/y?q=1&r=/full", "/new?q=1&r=/full"),
        ("/prefix", "/other"),
        ("/prefix/", "/other/"),
        ("/prefix/x?q=1", "/other/x?q=1"),
        ("/prefix?q=1", "/other?q=1"),
        ("/slash", "/other"),
        ("/slash/x", "/other/x"),
        ("/strip", "/"),
        ("/strip/", "/"),
        ("/strip?q=1", "/?q=1"),
        ("/strip/?q=1", "/?q=1"),
        ("/strip/x", "/x"),
        ("/empty", "/"),
        ("/empty/x?q=1", "/x?q=1"),
        ("/d.t/x", "/x"),
        ("/odd", "/a\\1b%20"),
        ("/two/x", "/one/x"),
    ],
)
def test_path_rewrite(scene, side, path, target):
    """One slash at the seam, the query stays."""
    assert scene.ask(side, REWRITES, path).target == target


def test_prefix_rewrite_is_by_elements(scene):
    assert scene.gateway(REWRITES.host, "/prefixed").status == 404


@sides
def test_host_rewrite(scene, side):
    answer = scene.ask(side, REWRITES, "/host/x")
    assert answer.received("host") == ["inner.example"]
    assert answer.target == "/host/x"


@sides
def test_host_and_path_rewrite_for_each_backend(scene, side):
    for _ in range(10):
        answer = scene.ask(side, REWRITES, "/two/x?q=1")
        assert answer.received("host") == ["inner.example"]
        assert answer.target == "/one/x?q=1"
        assert answer.received("a") == ["b"]


@pytest.mark.parametrize("host", ["rewrites.example", "Rewrites.Example:8080"])
def test_host_is_kept_without_rewrite(scene, host):
    """HTTPRouteSpec.hostnames: forwarded as it came, port and all."""
    assert scene.gateway(host, "/full").received("host") == [host]


@pytest.mark.parametrize("host", ["rewrites", "rewrites:80", "rewrites.default.svc"])
def test_host_is_kept_without_rewrite_in_the_mesh(scene, host):
    assert scene.mesh(f"http://{host}/full").received("host") == [host]


ROOT_REWRITE = both(
    "root-rewrite",
    """
    - matches: [{path: {value: /}}]
      filters:
      - type: URLRewrite
        urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /base}}
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "target"), [("/", "/base/"), ("/x", "/base/x"), ("/x?q=1", "/base/x?q=1")]
)
def test_rewrite_of_the_root_prefix(scene, side, path, target):
    assert scene.ask(side, ROOT_REWRITE, path).target == target


BACKEND_REWRITE = both(
    "backend-rewrite",
    """
    - matches: [{path: {value: /app}}]
      filters:
      - {type: URLRewrite, urlRewrite: {hostname: rule.example}}
      backendRefs:
      - name: v1
        port: 80
        weight: 1
        filters:
        - type: URLRewrite
          urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /one}}
      - name: v2
        port: 80
        weight: 2
        filters:
        - type: URLRewrite
          urlRewrite:
            hostname: two.example
            path: {type: ReplaceFullPath, replaceFullPath: /two}
      - {name: v3, port: 80, weight: 1}
    """,
)


@sides
def test_backend_url_rewrite(scene, side):
    """Each backend gets the path and host of its own; weights still count."""
    wanted = {
        "v1": ("/one/x", "rule.example"),
        "v2": ("/two", "two.example"),
        "v3": ("/app/x", "rule.example"),
    }
    seen = set()
    for _ in range(80):
        answer = scene.ask(side, BACKEND_REWRITE, "/app/x")
        assert (answer.target, *answer.received("host")) == wanted[answer.backend]
        seen.add(answer.backend)
    assert seen == set(wanted)
    shares = scene.shares(side, BACKEND_REWRITE, 800, "/app")
    assert 330 < shares["v2"] < 470
    assert 140 < shares["v1"] < 260
