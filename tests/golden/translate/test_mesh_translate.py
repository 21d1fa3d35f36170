"""Manifests and live pods to the mesh's IR and to status, one file per feature.

A file holds manifests and pods as they run (kind Workload, a test's own), then a document that
starts with ``# Output``. ``REFRESH_GOLDEN=1`` rewrites that part.
"""

import msgspec
import pytest
import yaml

from fairlead import api
from fairlead.ir.workload import Workload
from golden.translate.shown import case_name, cases, document, keys, plain, reports
from support.golden import check, source_of
from translate.world import World

CASES = cases("mesh", "destination_rule")
DEFAULTS = {"namespace": "default", "labels": {}, "ready": True}


def workload(document):
    """The live pod that a document of kind Workload describes."""
    fields = {**DEFAULTS, **{name: part for name, part in document.items() if name != "kind"}}
    fields["labels"] = sorted(fields["labels"].items())
    return msgspec.convert(fields, Workload)


def world(source):
    """Translation of everything that the first part of a file holds."""
    documents = list(yaml.safe_load_all(source))
    written = [each for each in documents if each["kind"] != "Workload"]
    live = [workload(each) for each in documents if each["kind"] == "Workload"]
    return World(yaml.safe_dump_all(written), *live)


def output(found):
    """The second part of a golden file."""
    hosts, endpoints = {}, {}
    for (table, name), host in sorted(found.outputs.virtual_hosts.items()):
        rules = [plain(rule) for rule in host.rules]
        hosts.setdefault(table, {})[name] = {"domains": list(host.domains), "rules": rules}
    for name, each in sorted(found.outputs.endpoints.items()):
        endpoints[name] = [f"{one.address}:{one.port} {one.pod}".rstrip() for one in each.addresses]
    ir = {
        "fleet": sorted(found.outputs.fleet.keys()),
        "listeners": {
            f"{proxy} {name}": f"{listener.bind_port} {listener.table}"
            for (proxy, name), listener in sorted(found.outputs.listeners.items())
        },
        "virtual_hosts": hosts,
        "clusters": {
            name: {
                **{
                    field: part
                    for field, part in plain(cluster).items()
                    if field not in {"name", "namespace", "service", "port"}
                },
                **({"origin": str(cluster.origin)} if cluster.origin else {}),
            }
            for name, cluster in sorted(found.outputs.clusters.items())
        },
        "endpoints": endpoints,
        "cluster_use": keys(found.outputs.cluster_use),
        "pods": keys(found.outputs.pods, "/"),
    }
    return document(ir, reports(found, api.KIND_OF.keys() - {"Gateway"}))


@pytest.mark.parametrize("path", CASES, ids=case_name)
def test_objects_to_the_meshs_ir_and_status(path):
    check(path, output(world(source_of(path))))
