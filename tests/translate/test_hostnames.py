"""Hostnames: covering, intersection, specificity (HTTPRouteSpec.hostnames)."""

import pytest

from fairlead.translate import hostnames


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("*", "*.example.com", True),
        ("*", "*", True),
        ("*.example.com", "*", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "*.b.example.com", True),
        ("*.b.example.com", "*.example.com", False),
        ("*.example.com", "a.notexample.com", False),
        ("a.example.com", "a.example.com", True),
        ("a.example.com", "*.example.com", False),
    ],
)
def test_covers(pattern, host, expected):
    assert hostnames.covers(pattern, host) is expected


@pytest.mark.parametrize(
    ("listener", "route", "expected"),
    [
        ("*", "*", "*"),
        ("*", "a.example.com", "a.example.com"),
        ("a.example.com", "*", "a.example.com"),
        ("test.example.com", "*.example.com", "test.example.com"),
        ("*.example.com", "foo.test.example.com", "foo.test.example.com"),
        ("*.example.com", "*.test.example.com", "*.test.example.com"),
        ("*.example.com", "example.com", None),
        ("*.example.com", "test.example.net", None),
    ],
)
def test_intersection(listener, route, expected):
    assert hostnames.intersection(listener, route) == expected


def test_specificity_puts_exact_before_longer_and_shorter_wildcards_and_none_last():
    given = ["*", "*.com", "b.com", "*.example.com", "a.example.com"]
    ordered = ["a.example.com", "b.com", "*.example.com", "*.com", "*"]
    assert sorted(given, key=hostnames.specificity) == ordered


@pytest.mark.parametrize(
    ("host", "limit", "expected"),
    [
        ("a.b.example.com", "*", ["*.b.example.com", "*.example.com", "*.com", "*"]),
        ("a.b.example.com", "*.example.com", ["*.b.example.com", "*.example.com"]),
        ("*.b.example.com", "*.example.com", ["*.example.com"]),
        ("*.example.com", "*.example.com", []),
        ("a.example.com", "a.example.com", []),
        ("localhost", "*", ["*"]),
        ("*", "*", []),
    ],
)
def test_wider_names_stop_at_the_listener(host, limit, expected):
    assert list(hostnames.wider(host, limit)) == expected
    assert all(hostnames.covers(wide, host) for wide in expected)
