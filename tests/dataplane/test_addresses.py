"""Addresses: exclusive on the machine, the same for a name, honest about what can be bound."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fairlead.dataplane import addresses
from fairlead.dataplane.addresses import GatewayAddresses, PodAddresses, can_bind

CLAIMANT = """
import sys
from fairlead.dataplane import addresses
from fairlead.dataplane.addresses import GatewayAddresses, PodAddresses
from pathlib import Path
hold = addresses.hold
addresses.hold = lambda name: hold(sys.argv[2] + name)
print(PodAddresses().claim(), flush=True)
gateways = GatewayAddresses(Path(sys.argv[1]))
print(*gateways.converge({("a", "a"): ()})["a", "a"], flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A prefix of names, as on a machine of our own: other tests' instances come and go."""
    prefix = f"test-{os.getpid()}/"
    hold = addresses.hold
    monkeypatch.setattr(addresses, "hold", lambda name: hold(prefix + name))
    return prefix


@pytest.fixture
def pods():
    pods = PodAddresses()
    pods.claim()
    yield pods
    pods.release()


@pytest.fixture
def gateways(tmp_path):
    made = []

    def make():
        made.append(GatewayAddresses(tmp_path / "addresses.json"))
        made[-1].load()
        return made[-1]

    yield make
    for each in made:
        each.release()


def test_two_instances_never_share_a_block_or_an_address(pods, gateways, tmp_path, machine):
    mine = gateways().converge({("a", "a"): ()})["a", "a"]
    block = pods.assign(("x", "x")).split(".")[1]
    other = subprocess.Popen(
        [sys.executable, "-c", CLAIMANT, str(tmp_path / "other.json"), machine],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(addresses.__file__).parents[2])},
    )
    with other:
        theirs = other.stdout.readline().split(".")[1]
        address = other.stdout.readline().strip()
        assert theirs != block
        assert address.startswith("127.0.0.")
        assert (address,) != mine
        other.kill()  # and what a dead instance had is free again
    again = PodAddresses()
    assert again.claim().split(".")[1] == theirs
    again.release()


def test_a_pod_has_the_same_address_in_every_run_and_no_two_share_one(pods):
    keys = [("default", f"pod-{n}") for n in range(3000)]
    given = {key: pods.assign(key) for key in keys}
    assert len(set(given.values())) == 3000
    assert all(pods.assign(key) == address for key, address in given.items())
    for key in keys:
        pods.free(key)
    assert {key: pods.assign(key) for key in keys} == given
    for address in (min(given.values()), max(given.values())):
        with socket.socket() as server:
            server.bind((address, 0))
        assert address.rpartition(".")[2] not in {"0", "255"}


def test_a_full_block_says_so(pods, monkeypatch):
    monkeypatch.setattr(addresses, "_POD_ADDRESSES", 2)
    assert {pods.assign(("a", "1")), pods.assign(("a", "2"))} == {
        f"127.{pods._block}.0.{n}"  # noqa: SLF001
        for n in (1, 2)
    }
    with pytest.raises(addresses.AddressError, match="no address left"):
        pods.assign(("a", "3"))


def test_gateways_get_addresses_in_the_order_they_are_given_in_and_keep_them(gateways):
    table = gateways()
    given = table.converge({("a", "y"): (), ("b", "x"): ()})
    first, second = given["a", "y"], given["b", "x"]
    assert [int(a[0].rpartition(".")[2]) for a in (first, second)] == sorted(
        int(a[0].rpartition(".")[2]) for a in (first, second)
    )
    assert first != second
    more = table.converge({("b", "x"): (), ("a", "y"): (), ("a", "a"): ()})
    assert {k: more[k] for k in given} == dict(given)
    table.converge({("b", "x"): ()})
    table.release()
    assert gateways().converge({("b", "x"): (), ("0", "0"): ()})["b", "x"] == second


def test_the_addresses_of_a_spec_are_given_if_they_can_be(gateways):
    table = gateways()
    given = table.converge(
        {
            ("a", "1"): ("127.9.9.9", "192.0.2.1", "nonsense"),
            ("a", "2"): ("127.9.9.9",),
            ("a", "3"): ("192.0.2.1",),
            ("a", "4"): (),
        }
    )
    assert given["a", "1"] == ("127.9.9.9",)
    assert given["a", "2"] == ()  # one Gateway's is not another's
    assert given["a", "3"] == ()
    assert given["a", "4"][0].startswith("127.0.0.")
    given = table.converge({("a", "2"): ("127.9.9.9",), ("a", "1"): ()})
    assert given["a", "2"] == ("127.9.9.9",)
    given = table.converge({("a", "2"): ("127.9.9.9", "127.9.9.8", "127.9.9.9"), ("a", "1"): ()})
    assert given["a", "2"] == ("127.9.9.9", "127.9.9.8")


def test_of_gateways_that_ask_for_one_address_the_first_one_gets_it(gateways):
    asked = {("b", "1"): ("127.9.9.7",), ("a", "1"): ("127.9.9.7",)}
    assert gateways().converge(asked) == {("b", "1"): ("127.9.9.7",), ("a", "1"): ()}


def test_a_spec_may_ask_for_any_address_besides_certain_ones(gateways):
    table = gateways()
    asked = {("a", "1"): ("127.9.9.9", ""), ("a", "2"): ("", ""), ("a", "3"): ("",)}
    given = table.converge(asked)
    assert given["a", "1"][0] == "127.9.9.9"
    automatic = [*given["a", "1"][1:], *given["a", "2"], *given["a", "3"]]
    assert len(set(automatic)) == 4
    assert all(address.startswith("127.0.0.") for address in automatic)
    assert table.converge(asked) == given
    assert table.converge({**asked, ("a", "1"): ("127.9.9.9",)})["a", "1"] == ("127.9.9.9",)


def test_when_all_addresses_are_taken_a_gateway_gets_none_until_one_is_free(gateways, monkeypatch):
    table = gateways()
    monkeypatch.setattr(addresses, "can_bind", lambda address: address == "127.0.0.77")
    assert table.converge({("a", "1"): (), ("a", "2"): ()}) == {
        ("a", "1"): ("127.0.0.77",),
        ("a", "2"): (),
    }
    assert table.converge({("a", "2"): ()}) == {("a", "2"): ("127.0.0.77",)}


def test_a_broken_memory_is_forgotten(gateways, tmp_path):
    for text in ("", "[1]", '{"a/a": 3}', '{"a/a": "nonsense"}'):
        (tmp_path / "addresses.json").write_text(text)
        table = gateways()
        assert table.converge({("a", "a"): ()})["a", "a"][0].startswith("127.0.0.")
        table.release()


def test_what_this_host_can_bind():
    assert can_bind("127.200.3.4")
    assert can_bind("0.0.0.0")
    assert not can_bind("192.0.2.1")
    assert not can_bind("example.com")
    assert not can_bind("127.0.0.1:80")


def test_the_port_offset_is_what_binding_needs():
    port = next(n for n in range(81, 1024) if n not in {111, 443, 631})
    with socket.socket() as probe:
        try:
            probe.bind(("127.77.77.77", port))
            expected = 0
        except PermissionError:
            expected = 10_000
    assert addresses.default_port_offset() == expected
