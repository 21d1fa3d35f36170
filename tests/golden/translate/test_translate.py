"""Objects to IR and status, one file per feature.

A file holds manifests, then a document that starts with ``# Output``: under `ir` the listeners,
the virtual hosts and the use of clusters, under `status` one line per condition. Fields at their
defaults and origins are left out. ``REFRESH_GOLDEN=1`` rewrites the second part.
"""

from pathlib import Path

import msgspec
import pytest
import yaml

from fairlead.ir.origin import Origin
from fairlead.ir.virtual_host import VirtualHost
from support.golden import check, source_of
from translate.world import World

HERE = Path(__file__).parent
KINDS = ("gateway", "grpc_route", "http_route")
CASES = sorted(path for kind in KINDS for path in HERE.glob(f"{kind}/*.yaml"))


def plain(value):
    """A value as YAML writes it: Structs without defaults, without origins."""
    if isinstance(value, Origin):
        return str(value)
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        fields = {tag: {}} if tag else {}
        kept = fields[tag] if tag else fields
        for field in msgspec.structs.fields(value):
            part = getattr(value, field.name)
            if part != field.default and field.name not in {"origin", "origins"}:
                kept[field.name] = plain(part)
        return fields
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return value


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


def condition(given):
    """One condition in a line."""
    return f"{given.status} {given.reason}: {given.message}".removesuffix(": ")


def status(report):
    """What one report says."""
    said = {each.type: condition(each) for each in report.conditions}
    for each in report.listeners:
        said[f"listener {each.name}"] = {
            "attached": each.attached_routes,
            "kinds": [kind for _, kind in each.supported_kinds],
            **{one.type: condition(one) for one in each.conditions},
        }
    for index, parent in enumerate(report.parents):
        ref = parent.parent_ref
        said[f"parent {index} {ref.kind} {ref.name}"] = {
            one.type: condition(one) for one in parent.conditions
        }
    return said


def output(world):
    """The second part of a golden file."""
    reports = {
        f"{kind} {namespace}/{name}": status(report)
        for (kind, namespace, name), report in sorted(world.outputs.reports.items())
        if kind in {"GatewayClass", "Gateway", "GRPCRoute", "HTTPRoute"}
    }
    listeners = {
        f"{proxy} {name}": plain(listener)
        for (proxy, name), listener in sorted(world.outputs.listeners.items())
    }
    ir = {
        "listeners": listeners,
        "virtual_hosts": hosts(world),
        "cluster_use": ["{} {}".format(*key) for key in sorted(world.outputs.cluster_use.keys())],
    }
    return yaml.safe_dump({"ir": ir, "status": reports}, sort_keys=False, width=100)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_objects_to_ir_and_status(path):
    check(path, output(World(source_of(path))))
