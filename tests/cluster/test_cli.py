"""Commands that ask a cluster: the way to the control plane, and what is left without it.

The control plane is played by a pod that serves prepared answers on the port of the API, so that
what is tested is the way there.
"""

import json
import os
import stat
import sys
from pathlib import Path

import pytest
import yaml

from cluster import commands
from cluster.api import wait_for
from cluster.commands import fairlead, kubeconfig, run
from cluster.scene import is_ready

TABLE = {
    "noun": "resources",
    "namespaced": True,
    "columns": [{"name": "NAME", "wide": False}, {"name": "ACCEPTED", "wide": False}],
    "rows": [{"namespace": "shop", "name": "cart", "cells": ["cart", "True"]}],
}
ANSWERS = {
    "v1/table/httproutes": TABLE,
    "v1/watch/httproutes": {"table": TABLE, "objects": []},
    "v1/describe/route/shop/cart": {"lines": [[0, "HTTPRoute: cart"], [1, "Namespace: shop"]]},
    "debug/receipts": {"receipts": []},
}
CLASS = "cluster-test-cli"
ROUTES = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: %s
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: v1
kind: Service
metadata: {name: basket}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: basket-1, labels: {kubernetes.io/service-name: basket}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.9.8.7]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart}
spec:
  hostnames: [cart.example.com]
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: basket, port: 80}]}, {backendRefs: [{name: baskte, port: 80}]}]
"""


def documents(text, namespace):
    for each in yaml.safe_load_all(text):
        each["metadata"]["namespace"] = namespace
        yield each


def replica(namespace, name, command):
    """A pod of the control plane, which answers as `command` does."""
    labels = {
        "app.kubernetes.io/name": "fairlead",
        "app.kubernetes.io/component": "control-plane",
    }
    mount = {"name": "answers", "mountPath": "/answers"}
    keys = [{"key": path.replace("/", "."), "path": path} for path in ANSWERS]
    volume = {"name": "answers", "configMap": {"name": "answers", "items": keys}}
    container = {"name": "c", "image": "busybox", "command": command, "volumeMounts": [mount]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [volume],
        },
    }


def lease(namespace, holder):
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "fairlead", "namespace": namespace},
        "spec": {"holderIdentity": holder},
    }


def ready(cluster, namespace, name):
    wait_for(lambda: is_ready(cluster.get("Pod", name, namespace)), f"pod {name}", 60)


@pytest.fixture(scope="module")
def system(cluster, module_namespace):
    """A namespace in which a replica answers, and leads."""
    data = {path.replace("/", "."): json.dumps(answer) for path, answer in ANSWERS.items()}
    httpd = ["busybox", "httpd", "-f", "-p", "127.0.0.1:15000", "-h", "/answers"]
    metadata = {"name": "answers", "namespace": module_namespace}
    cluster.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data},
        replica(module_namespace, "replica", httpd),
        lease(module_namespace, "replica"),
    )
    ready(cluster, module_namespace, "replica")
    return module_namespace


def test_get_asks_the_replica_that_leads(system):
    done = fairlead("get", "routes", "-A", "--system-namespace", system)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["NAMESPACE", "NAME", "ACCEPTED"],
        ["shop", "cart", "True"],
    ]


def test_the_kubeconfig_is_enough_to_ask_a_cluster(system):
    done = fairlead("get", "routes", "-A", FAIRLEAD_SYSTEM_NAMESPACE=system)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cart" in done.stdout


def test_watching_streams(system):
    done = fairlead("get", "routes", "-A", "--watch", "--system-namespace", system)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].split() == ["shop", "cart", "True"]


def test_describe_and_debug_go_the_same_way(system):
    done = fairlead("describe", "route", "cart", "-n", "shop", "--system-namespace", system)
    assert done.stdout == "HTTPRoute: cart\n   Namespace: shop\n"
    done = fairlead("debug", "receipts", "--system-namespace", system)
    assert json.loads(done.stdout) == {"receipts": []}


def test_it_is_a_plugin_of_kubectl(system, tmp_path):
    """Which asks the cluster also where an instance runs on this machine."""
    plugin = tmp_path / "kubectl-fairlead"
    plugin.write_text(
        f"#!{sys.executable}\nfrom fairlead.cli import kubectl_main\nkubectl_main()\n"
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    variables = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "FAIRLEAD_STATE_DIR": str(tmp_path),
        "FAIRLEAD_SYSTEM_NAMESPACE": system,
    }
    done = run(["kubectl", "fairlead", "get", "routes", "-A"], variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cart" in done.stdout
    done = run(["kubectl", "fairlead", "get", "routes", "--state-dir", str(tmp_path)], variables)
    assert done.returncode == 2
    assert "names an instance of this machine" in done.stderr


def test_where_nobody_leads_a_ready_replica_answers(cluster, system):
    cluster.apply(lease(system, "somebody-gone"))
    try:
        done = fairlead("get", "routes", "-A", "--system-namespace", system)
    finally:
        cluster.apply(lease(system, "replica"))
    assert done.returncode == 0
    assert done.stderr == "no replica leads at the moment: replica answers, and may lag\n"
    assert "cart" in done.stdout


def test_where_it_is_not_installed_it_says_how_to_install_it(namespace):
    done = fairlead("get", "routes", "--system-namespace", namespace)
    assert done.returncode == 1
    assert f"Fairlead is not installed in namespace {namespace}" in done.stderr
    assert "fairlead install" in done.stderr


def test_a_replica_that_does_not_listen_is_told_of_in_its_nodes_words(cluster, namespace):
    metadata = {"name": "answers", "namespace": namespace}
    data = {path.replace("/", "."): "" for path in ANSWERS}
    cluster.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data},
        replica(namespace, "deaf", ["sleep", "600"]),
        lease(namespace, "deaf"),
    )
    ready(cluster, namespace, "deaf")
    done = fairlead("get", "routes", "--system-namespace", namespace)
    assert done.returncode == 1
    assert "pod deaf of Fairlead gave no answer: " in done.stderr
    assert "refused" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--context", "nowhere"], "context nowhere of kubeconfig"),
        (["--kubeconfig", "/dev/null"], "kubeconfig /dev/null"),
    ],
)
def test_a_kubeconfig_that_is_none_is_told_of(arguments, message):
    done = fairlead("get", "routes", *arguments)
    assert done.returncode == 1
    assert message in done.stderr


def test_an_api_server_that_is_away_is_told_of(tmp_path):
    config = tmp_path / "config"
    config.write_text(yaml.safe_dump(kubeconfig("http://127.0.0.1:9", {}, "default")))
    done = fairlead("get", "routes", "--kubeconfig", str(config))
    assert done.returncode == 1
    assert "the API server of context here gave no answer" in done.stderr
    assert "127.0.0.1:9" in done.stderr


@pytest.fixture(scope="module")
def developer(cluster, module_namespace, tmp_path_factory):
    """Kubeconfig of somebody who may read routes and what they need in one namespace alone."""
    cluster.apply(*documents(ROUTES % CLASS, module_namespace))
    return commands.developer(cluster, module_namespace, tmp_path_factory.mktemp("developer"))


def test_without_the_right_to_ask_it_names_verbs_and_role(developer, system):
    done = fairlead("get", "proxies", "--kubeconfig", developer, "--system-namespace", system)
    assert done.returncode == 1
    assert "`get` and `create` of pods/portforward" in done.stderr
    assert "Role fairlead-console" in done.stderr


def test_explain_answers_from_what_may_be_read(developer, system):
    done = fairlead(
        "explain", "http://cart.example.com/", "--kubeconfig", developer,
        "--system-namespace", system, "-o", "json",
    )  # fmt: skip
    assert done.returncode == 0
    assert "Answered from the objects that you may read" in done.stderr
    assert "not seen, for lack of rights: namespaces, gatewayclasses" in done.stderr
    decision = json.loads(done.stdout)
    assert decision["rule"]["name"] == "cart"
    assert "10.9.8.7" in done.stdout


def test_expectations_are_held_against_what_may_be_read(developer, system, tmp_path):
    tests = tmp_path / "tests.yaml"
    expected = {"backend": "basket:80"}
    case = {"name": "cart", "request": "http://cart.example.com/", "expect": expected}
    tests.write_text(yaml.safe_dump({"tests": [case, case]}))
    done = fairlead(
        "test", "-f", str(tests), "--kubeconfig", developer, "--system-namespace", system
    )
    assert done.stdout.splitlines()[-1] == "2 passed, 0 failed", done.stdout + done.stderr
    assert done.stderr.count("Answered from the objects that you may read") == 1


def test_get_and_describe_make_up_no_status_that_nobody_has_written(developer, system):
    arguments = ("--kubeconfig", developer, "--system-namespace", system)
    done = fairlead("get", "routes", *arguments)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split()[:5] == [
        "cart", "gateway/edge", "Unknown", "Unknown", "0/1",
    ]  # fmt: skip
    done = fairlead("describe", "route", "cart", *arguments)
    assert done.stdout.startswith("HTTPRoute: cart\n")
    assert "basket:80" in done.stdout


@pytest.fixture
def ours(cluster, namespace):
    """Routes at a Gateway of a class of ours."""
    made = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": "fairlead.dev/gateway-controller"},
    }
    cluster.apply(made, *documents(ROUTES % CLASS, namespace))
    yield namespace
    cluster.delete("GatewayClass", CLASS)


def test_lint_looks_at_all_that_may_be_read(developer, system):
    done = fairlead("lint", "-n", system, "--kubeconfig", developer)
    assert "not seen, for lack of rights: namespaces, gatewayclasses" in done.stderr
    assert "in other namespaces: services" in done.stderr
    assert f"HTTPRoute {system}/cart spec.rules[1].backendRefs[0]" in done.stdout
    assert "did you mean Service basket?" in done.stdout


def test_lint_of_a_namespace_tells_of_no_other(ours):
    done = fairlead("lint", "-n", ours, "-o", "json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert {each["namespace"] for each in found} == {ours}
    (slip,) = [each for each in found if each["field"] == "spec.rules[1].backendRefs[0].name"]
    assert slip["severity"] == "error"
    done = fairlead("lint", "-A", "-o", "json")
    assert ours in {each["namespace"] for each in json.loads(done.stdout)}


def test_lint_of_files_does_not_need_a_cluster(tmp_path: Path):
    (tmp_path / "routes.yaml").write_text(ROUTES % "fairlead")
    done = fairlead("lint", str(tmp_path), KUBECONFIG="/nonexistent")
    assert "routes.yaml" in done.stdout
    assert fairlead("lint", str(tmp_path), "--cluster").returncode == 2
