"""`fairlead install`, `check` and `uninstall` against a real API server.

The installation is one of its own, beside whatever else runs: its namespace tells it apart.
"""

import contextlib
import json
import uuid

import pytest
import yaml

from cluster import installation
from cluster.api import wait_for
from cluster.installation import fairlead
from cluster.scene import Scene, condition
from support.certificates import CA, tls_secret

IN_ORDER = ("Kubernetes", "Gateway API", "Control plane", "Rights", "Gateways")


class Place:
    """An installation's namespace, and commands for it."""

    def __init__(self, cluster, namespace):
        self.cluster = cluster
        self.namespace = namespace

    def install(self, *options, check=True):
        return fairlead(
            *("install", "-n", self.namespace, "--image", installation.image()),
            *("--set", f"className={self.namespace}", "--set", "replicas=1"),
            *("--set", f"controllerName=fairlead.dev/{self.namespace}", *options),
            check=check,
        )

    def uninstall(self, *options, check=True):
        return fairlead("uninstall", "-n", self.namespace, "--yes", *options, check=check)

    def check(self, *options):
        found = json.loads(fairlead("check", "-n", self.namespace, "-o", "json", *options,
                                    check=False))  # fmt: skip
        return {each["message"]: each for each in found}

    def deployment(self):
        return self.cluster.find("Deployment", "fairlead", self.namespace)


@pytest.fixture
def place(cluster):
    found = Place(cluster, f"install-test-{uuid.uuid4().hex[:8]}")
    yield found
    found.uninstall(check=False)
    with contextlib.suppress(Exception):
        cluster.delete("Namespace", found.namespace)


def test_an_installation_from_before_to_after(place):
    cluster = place.cluster
    before = place.check("--pre")
    assert {each["severity"] for each in before.values()} == {"ok"}, before
    assert f"Fairlead is not installed in {place.namespace}" in place.check()

    said = place.install("--wait")
    assert f"Deployment {place.namespace}/fairlead created" in said
    assert "and serves" in said
    after = place.check("--wait", "30")
    assert {each["severity"] for each in after.values()} == {"ok"}, after
    assert tuple(dict.fromkeys(each["topic"] for each in after.values())) == IN_ORDER

    again = place.install("--wait")
    assert "created" not in again
    assert "configured" not in again

    place.uninstall()
    assert cluster.find("GatewayClass", place.namespace) is None
    assert cluster.find("ClusterRole", f"fairlead-{place.namespace}") is None
    wait_for(lambda: cluster.find("Namespace", place.namespace) is None, "the namespace's end", 60)
    assert "is not installed" in place.uninstall()


def test_what_is_no_longer_wanted_is_removed(place):
    roles = [f"fairlead-{place.namespace}-{name}" for name in ("secrets", "snapshots")]
    place.install()
    assert all(place.cluster.find("ClusterRole", name) for name in roles)
    said = place.install(
        "--set", "snapshots=false", "--set", f"secretNamespaces=[{place.namespace}]"
    )
    for name in roles:
        assert f"ClusterRole {name} deleted" in said
        assert place.cluster.find("ClusterRole", name) is None
    assert place.cluster.find("Role", roles[0], place.namespace)
    assert place.cluster.find("Role", roles[1], place.namespace) is None


def test_a_secret_that_may_not_be_read_is_told_as_such(place, namespace):
    place.install("--wait", "--set", f"secretNamespaces=[{place.namespace}]")
    cluster, scene = place.cluster, Scene(place.cluster, namespace)
    made = CA("test").issue(dns=["shop.example.com"])
    cluster.apply(yaml.safe_load(tls_secret("cert", made, namespace=namespace)))
    tls = {"certificateRefs": [{"name": "cert"}]}
    https = {"name": "https", "port": 443, "protocol": "HTTPS", "tls": tls}
    scene.gateway(https, gatewayClassName=place.namespace)

    def told():
        listeners = scene.live().get("status", {}).get("listeners", [])
        found = (condition(each["conditions"], "ResolvedRefs") for each in listeners)
        return any(f"Secret {namespace}/cert cannot be read" in each["message"] for each in found)

    wait_for(told, "the Secret that may not be read", 30)
    place.install("--wait", "--set", "secretNamespaces=[]")
    wait_for(lambda: not told(), "the Secret that may be read", 60)
    (listener,) = scene.live()["status"]["listeners"]
    assert condition(listener["conditions"], "ResolvedRefs")["status"] == "True"


