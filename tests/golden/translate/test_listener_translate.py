"""Listeners of Gateways and ListenerSets to IR and status, one file per feature.

A file holds manifests, then a document that starts with ``# Output``: under `ir` the ports, their
chains, and rules by host (with the hostname of the listener that owns it, where connections tell
it), under `status` one line per condition. Secrets named `good` with a certificate are there in the
namespaces `default` and `team`, fresh in every run. ``REFRESH_GOLDEN=1`` rewrites the second part.
"""

from pathlib import Path

import pytest
import yaml

from golden.translate.test_translate import plain, status
from support.certificates import CA, tls_secret
from support.golden import check, source_of
from translate.world import World

HERE = Path(__file__).parent
CASES = sorted([*HERE.glob("listener/*.yaml"), *HERE.glob("listener_set/*.yaml")])
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
        "listeners": {
            " ".join(key): plain(each) for key, each in sorted(outputs.listeners.items())
        },
        "chains": {" ".join(key): plain(each) for key, each in sorted(outputs.chains.items())},
        "hosts": hosts(world),
    }
    reports = {
        f"{kind} {namespace}/{name}": told(report)
        for (kind, namespace, name), report in sorted(outputs.reports.items())
        if kind in KINDS
    }
    return yaml.safe_dump({"ir": ir, "status": reports}, sort_keys=False, width=100)


def told(report):
    """What one report says."""
    sets = report.attached_listener_sets
    counted = {} if sets is None else {"attachedListenerSets": sets}
    return {**counted, **status(report)}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_listeners_to_ir_and_status(path, secrets):
    check(path, output(World(source_of(path), *secrets)))
