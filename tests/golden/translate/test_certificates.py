"""Certificates and authorities of Gateways to chains, their use and status, one file per feature.

A file holds manifests, then a document that starts with ``# Output``: under `ir` the chains and
which proxy is given which secret, under `status` one line per condition. Secrets and ConfigMaps
with certificates are not in the files: `good` and `other` are there, in the namespaces `default`
and `elsewhere`, fresh in every run. ``REFRESH_GOLDEN=1`` rewrites the second part.
"""

import pytest

from golden.translate.shown import case_name, cases, collection, document, keys, reports
from support.certificates import CA, ca_config_map, tls_secret
from support.golden import check, source_of
from translate.world import World

CASES = cases("certificates")
NAMES, NAMESPACES = ("good", "other"), ("default", "elsewhere")


@pytest.fixture(scope="module")
def given():
    """Manifests that hold certificates."""
    authority = CA("golden")
    issued = authority.issue(["*.example.com"])
    places = [(name, namespace) for name in NAMES for namespace in NAMESPACES]
    return [tls_secret(name, issued, namespace=space) for name, space in places] + [
        ca_config_map(name, authority.cert_pem, namespace=space) for name, space in places
    ]


def output(world):
    """The second part of a golden file."""
    outputs = world.outputs
    ir = {"chains": collection(outputs.chains), "secret_use": keys(outputs.secret_use)}
    return document(ir, reports(world, {"Gateway", "ListenerSet"}))


@pytest.mark.parametrize("path", CASES, ids=case_name)
def test_objects_to_chains_and_status(path, given):
    check(path, output(World(source_of(path), *given)))