def test_fields_of_others_are_not_taken(place):
    place.install()
    scale = {"spec": {"replicas": 3}}
    place.cluster.patch("Deployment", "fairlead", place.namespace, scale)
    said = place.install(check=False)
    assert ".spec.replicas" in said
    assert "--force-conflicts" in said
    assert place.deployment()["spec"]["replicas"] == 3
    place.install("--force-conflicts")
    assert place.deployment()["spec"]["replicas"] == 1


def test_what_others_added_stays(place):
    place.install()
    added = {"metadata": {"annotations": {"example.com/note": "kept"}}}
    place.cluster.patch("Deployment", "fairlead", place.namespace, added)
    place.install("--set", "logLevel=debug")
    assert place.deployment()["metadata"]["annotations"]["example.com/note"] == "kept"


def test_a_namespace_that_was_there_stays(cluster, namespace):
    place = Place(cluster, namespace)
    before = cluster.get("Namespace", namespace)["metadata"]["labels"]
    place.install()
    assert cluster.get("Namespace", namespace)["metadata"]["labels"] == before
    assert "was there before" in place.uninstall()
    assert cluster.find("Namespace", namespace)["status"]["phase"] == "Active"


def test_a_namespace_with_things_of_others_stays(place):
    place.install()
    metadata = {"name": "theirs", "namespace": place.namespace}
    place.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    assert "in it are configmaps theirs" in place.uninstall()
    assert place.cluster.find("ConfigMap", "theirs", place.namespace)


def test_objects_of_our_kinds_keep_their_definition(place, namespace):
    place.install()
    limit = {
        "apiVersion": "fairlead.dev/v1alpha1",
        "kind": "LocalRateLimit",
        "metadata": {"name": "some", "namespace": namespace},
        "spec": {"requests": 5, "per": "1s"},
    }
    place.cluster.forget_kinds()
    place.cluster.apply(limit)
    said = place.uninstall()
    assert "stays: CustomResourceDefinition localratelimits.fairlead.dev" in said
    assert place.cluster.find("LocalRateLimit", "some", namespace)


def test_an_image_that_is_not_there_is_told(place):
    said = place.install(
        "--image", "example.invalid/fairlead:none", "--wait", "--timeout", "60", check=False
    )
    assert "waiting for 1 of 1 replicas (ErrImagePull" in said
    found = place.check()
    (replicas,) = (each for message, each in found.items() if "replicas are ready" in message)
    assert replicas["severity"] == "error"
    assert "example.invalid/fairlead:none" in replicas["message"]


def test_rights_that_are_missing_are_told(place):
    place.install()
    place.cluster.delete("ClusterRoleBinding", f"fairlead-{place.namespace}")
    lacking = [each for message, each in place.check().items() if "may not" in message]
    assert len(lacking) == 1
    assert lacking[0]["severity"] == "error"
    assert "fairlead install" in lacking[0]["remedy"]
    place.install()
    assert not [message for message in place.check() if "may not" in message]


def test_who_may_not_install_is_told(place, tmp_path):
    config = yaml.safe_load(place.cluster.kubectl("config", "view", "--raw", "--minify"))
    token = place.cluster.kubectl("create", "token", "default", "-n", "default").strip()
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    said = fairlead("check", "--pre", "--kubeconfig", str(path), check=False)
    assert "you may not create" in said
    assert "cluster-admin" in said


def test_the_api_server_knows_every_field(cluster, namespace):
    options = ("hostnamePolicy=true", "aggregateRoles=true", "className=other")
    settings = [word for each in options for word in ("--set", each)]
    text = fairlead("install", "-n", namespace, "--dry-run", *settings)
    said = cluster.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--force-conflicts"),
        *("--validate=strict", "-f", "-"),
        stdin=text,
    )
    assert len(said.splitlines()) == len(list(yaml.safe_load_all(text)))
