"""The chart with the real Helm: the same objects as `fairlead install`, and an installation."""

import subprocess
import uuid
from pathlib import Path

import pytest
import yaml

from cluster import installation, traffic
from cluster.api import wait_for
from cluster.installation import fairlead
from cluster.scene import Scene
from fairlead.install.cluster import key_of
from install.choices import FULL

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "fairlead"
HOST = "shop.example.com"


@pytest.fixture(scope="session")
def helm():
    """Runs Helm; raises CalledProcessError if it fails."""
    script = ROOT / "scripts" / "get_helm.sh"
    found = subprocess.run(
        ["sh", script, ROOT / ".cache" / "bin"], stdout=subprocess.PIPE, text=True, check=False
    )
    assert found.returncode == 0, "there is no Helm, see above"
    path = found.stdout.strip()

    def run(*arguments):
        return subprocess.run(
            [path, *arguments], stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    return run


def by_key(text):
    made = [each for each in yaml.safe_load_all(text) if each]
    return {key_of(each): each for each in made if each["kind"] != "Namespace"}


@pytest.mark.parametrize("namespace", ["fairlead-system", "other"])
@pytest.mark.parametrize("given", [{}, FULL])
def test_helm_makes_the_objects_that_install_applies(helm, given, namespace, tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(given))
    options = ("--include-crds", "-n", namespace, "-f", str(path))
    made = helm("template", "fairlead", str(CHART), *options)
    wanted = fairlead("install", "--dry-run", "-n", namespace, "-f", str(path))
    assert by_key(made) == by_key(wanted)


def test_helm_finds_no_fault(helm):
    assert "0 chart(s) failed" in helm("lint", str(CHART))


def test_a_value_that_cannot_be_is_refused(helm):
    with pytest.raises(subprocess.CalledProcessError):
        helm("template", "fairlead", str(CHART), "--set", "replica=2")


@pytest.fixture
def release(helm, cluster):
    """The namespace of an installation by Helm, beside whatever else there is; also its class."""
    namespace = f"helm-test-{uuid.uuid4().hex[:8]}"
    values = {
        "image": installation.image(),
        "replicas": 1,
        "className": namespace,
        "controllerName": f"fairlead.dev/{namespace}",
    }
    settings = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    try:
        helm(
            *("install", "fairlead", str(CHART), "-n", namespace, "--create-namespace"),
            *("--wait", "--timeout", "180s", *settings),
        )
        yield namespace
    finally:
        cluster.delete("Namespace", namespace)


def uninstalled(helm, cluster, release):
    helm("uninstall", "fairlead", "-n", release, "--wait")
    assert cluster.find("GatewayClass", release) is None
    wait_for(lambda: not cluster.list("Pod", release), "the end of the control plane", 90)


def test_helm_installs_and_uninstalls(helm, cluster, release):
    found = fairlead("check", "-n", release, "--wait", "60")
    assert f"GatewayClass {release} is accepted" in found
    refusal = fairlead("install", "-n", release, check=False)
    assert "helm upgrade" in refusal
    refusal = fairlead("uninstall", "-n", release, "--yes", check=False)
    assert "helm uninstall" in refusal
    uninstalled(helm, cluster, release)
    assert cluster.find("CustomResourceDefinition", "localratelimits.fairlead.dev")


def test_gateways_serve_on_while_helm_uninstalls(helm, cluster, release, namespace):
    scene = Scene(cluster, namespace)
    scene.gateway(gatewayClassName=release)
    scene.backend("shop")
    scene.route("shop", HOST, "shop")
    address = scene.until_served(HOST, "shop")
    with traffic.unbroken(address, HOST):
        uninstalled(helm, cluster, release)
