"""A table in shards answers as one table would, in a real Envoy.

A host that is named stands in one shard only, so that each answer shows that Envoy computes the
same shard for it as we do.
"""

import random
import string

import pytest

from fairlead.xds import scopes
from fairlead.xds.scopes import Layout
from golden.xds.ir_world import world
from golden.xds.served import running
from support.ports import free_port

pytestmark = pytest.mark.envoy

TABLES = ("gateway/ns/gw/http-80", "gateway/ns/gw/http-8080")
HOSTS = 300


def host(rng):
    """A host of one to four labels."""
    letters = string.ascii_lowercase + string.digits
    labels = (
        "".join(rng.choice(letters + "-" * (0 < at < 8)) for at in range(rng.choice((1, 3, 9))))
        for _ in range(rng.randint(1, 4))
    )
    return ".".join(label.strip("-") or "x" for label in labels) + ".example.com"


def virtual_host(table, name):
    """A virtual host that forwards, and tells its name and table."""
    forward = {"backends": [{"forward": {"cluster": "ns/up/80", "weight": 1}}]}
    told = {"set": [["x-table", table], ["x-virtual-host", name]]}
    rule = {"response_headers": told, "action": {"route": forward}}
    return {"table": table, "name": name, "rules": [rule]}


@pytest.fixture(scope="module")
def named():
    rng = random.Random(3)
    return sorted({host(rng) for _ in range(HOSTS)})


@pytest.fixture(scope="module", params=[4, scopes.SHARD_BITS], ids=lambda bits: f"{bits} bits")
def envoy(request, named, tmp_path_factory):
    port, other, upstream = free_port(), free_port(), free_port()
    made = world(
        {
            "listeners": [
                {"name": "http-80", "port": 80, "bind_port": port, "table": TABLES[0]},
                {"name": "http-8080", "port": 8080, "bind_port": other, "table": TABLES[1]},
            ],
            "virtual_hosts": [
                *(virtual_host(TABLES[0], name) for name in named),
                virtual_host(TABLES[0], "*.wild.example.com"),
                virtual_host(TABLES[1], "*"),
            ],
            "clusters": [{"name": "ns/up/80"}],
            "endpoints": [
                {"cluster": "ns/up/80", "addresses": [{"address": "127.0.0.1", "port": upstream}]}
            ],
            "layouts": dict.fromkeys(TABLES, request.param),
        }
    )
    folder = tmp_path_factory.mktemp("envoy")
    seen = (scopes.HEADER,)
    with running(folder, made, port=port, upstream_port=upstream, seen=seen) as found:
        yield found, other


def spelled(name, rng):
    """The host as a client may write it."""
    cases = "".join(rng.choice((char, char.upper())) for char in name)
    return cases + rng.choice(("", ":80", ":8443"))


def test_each_host_is_found_however_it_is_spelled(envoy, named):
    rng = random.Random(5)
    for name in named:
        for given in (name, spelled(name, rng)):
            answer = envoy[0].get("/", host=given)
            assert answer.headers.get("x-virtual-host") == name, given
            assert answer.headers["x-table"] == TABLES[0]


def test_wildcards_hold_in_every_shard(envoy):
    rng = random.Random(7)
    for _ in range(50):
        answer = envoy[0].get("/", host=host(rng).replace(".example", ".WILD.example"))
        assert answer.headers["x-virtual-host"] == "*.wild.example.com"


@pytest.mark.parametrize(
    "unknown", ["nobody.example.net", "wild.example.com", "[::1]:80", "1.2.3.4"]
)
def test_what_nobody_serves_is_404(envoy, unknown):
    assert envoy[0].get("/", host=unknown).status == 404


def test_no_client_reaches_another_table_and_no_backend_sees_the_key(envoy, named):
    running_envoy, other = envoy
    key = scopes.name(TABLES[0], Layout(4), scopes.shard(named[0], 4))
    running_envoy.port, port = other, running_envoy.port
    try:
        answer = running_envoy.get("/", host=named[0], raw={scopes.HEADER: key})
    finally:
        running_envoy.port = port
    assert answer.headers["x-table"] == TABLES[1]
    assert f"x-saw-{scopes.HEADER}" not in answer.headers
