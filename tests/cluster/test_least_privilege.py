"""The control plane gets along with its roles, and uses every verb of them.

It runs as a process of the test, and its requests go through a proxy that writes them down and
asks in the name of a ServiceAccount which has the installed roles and no others.
"""

import base64
from pathlib import Path

import pytest
import yaml

from cluster import asked, installation, objects
from cluster.api import Cluster, wait_for
from cluster.api_proxy import ApiProxy
from cluster.outside import OutsideController
from cluster.scene import Scene, condition
from support.certificates import CA

EVERYTHING = Path(__file__).with_name("everything.yaml")
ACCOUNT = "fairlead"
EVENTS = "/apis/events.k8s.io/v1"
RBAC = "rbac.authorization.k8s.io"
ROLES = ("fairlead", "fairlead-secrets", "fairlead-snapshots")
WITHOUT_STATUS = ("ConfigMap", "Service", "Secret")


def bound(namespace):
    """An account in a namespace with our ClusterRoles; and its Role there, of the same rules."""
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": ACCOUNT, "namespace": namespace},
    }
    for role in ROLES:
        yield {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{namespace}-{role}"},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        }
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "fairlead", "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "fairlead"},
        "subjects": [subject],
    }


@pytest.fixture
def watched(installed, namespace, tmp_path):
    """The scene, the controller, and the proxy that has written down what it asked."""
    cluster = installed
    rules = cluster.get("Role", "fairlead", installation.NAMESPACE)["rules"]
    role = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": "fairlead", "namespace": namespace},
        "rules": rules,
    }
    cluster.apply(role, *bound(namespace))
    as_account = Cluster(f"--as=system:serviceaccount:{namespace}:{ACCOUNT}")
    proxy = ApiProxy(as_account.url)
    proxy.start()
    config = proxy.kubeconfig(tmp_path / "kubeconfig")
    controller = OutsideController(cluster, namespace, config, tmp_path)
    try:
        controller.start()
        controller.until_ready()
        yield Scene(cluster, namespace), controller, proxy
    finally:
        proxy.stop()
        as_account.close()
        controller.close()
        cluster.delete("GatewayClass", f"{namespace}-theirs")
        for name in ROLES:
            cluster.delete("ClusterRoleBinding", f"{namespace}-{name}")


def everything(namespace, controller):
    """The objects of the file, in this namespace and of this controller's class."""
    text = EVERYTHING.read_text().replace("CLASS", controller.name)
    for each in yaml.safe_load_all(text):
        each["metadata"]["namespace"] = namespace
        yield each


