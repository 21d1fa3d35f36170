"""Certificates and authorities of Gateways to chains, their use and status, one file per feature.

A file holds manifests, then a document that starts with ``# Output``: under `ir` the chains and
which proxy is given which secret, under `status` one line per condition. Secrets and ConfigMaps
with certificates are not in the files: `good` and `other` are there, in the namespaces `default`
and `elsewhere`, fresh in every run. ``REFRESH_GOLDEN=1`` rewrites the second part.
"""

from pathlib import Path

import pytest
import yaml

from golden.translate.test_translate import plain, status
from support.certificates import CA, ca_config_map, tls_secret
from support.golden import check, source_of
from translate.world import World

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("certificates/*.yaml"))
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
    reports = {
        f"{kind} {namespace}/{name}": status(report)
        for (kind, namespace, name), report in sorted(outputs.reports.items())
        if kind in {"Gateway", "ListenerSet"}
    }
    ir = {
        "chains": {" ".join(key): plain(each) for key, each in sorted(outputs.chains.items())},
        "secret_use": [" ".join(key) for key in sorted(outputs.secret_use.keys())],
    }
    return yaml.safe_dump({"ir": ir, "status": reports}, sort_keys=False, width=100)


def test_there_are_cases():
    assert len(CASES) > 1


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_objects_to_chains_and_status(path, given):
    check(path, output(World(source_of(path), *given)))
