"""TLSRoutes, TCPRoutes and UDPRoutes to chains, UDP listeners and status, one file per feature.

A file holds manifests, then a document that starts with ``# Output``: under `ir` what ports are
made of, under `status` one line per condition. ``@SECRET@`` stands for the data of a Secret with a
certificate. ``REFRESH_GOLDEN=1`` rewrites the second part.
"""

import base64
import json

import pytest

from golden.translate.shown import (
    case_name,
    cases,
    collection,
    document,
    keys,
    plain,
    reports,
)
from support.certificates import CA
from support.golden import check, source_of
from translate.world import World

CASES = cases("tls_route", "tcp_route", "udp_route")
KINDS = {"Gateway", "TLSRoute", "TCPRoute", "UDPRoute"}


@pytest.fixture(scope="module")
def secret():
    """The data of a Secret, fresh in every run."""
    issued = CA("golden").issue(dns=["*.example.com"])
    pair = {"tls.crt": issued.cert_pem, "tls.key": issued.key_pem}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in pair.items()}
    return json.dumps(data)


def output(world):
    """The second part of a golden file."""
    outputs = world.outputs
    ports = {
        key: listener
        for key, listener in outputs.listeners.items()
        if not key[1].startswith("http-")
    }
    ir = {
        "listeners": collection(ports),
        "chains": collection(outputs.chains),
        "shares": {
            name: [plain(share) for share in each.shares]
            for name, each in sorted(outputs.endpoints.items())
            if each.shares
        },
        "cluster_use": keys(outputs.cluster_use),
    }
    return document(ir, reports(world, KINDS))


@pytest.mark.parametrize("path", CASES, ids=case_name)
def test_l4_routes_to_ir_and_status(path, secret):
    check(path, output(World(source_of(path).replace("@SECRET@", secret))))