def certificates(namespace):
    """The Secret and the ConfigMap that the objects refer to."""
    authority = CA("root")
    issued = authority.issue(dns=["shop.example.com"])
    pair = {"tls.crt": issued.cert_pem, "tls.key": issued.key_pem}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in pair.items()}
    metadata = {"name": "certificate", "namespace": namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    yield {**secret, "type": "kubernetes.io/tls", "data": data}
    metadata = {"name": "authorities", "namespace": namespace}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    yield {**config, "data": {"ca.crt": issued.issuer_pem}}


def told(live, controller):
    """Whether a status has something of this controller: entries with its name, or conditions."""
    status = live.get("status", {})
    entries = (*status.get("parents", ()), *status.get("ancestors", ()))
    name = f"fairlead.dev/{controller.name}"
    return any(each["controllerName"] == name for each in entries) or bool(status.get("conditions"))


def use_everything(scene, controller):
    """What a Gateway may have comes, changes and goes."""
    scene.backend("shop")
    scene.cluster.apply(*certificates(scene.namespace))
    bodies = list(everything(scene.namespace, controller))
    scene.cluster.apply(*bodies)
    scene.until_served("shop.example.com", "shop", 60)
    for body in bodies:
        kind, name = body["kind"], body["metadata"]["name"]
        if kind not in WITHOUT_STATUS:
            wait_for(lambda k=kind, n=name: told(scene.live(k, n), controller), f"{kind} {name}")
    for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget"):
        wait_for(lambda kind=kind: scene.cluster.list(kind, scene.namespace), f"a {kind}")
    settings = {"data": dict.fromkeys(bodies[0]["data"]) | {"podDisruptionBudget": "disabled"}}
    scene.cluster.patch("ConfigMap", "settings", scene.namespace, settings)
    for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget"):
        gone = f"the end of the {kind}"
        wait_for(lambda kind=kind: not scene.cluster.list(kind, scene.namespace), gone)
    flip(scene, "absent")
    wait_for(lambda: events(scene), "an Event", 60)
    flip(scene, "shop")
    restart_with_a_broken_certificate(scene, controller)
    flip(scene, "absent")  # the Event of before is there: it is counted up
    wait_for(lambda: any(each.get("series") for each in events(scene)), "a series", 60)
    settings = {"data": {"serviceType": "NodePort"}}
    scene.cluster.patch("ConfigMap", "settings", scene.namespace, settings)

    def on_nodes():
        nodes = scene.cluster.list("Node")
        found = {each["address"] for node in nodes for each in node["status"]["addresses"]}
        return {each["value"] for each in scene.live()["status"].get("addresses", ())} & found

    wait_for(on_nodes, "addresses of nodes", 60)
    wait_for(lambda: scene.owned("Secret"), "a snapshot", 60)
    leave(scene, controller)


def flip(scene, backend):
    """Send the route to this Service, and wait for what is told of it."""
    scene.cluster.apply(objects.route(scene.namespace, "shop", "shop.example.com", backend))
    wanted = str(backend == "shop")

    def resolved():
        parents = scene.live("HTTPRoute", "shop")["status"]["parents"]
        return condition(parents[0]["conditions"], "ResolvedRefs").get("status") == wanted

    wait_for(resolved, f"ResolvedRefs {wanted}", 60)


def events(scene):
    """The Events of ours on the route that flips."""
    found = scene.cluster.request("GET", f"{EVENTS}/namespaces/{scene.namespace}/events")["items"]
    about = ("HTTPRoute", "shop")
    ours = [each for each in found if "fairlead" in each.get("reportingController", "")]
    return [e for e in ours if (e["regarding"]["kind"], e["regarding"]["name"]) == about]


def restart_with_a_broken_certificate(scene, controller):
    """It is made anew by the replica that leads next."""
    controller.kill()
    broken = base64.b64encode(b"none").decode()
    before = scene.cluster.patch(
        "Secret", "fairlead-xds", scene.namespace, {"data": {"tls.crt": broken}}
    )
    controller.start()
    controller.until_ready()

    def renewed():
        found = scene.cluster.get("Secret", "fairlead-xds", scene.namespace)
        return found["data"] != before["data"]

    wait_for(renewed, "a new certificate", 60)


def leave(scene, controller):
    """The Gateway goes to another controller's class, and nothing of ours stays."""
    theirs = f"{controller.name}-theirs"
    scene.cluster.apply(
        {
            "apiVersion": objects.API,
            "kind": "GatewayClass",
            "metadata": {"name": theirs},
            "spec": {"controllerName": "example.com/theirs"},
        }
    )
    scene.gateway(gatewayClassName=theirs)
    for kind in ("Deployment", "Service", "ServiceAccount", "ConfigMap", "Secret"):
        wait_for(
            lambda kind=kind: not scene.owned(kind),
            f"the end of the Gateway's {kind}",
            120,
        )


def test_no_verb_is_denied_and_none_is_unused(watched):
    scene, controller, proxy = watched
    cluster = scene.cluster
    # it would write the status of filters, which is the same for every class, before ours does
    with installation.stopped(cluster):
        use_everything(scene, controller)
        controller.close()
    home = asked.granted(cluster.get("Role", "fairlead", scene.namespace)["rules"], scene.namespace)
    everywhere = [asked.granted(cluster.get("ClusterRole", name)["rules"]) for name in ROLES]
    found = asked.problems(proxy.taken, home.union(*everywhere), cluster.resources())
    assert not found, "\n".join(found)
