"""`fairlead test`: expectations in files, held against manifests offline."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from fairlead.analysis.traffic.case import Expectation
from fairlead.analysis.traffic.verdict import Observed, differences
from fairlead.cli.root import cli

EXAMPLES = Path(__file__).parents[2] / "examples"
SHOP = "http://shop.example.com:8080"
SHARES = "backends: 95% default/cart/80, 5% default/cart-next/80"

GOOD = [
    {
        "name": "moved",
        "request": f"GET {SHOP}/basket",
        "expect": {"status": 301, "location": f"{SHOP}/cart", "rule": "old-address"},
    },
    {
        "request": f"{SHOP}/cart/items?id=1",
        "expect": {
            "backends": {"cart": 95, "default/cart-next:80": 5},
            "path": "/items?id=1",
            "host": "shop.example.com:8080",
            "status": 200,
            "route": "default/cart",
            "rule": "1",
        },
    },
    {"request": f"{SHOP}/cart", "expect": {"backends": ["cart", "cart-next"], "route": "cart"}},
    {
        "request": f"{SHOP}/cart",
        "headers": {"x-version": "next"},
        "expect": {"backend": "cart-next", "requestHeaders": {"x-version": "next", "x-a": None}},
    },
    {"request": f"{SHOP}/cart", "headers": ["x_v: 1"], "expect": {"status": 400}},
    {"request": "http://other:8080/", "expect": {"status": 404, "backends": {"404": 1}}},
    {"request": "http://shop.example.com/", "expect": {"closed": True}},
]


def run(tmp_path, tests, *options, manifests=("gateway",)):
    """Write the tests to a file and run them on examples."""
    file = tmp_path / "traffic.yaml"
    file.write_text(tests if isinstance(tests, str) else yaml.safe_dump({"tests": tests}))
    given = [word for name in manifests for word in ("-f", str(EXAMPLES / name))]
    return CliRunner().invoke(cli, ["test", "-f", str(file), *given, *options])


def test_all_as_expected(tmp_path):
    done = run(tmp_path, GOOD)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == "ok    moved"
    assert done.output.splitlines()[-1] == f"{len(GOOD)} passed, 0 failed"


@pytest.mark.parametrize(
    ("request_", "expect", "difference"),
    [
        ("/basket", {"status": 302}, "status: 301, expected 302"),
        ("/basket", {"location": "/x"}, f"location: {SHOP}/cart, expected /x"),
        ("/basket", {"backend": "cart"}, "backends: 100% 301, expected 100% cart"),
        ("/basket", {"path": "/cart"}, "no backend gets the request"),
        (
            "/cart",
            {"backends": {"cart": 90, "cart-next": 10}},
            f"{SHARES}, expected 90% cart, 10% cart-next",
        ),
        (
            "/cart",
            {"backends": ["cart"]},
            f"{SHARES}, expected cart",
        ),
        ("/cart", {"backend": "cart:81"}, "expected 100% cart:81"),
        ("/cart", {"backend": "prod/cart"}, "expected 100% prod/cart"),
        ("/cart", {"route": "other/cart"}, "route: default/cart, expected other/cart"),
        ("/cart", {"rule": "pinned"}, "rule: split, expected pinned"),
        ("/cart", {"path": "/cart"}, "path: /, expected /cart"),
        ("/cart", {"host": "x"}, "host: shop.example.com:8080, expected x"),
        ("/cart", {"requestHeaders": {"a": "b"}}, "request header a: none, expected 'b'"),
        ("/cart", {"headers": {"set-cookie": None}}, "header set-cookie: 'cart=next'"),
        ("/cart", {"status": 404}, "status: 200, expected 404"),
        ("/cart", {"closed": True}, "the connection is not closed"),
        ("/nope", {"grpcStatus": 12}, "gRPC status: None, expected 12"),
        ("/nope", {"route": "cart"}, "route: none, expected cart"),
    ],
)
def test_what_is_otherwise_is_told(tmp_path, request_, expect, difference):
    done = run(tmp_path, [{"request": SHOP + request_, "expect": expect}])
    assert done.exit_code == 1
    assert difference in done.output
    where = EXAMPLES / "gateway"
    assert f"why: fairlead explain {SHOP}{request_} -f {where}\n" in done.output
    assert done.output.endswith("0 passed, 1 failed\n")


def test_a_pod_of_the_mesh_asks(tmp_path):
    tests = [
        {
            "name": "canary",
            "request": "http://backend/",
            "from": "istio-test/client",
            "expect": {"backends": {"backend-v1": 90, "backend-v2": 10}, "route": "backend-split"},
        }
    ]
    done = run(tmp_path, tests, manifests=("canary",))
    assert done.exit_code == 0, done.output


def test_results_are_written_as_junit(tmp_path):
    report = tmp_path / "report.xml"
    bad = {"name": "a <b> & 'c'\x07", "request": f"{SHOP}/cart", "expect": {"status": 404}}
    assert run(tmp_path, [*GOOD, bad], "--junit", str(report)).exit_code == 1
    [suite] = ET.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == (str(len(GOOD) + 1), "1")
    assert suite[0].get("name") == "moved"
    assert suite[-1].get("name") == "a <b> & 'c'\N{REPLACEMENT CHARACTER}"
    assert suite[-1][0].get("message") == "status: 200, expected 404"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: [{request: x, expect: {}, form: a/b}]", "unknown field `form`"),
        ("tests: [{request: http://x/}]", "missing required field `expect`"),
        ("tests: [{request: http://x/, expect: {status: ok}}]", "Expected `int"),
        ("a: b", "no file holds tests"),
    ],
)
def test_files_that_cannot_be_read_are_wrong_usage(tmp_path, text, message):
    done = run(tmp_path, text)
    assert done.exit_code == 2
    assert message in done.output


def test_a_request_that_is_none_fails_by_itself(tmp_path):
    tests = [{"request": "shop", "expect": {}}, *GOOD]
    done = run(tmp_path, tests)
    assert done.exit_code == 1
    assert "a URL begins with http://" in done.output
    assert f"{len(GOOD)} passed, 1 failed" in done.output


def test_live_takes_no_manifests(tmp_path):
    done = run(tmp_path, GOOD, "--live")
    assert done.exit_code == 2
    assert "leave out the manifests" in done.output


def test_headers_of_answers_are_claimed_only_where_they_are_known():
    decision = {
        "rule": {"responseHeaders": {"set": {"a": "1"}, "remove": ["b"]}},
        "backends": [
            {"weight": 1, "responseHeaders": {"add": {"a": "2", "c": "3"}}},
            {"weight": 1},
        ],
    }
    known = {"a": "1,2", "b": None}
    assert differences(decision, Expectation(headers=known)) == [
        "header a: '1', expected '1,2'",
    ]
    assert not differences(decision, Expectation(headers={"d": "x", "e": None}))


def test_real_answers_are_compared_in_full():
    seen = Observed(200, (("a", "1"), ("a", "2")), "hello")
    expected = Expectation(status=200, headers={"A": "1,2", "b": None}, body="ell", closed=False)
    assert not differences({}, expected, seen)
    wrong = Expectation(status=404, headers={"a": None}, body="x", location="/", closed=True)
    assert differences({}, wrong, seen) == [
        "the connection was not closed",
        "status: 200, expected 404",
        "location: none, expected /",
        "header a: '1,2', expected none",
        "body: 'hello', expected to hold 'x'",
    ]
