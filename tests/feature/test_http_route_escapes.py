"""Percent-encoded requests: one spelling in the route, several from clients, one meaning."""

import pytest

from feature.route_scene import both, sides

PATHS = both(
    "paths",
    """
    - matches: [{path: {type: Exact, value: "/%7Eann"}}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: "/a%2Db/caf%C3%A9"}}]
      backendRefs: [{name: v2, port: 80}]
    """,
)

QUERY = both(
    "query",
    """
    - matches: [{queryParams: [{name: mail, value: "ann k@b.de"}]}]
      backendRefs: [{name: v1, port: 80}]
    - matches: [{queryParams: [{name: name, value: "Zoë+1"}]}]
      backendRefs: [{name: v2, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "backend"),
    [
        ("/~ann", "v1"),
        ("/%7Eann", "v1"),
        ("/%7eann", "v1"),
        ("/x/../%7Eann", "v1"),
        ("/%7Eann/x", None),
        ("/a-b/caf%C3%A9", "v2"),
        ("/a%2Db/caf%C3%A9/x", "v2"),
        ("/a-b/cafe", None),
    ],
)
def test_a_path_matches_in_every_spelling(scene, side, path, backend):
    assert scene.ask(side, PATHS, path).backend == backend


@sides
@pytest.mark.parametrize(
    ("query", "backend"),
    [
        ("mail=ann%20k%40b.de", "v1"),
        ("mail=ann+k@b.de", "v1"),
        ("mail=ann%20k%40bxde", None),
        ("mail=annk@b.de", None),
        ("name=Zo%C3%AB%2B1", "v2"),
        ("name=Zo%c3%ab%2b1", "v2"),
        ("name=Zo%C3%AA%2B1", None),
    ],
)
def test_a_query_parameter_matches_in_every_spelling(scene, side, query, backend):
    assert scene.ask(side, QUERY, f"/?{query}").backend == backend
