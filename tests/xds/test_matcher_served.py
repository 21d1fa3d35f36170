"""A real Envoy decides by a tree as it does by the list that the tree was made from."""

import random

import pytest

from fairlead.ir.listener import GatewayListener, HttpChain
from fairlead.ir.match import HeaderMatch, Match, PathExact, PathPrefix, PathRegex, QueryMatch
from fairlead.ir.origin import Origin
from fairlead.ir.rule import Respond, Rule
from fairlead.ir.virtual_host import VirtualHost
from fairlead.xds import matcher, regex_prefix, type_url
from golden.xds.ir_world import Chained, IrWorld
from golden.xds.served import running
from support.http import exchange
from support.ports import free_port

pytestmark = pytest.mark.envoy

TABLE = "gateway/ns/gw/http-80"
RULES = 400
REQUESTS = 1500
ROOT = 0.02
"""Share of paths that may be empty."""
PARTS = ("a", "b", "ab", "a.c", "long-part")
VALUES = ("x", "y", "z", "x,y")


def some_path(pick, depth=4):
    """A path of a few elements, out of few enough to be met again."""
    least = 0 if pick.random() < ROOT else 1
    parts = [pick.choice(PARTS) for _ in range(pick.randint(least, depth))]
    return "/" + "/".join(parts)


def some_match(pick):
    """Any kind of match; many share a path, and many ask for a header."""
    path = some_path(pick)
    kind = pick.random()
    if kind < 0.03:
        where = PathRegex(f"{path}.*[ab]")
    elif kind < 0.5:
        where = PathExact(path + pick.choice(("", "", "/")))
    else:
        where = PathPrefix(path)
    headers = [
        HeaderMatch(name, pick.choice(VALUES), regex=pick.random() < 0.1)
        for name in pick.sample(("h1", "h2", "h3"), k=pick.choice((0, 1, 1, 2)))
    ]
    query = [QueryMatch("q", pick.choice(VALUES))] if pick.random() < 0.1 else []
    method = pick.choice((None, None, "GET", "PUT"))
    return Match(where, method, tuple(headers), tuple(query))


def by_header(pick):
    """Rules that differ by a header far more than by their paths."""
    match = some_match(pick)
    tenant = HeaderMatch("tenant", f"t{pick.randrange(40)}", regex=pick.random() < 0.05)
    own = (tenant,) if pick.random() < 0.95 else ()
    path = PathPrefix(pick.choice(("/", "/a", "/a/b")))
    return Match(path, match.method, own + match.headers, match.query)


def rules(matches):
    return tuple(
        Rule(f"ns/r/{n}/0", match, Respond(200, f"rule {n}"), Origin("HTTPRoute", "ns", "r"))
        for n, match in enumerate(matches)
    )


def some_request(pick):
    path = some_path(pick, 5) + pick.choice(("", "", "/", "c", "?q=x", "?q=y&z", "?/a/b"))
    headers = {
        name: pick.choice(VALUES) for name in pick.sample(("h1", "h2", "h3"), pick.randint(0, 3))
    }
    if pick.random() < 0.1:
        headers["H1"] = "y"  # beside the other one, if there is one
    if pick.random() < 0.9:
        headers["tenant"] = f"t{pick.randrange(42)}"
    return pick.choice(("GET", "GET", "PUT", "POST")), path, headers


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("some", [some_match, by_header])
def test_tree_and_list_decide_alike(some, seed, tmp_path, monkeypatch):
    pick = random.Random(seed)
    same = rules(some(pick) for _ in range(RULES))
    world, port = IrWorld(), free_port()
    world.put(GatewayListener("gateway/ns/gw", "http-80", ("127.0.0.1",), 80, port, TABLE, ()))
    world.put(Chained(HttpChain("http"), "http-80"))
    world.put(VirtualHost(TABLE, "tree.test", ("tree.test",), same))
    monkeypatch.setattr(matcher, "LEAST", RULES + 1)
    world.put(VirtualHost(TABLE, "list.test", ("list.test",), same))
    [table] = world.messages(type_url.ROUTES).values()
    assert b"HttpRequestHeaderMatchInput" in table, "there is no tree"
    taken = set()
    with running(tmp_path, world, port=port, upstream_port=free_port()) as envoy:
        connection = envoy.connection()
        for _ in range(REQUESTS):
            method, path, headers = some_request(pick)
            both = [
                exchange(connection, path, host, method=method, headers=headers)
                for host in ("tree.test", "list.test")
            ]
            assert (both[0].status, both[0].body) == (both[1].status, both[1].body), (
                f"{method} {path} {headers}: by tree {both[0]}, by list {both[1]}"
            )
            taken.add(both[0].body)
        connection.close()
    assert len(taken) > RULES / 8, "the requests met too few of the rules to prove anything"


def test_a_tree_that_would_copy_too_much_stays_a_list():
    regexes = [PathRegex(f".*/r{n}") for n in range(200)]
    exact = [PathExact(f"/e{n}") for n in range(200)]
    assert matcher.tree([matcher.Entry(Match(path), (b"",)) for path in regexes + exact]) is None


@pytest.mark.parametrize(
    ("expression", "prefix"),
    [
        ("/a/.*", "/a/"),
        (r"/a\.b/[0-9]+", "/a.b/"),
        ("/ab*", "/a"),
        ("/ab{2}c", "/a"),
        ("/a|/b", ""),
        ("/x(a|b)", "/x"),
        ("/x[|]", ""),
        ("(?i)/a", ""),
        (r"/a\d", "/a"),
        ("^/a$", "/a"),
        (r"\Q/a.b\E", ""),
    ],
)
def test_prefix_of_a_regular_expression(expression, prefix):
    assert regex_prefix.literal_prefix(expression) == prefix


def test_headers_tell_apart_what_one_path_holds():
    entries = [
        matcher.Entry(Match(headers=(HeaderMatch("tenant", f"t{n}"),)), (b"%d;" % n,))
        for n in range(5000)
    ]
    made = matcher.tree(entries)
    assert made is not None
    assert len(made) < 5000 * 200
