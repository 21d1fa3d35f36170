"""Manifests as they are sent: one golden for each case, and what holds for all of them.

A golden's input is the proxy's fields as YAML.
"""

from pathlib import Path

import msgspec
import pytest
import yaml

from dataplane.kubernetes.makers import COMMON, proxy
from fairlead.dataplane.kubernetes import manifests, plan
from fairlead.ir.fleet import Proxy
from support.golden import check, source_of

CASES = sorted((Path(__file__).parents[2] / "golden" / "kubernetes").glob("*.yaml"))


def of_case(path):
    """The proxy of a golden."""
    fields = yaml.safe_load(source_of(path))
    name = fields.get("gateway", "edge")
    base = {
        "name": f"gateway/infra/{name}",
        "kind": "gateway",
        "namespace": "infra",
        "gateway": name,
        "owner": "0c0ffee0-uid",
        "ports": [{"name": "http-80", "port": 80, "transport": "TCP"}],
        "addresses": [{}],
    }
    return msgspec.convert({**base, **fields}, Proxy)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_manifests(path):
    applied, _ = plan.plan(of_case(path), COMMON, {}, {})
    documents = [msgspec.to_builtins(each.body()) for each in applied]
    check(path, yaml.safe_dump_all(documents, sort_keys=True, width=100))


def test_there_are_cases():
    assert {"plain", "everything"} <= {path.stem for path in CASES}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_everything_belongs_to_the_gateway_and_carries_its_labels(path):
    wanted = of_case(path)
    for step in plan.plan(wanted, COMMON, {}, {})[0]:
        metadata = step.manifest["metadata"]
        assert metadata["ownerReferences"] == [manifests.owner(wanted)]
        assert metadata["namespace"] == wanted.namespace
        assert metadata["labels"] == manifests.labels(wanted)
        assert dict(wanted.annotations).items() <= metadata["annotations"].items()


def test_labels_by_which_things_are_found_cannot_be_changed():
    theirs = (("app.kubernetes.io/managed-by", "me"), ("team", "web"))
    assert manifests.labels(proxy(labels=theirs)) == {
        "app.kubernetes.io/managed-by": "fairlead",
        "gateway.networking.k8s.io/gateway-name": "edge",
        "team": "web",
    }


def test_ports_and_authorities_make_no_new_pods():
    def template(wanted, common):
        made = manifests.manifests(wanted, common)
        return next(each for each in made if each["kind"] == "Deployment")["spec"]["template"]

    other = manifests.Common(COMMON.pod, "ANOTHER PEM", COMMON.controller_name)
    assert template(proxy(), COMMON) == template(proxy(ports=()), other)
