"""Policies for backends, and XBackends: objects to clusters and status, one file per feature.

A file holds manifests, then a document that starts with ``# Output``: under `ir` what rules forward
to and the clusters in use, under `status` one line per condition. ``@CA@`` stands for a certificate
authority, ``@SECRET@`` for the data of a Secret with a certificate. ``REFRESH_GOLDEN=1`` rewrites
the second part.
"""

import base64
import json

import pytest

from fairlead.ir.backend import Forward
from fairlead.ir.rule import Route
from golden.translate.shown import (
    case_name,
    cases,
    condition,
    conditions,
    document,
    keys,
    plain,
)
from support.certificates import CA
from support.golden import check, source_of
from translate.world import World

CASES = cases("backend_policies")
POLICIES = ("BackendTLSPolicy", "XBackendTrafficPolicy", "XBackend")


@pytest.fixture(scope="module")
def filled():
    """Fill in what is fresh in every run."""
    authority = CA("golden")
    issued = authority.issue(client=True)
    pair = {"tls.crt": issued.cert_pem, "tls.key": issued.key_pem}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in pair.items()}

    def fill(text):
        return text.replace("@CA@", json.dumps(authority.cert_pem)).replace(
            "@SECRET@", json.dumps(data)
        )

    return fill


def forwards(world):
    """{table host rule: [cluster, with its session if there is one]}."""
    return {
        f"{table} {name} {rule.name}": [_target(each) for each in rule.action.backends]
        for (table, name), host in sorted(world.outputs.virtual_hosts.items())
        for rule in host.rules
        if isinstance(rule.action, Route)
    }


def _target(backend):
    if not isinstance(backend, Forward):
        return f"{backend.reason}: {backend.message}"
    if backend.session is None:
        return backend.cluster
    return {backend.cluster: plain(backend.session)}


def used(world):
    """Names of the clusters in use."""
    return sorted({name for _, name in sorted(world.outputs.cluster_use.keys())})


def clusters(world):
    """The clusters in use."""
    found = ((name, world.outputs.clusters.get(name)) for name in used(world))
    return {name: plain(cluster) if cluster else "none" for name, cluster in found}


def endpoints(world):
    """The addresses of each cluster in use that has some."""
    found = ((name, world.outputs.endpoints.get(name)) for name in used(world))
    return {
        name: [f"{each.address}:{each.port}" for each in known.addresses]
        for name, known in found
        if known is not None and known.addresses
    }


def status(world):
    """What policies' owners are told, and whether the references of routes resolve."""
    said = {}
    for (kind, namespace, name), report in sorted(world.outputs.reports.items()):
        if kind in POLICIES:
            said[f"{kind} {namespace}/{name}"] = {
                f"{ancestor.ancestor_ref.kind} {ancestor.ancestor_ref.name}": conditions(
                    ancestor.conditions
                )
                for ancestor in report.ancestors
            }
        elif kind.endswith("Route"):
            said[f"{kind} {namespace}/{name}"] = {
                one.type: condition(one)
                for parent in report.parents
                for one in parent.conditions
                if one.type == "ResolvedRefs"
            }
    return said


@pytest.mark.parametrize("path", CASES, ids=case_name)
def test_policies_to_clusters_and_status(path, filled):
    world = World(filled(source_of(path)), system_trust="/trust.pem")
    ir = {
        "rules": forwards(world),
        "clusters": clusters(world),
        "endpoints": endpoints(world),
        "secret_use": keys(world.outputs.secret_use),
    }
    check(path, document(ir, status(world)))
