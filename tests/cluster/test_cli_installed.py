"""Commands that ask the control plane as it is installed, about what it serves."""

import json

import pytest
import yaml

from cluster import commands
from cluster.api import wait_for
from cluster.commands import fairlead

HOST = "shop.example.com"
NOBODY = "nobody.example.com"


@pytest.fixture(scope="module")
def served(module_scene):
    """A Gateway with a route that is served, and one that leads nowhere; its address."""
    module_scene.gateway()
    module_scene.backend("shop")
    module_scene.route("cart", HOST, "shop")
    module_scene.route("astray", NOBODY, "absent")
    return module_scene.until_served(HOST, "shop")


def good(*arguments, **variables):
    done = fairlead(*arguments, **variables)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def cells(text):
    return {line.split()[0]: line.split()[1:] for line in text.splitlines()[1:]}


def test_get_tells_what_became_of_objects(module_scene, served):
    namespace = module_scene.namespace

    def settled():
        routes = cells(good("get", "routes", "-n", namespace))
        ready = routes["cart"][:4] == ["gateway/web", "True", "True", "1/1"]
        return routes if ready and routes["astray"][2] == "False" else None

    routes = wait_for(settled, "both routes' conditions")
    assert routes["astray"][-1] == "BackendNotFound"
    gateways = cells(good("get", "gateways", "-n", namespace))
    assert gateways["web"][:3] == ["fairlead", f"{served}:80", "True"]
    services = cells(good("get", "services", "-n", namespace))
    assert services["shop"][3:5] == ["1/1", "0"]


def test_proxies_are_listed_by_pod_with_the_replica_that_serves_them(module_scene, served):
    assert served
    proxy = f"gateway/{module_scene.namespace}/web"
    (found,) = yaml.safe_load(good("get", "proxies", proxy, "-o", "yaml"))["status"]["pods"]
    pods = module_scene.cluster.list("Pod", module_scene.namespace)
    assert found["state"] == "SYNCED"
    names = {pod["metadata"]["name"] for pod in module_scene.cluster.list("Pod", "fairlead-system")}
    assert found["replica"] in names
    assert found["name"] in {"<none>", "", *(pod["metadata"]["name"] for pod in pods)}


def test_an_object_is_shown_with_its_live_status(module_scene, served):
    shown = yaml.safe_load(good("get", "gw", "web", "-n", module_scene.namespace, "-o", "yaml"))
    live = module_scene.live()
    assert shown["status"]["addresses"][0]["value"] == served
    assert shown["status"] == live["status"]
    assert shown["metadata"]["creationTimestamp"] == live["metadata"]["creationTimestamp"]


def test_explain_and_describe(module_scene, served):
    namespace = module_scene.namespace
    gateway = ("--gateway", f"{namespace}/web")
    decision = json.loads(good("explain", f"http://{HOST}/x", *gateway, "-o", "json"))
    assert decision["listener"]["addresses"] == [served]
    assert decision["rule"]["name"] == "cart"
    described = good("describe", "route", "cart", "-n", namespace)
    assert f"URL: http://{served}:80" in described
    assert "100% shop:80 (1 of 1 endpoints ready)" in described


def test_traffic_tests_send_requests_to_the_gateway(module_scene, served, tmp_path):
    assert served
    gateway = f"{module_scene.namespace}/web"
    case = {"request": f"http://{HOST}/", "gateway": gateway, "expect": {"body": "shop"}}
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump({"tests": [case]}))
    assert good("test", "-f", str(file), "--live").splitlines()[-1] == "1 passed, 0 failed"


def test_a_developer_sees_the_same_status_without_asking(module_scene, served, tmp_path):
    assert served
    config = commands.developer(module_scene.cluster, module_scene.namespace, tmp_path)
    asked = cells(good("get", "routes", "-n", module_scene.namespace))
    done = fairlead("get", "routes", "--kubeconfig", config)
    assert "Answered from the objects that you may read" in done.stderr
    read = cells(done.stdout)
    for name in ("cart", "astray"):
        assert read[name][:4] == asked[name][:4]
        assert read[name][5:] == asked[name][5:]
