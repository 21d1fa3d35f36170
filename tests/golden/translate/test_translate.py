"""Objects to IR and status, one file per feature.

A file holds manifests, then a document that starts with ``# Output``: under `ir` the listeners,
the virtual hosts and the use of clusters, under `status` one line per condition. Fields at their
defaults and origins are left out. ``REFRESH_GOLDEN=1`` rewrites the second part.
"""

import pytest

from fairlead.ir.virtual_host import VirtualHost
from golden.translate.shown import (
    case_name,
    cases,
    collection,
    document,
    keys,
    plain,
    reports,
)
from support.golden import check, source_of
from translate.world import World

CASES = cases("gateway", "grpc_route", "http_route")
KINDS = {"GatewayClass", "Gateway", "GRPCRoute", "HTTPRoute"}


def hosts(world):
    """{table: {host: [rule]}}."""
    found = {}
    for (table, name), host in sorted(world.outputs.virtual_hosts.items()):
        assert isinstance(host, VirtualHost)
        rules = [plain(rule) for rule in host.rules]
        if host.filters is not None:
            rules = {"filters": plain(host.filters), "rules": rules}
        found.setdefault(table, {})[name] = rules
    return found


def output(world):
    """The second part of a golden file."""
    ir = {
        "listeners": collection(world.outputs.listeners),
        "virtual_hosts": hosts(world),
        "cluster_use": keys(world.outputs.cluster_use),
    }
    return document(ir, reports(world, KINDS))


@pytest.mark.parametrize("path", CASES, ids=case_name)
def test_objects_to_ir_and_status(path):
    check(path, output(World(source_of(path))))
