"""TLSRoutes, TCPRoutes and UDPRoutes to chains, UDP listeners and status, one file per feature.

A file holds manifests, then a document that starts with ``# Output``: under `ir` what ports are
made of, under `status` one line per condition. ``@SECRET@`` stands for the data of a Secret with a
certificate. ``REFRESH_GOLDEN=1`` rewrites the second part.
"""

import base64
import json
from pathlib import Path

import pytest
import yaml

from golden.translate.test_translate import plain, status
from support.certificates import CA
from support.golden import check, source_of
from translate.world import World

HERE = Path(__file__).parent
KINDS = {"tls_route": "TLSRoute", "tcp_route": "TCPRoute", "udp_route": "UDPRoute"}
CASES = sorted(path for kind in KINDS for path in HERE.glob(f"{kind}/*.yaml"))


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
        "listeners": {" ".join(key): plain(each) for key, each in sorted(ports.items())},
        "chains": {" ".join(key): plain(each) for key, each in sorted(outputs.chains.items())},
        "shares": {
            name: [plain(share) for share in each.shares]
            for name, each in sorted(outputs.endpoints.items())
            if each.shares
        },
        "cluster_use": ["{} {}".format(*key) for key in sorted(outputs.cluster_use.keys())],
    }
    reports = {
        f"{kind} {namespace}/{name}": status(report)
        for (kind, namespace, name), report in sorted(outputs.reports.items())
        if kind in {"Gateway", *KINDS.values()}
    }
    return yaml.safe_dump({"ir": ir, "status": reports}, sort_keys=False, width=100)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_l4_routes_to_ir_and_status(path, secret):
    check(path, output(World(source_of(path).replace("@SECRET@", secret))))
