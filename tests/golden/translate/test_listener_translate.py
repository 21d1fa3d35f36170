"""Listeners of Gateways and ListenerSets to IR and status, one file per feature.

A file holds manifests, then a document that starts with ``# Output``: under `ir` the ports, their
chains, and rules by host (with the hostname of the listener that owns it, where connections tell
it), under `status` one line per condition. Secrets named `good` with a certificate are there in the
namespaces `default` and `team`, fresh in every run. ``REFRESH_GOLDEN=1`` rewrites the second part.
"""

import pytest

from golden.translate.shown import (
    case_name,
    cases,
    collection,
    document,
    plain,
    report,
    reports,
)
from support.certificates import CA, tls_secret
from support.golden import check, source_of
from translate.world import World

CASES = cases("listener", "listener_set")
KINDS = {"Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"}


@pytest.fixture(scope="module")
def secrets():
    """Manifests that hold certificates."""
    issued = CA("golden").issue(dns=["*.example.com"])
    return [tls_secret("good", issued, namespace=namespace) for namespace in ("default", "team")]


def hosts(world):
    """{table: {host: {owner, rules}}}."""
    found = {}
    for (table, name), host in sorted(world.outputs.virtual_hosts.items()):
        told = {"owner": host.owner} if host.owner else {}
        found.setdefault(table, {})[name] = {**told, "rules": [rule.name for rule in host.rules]}
    return found


def output(world):
    """The second part of a golden file."""
    outputs = world.outputs
    ir = {
        "proxies": [plain(each) for _, each in sorted(outputs.fleet.items())],
        "listeners": collection(outputs.listeners),
        "chains": collection(outputs.chains),
        "hosts": hosts(world),
    }
    return document(ir, reports(world, KINDS, counted))


def counted(told):
    """What one report says, and how many ListenerSets it counts."""
    sets = told.attached_listener_sets
    return {**({} if sets is None else {"attachedListenerSets": sets}), **report(told)}


@pytest.mark.parametrize("path", CASES, ids=case_name)
def test_listeners_to_ir_and_status(path, secrets):
    check(path, output(World(source_of(path), *secrets)))
