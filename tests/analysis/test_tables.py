"""Tables and documents, as `fairlead get` prints them."""

from datetime import timedelta

import pytest

from analysis.scene import NOW, Scene
from analysis.test_describe import manifests
from fairlead import api
from fairlead.analysis.document import document
from fairlead.analysis.own_tables import proxy_objects, proxy_table
from fairlead.analysis.table import age
from fairlead.analysis.view import ProxyFacts
from fairlead.app.answers import NotFoundError, Query, description_of, objects_of, table_of
from fairlead.graph import Change
from fairlead.ir.proxy_status import ProxyStatus
from translate.world import objects


@pytest.fixture(scope="module")
def canary():
    return Scene(*manifests("canary"))


def test_routes(canary):
    assert canary.table("HTTPRoute") == (
        "NAME            PARENT               ACCEPTED   RESOLVED   PROGRAMMED   AGE   REASON\n"
        "backend-split   service/backend:80   True       True       1/1          90s\n"
    )


def test_services(canary):
    lines = canary.table("Service").splitlines()
    assert [line.split() for line in lines] == [
        ["NAME", "TYPE", "VIRTUAL-IP", "PORTS", "ENDPOINTS", "ROUTES", "AGE"],
        ["backend", "ClusterIP", lines[1].split()[2], "80/TCP", "5/5", "1", "90s"],
        ["backend-v1", "ClusterIP", lines[2].split()[2], "80/TCP", "3/3", "0", "90s"],
        ["backend-v2", "ClusterIP", lines[3].split()[2], "80/TCP", "2/2", "0", "90s"],
    ]


def test_pods_include_those_of_deployments(canary):
    lines = canary.table("Pod").splitlines()
    assert len(lines) == 7
    assert lines[-1].split() == ["client", "1/1", "Running", "2", "90s", "127.64.0.7"]


def test_gateways():
    scene = Scene(*manifests("gateway"))
    assert "127.0.0.1:8080   True" in scene.table("Gateway")
    assert scene.table("HTTPRoute").splitlines()[1].split()[4] == "1/1"
    scene.world.apply(ProxyStatus("gateway/default/shop", connected=True))
    assert scene.table("HTTPRoute").splitlines()[1].split()[4] == "0/1", "the port isn't served"
    assert scene.table("Gateway").splitlines()[1].split()[:4] == [
        "shop", "fairlead", "127.0.0.1:8080", "False",
    ]  # fmt: skip
    row = scene.table("Gateway", wide=True).splitlines()[1].split(maxsplit=8)
    assert row[5:8] == ["Pending", "8080", "http(1)"]
    waits = "listener http: waiting for gateway/default/shop to acknowledge port 8080"
    assert row[8] == waits


def test_a_route_that_nobody_serves_says_so():
    route = (
        "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r}, spec: {}}"
    )
    cells = Scene(route).table("HTTPRoute").splitlines()[1].split()
    assert cells == ["r", "<none>", "Unknown", "Unknown", "-", "90s", "NoParent"]


def test_a_parent_that_refuses_gives_its_reason():
    route = """
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: backend-split, namespace: istio-test}
    spec:
      parentRefs: [{name: backend, kind: Service, group: "", port: 8080}]
      rules: [{backendRefs: [{name: backend-v1, port: 80}]}]
    """
    cells = Scene(*manifests("canary"), route).table("HTTPRoute").splitlines()[1].split()
    assert cells[1:3] == ["service/backend:8080", "False"]
    assert cells[-1] == "NoMatchingParent"


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"connected": True, "synced": True}, "SYNCED"),
        ({"connected": True, "synced": False}, "STALE"),
        ({"connected": False, "synced": True}, "DISCONNECTED"),
    ],
)
def test_proxies(facts, state):
    scene = Scene()
    scene.proxies_ = {"mesh": ProxyFacts("mesh", "mesh", last_ack=1.6, pid=12, **facts)}
    (row,) = proxy_table(scene.view, None).rows
    assert row.cells[:7] == ("mesh", "mesh", state, "2s", "0", "12", "0")


def test_proxies_of_a_cluster_have_a_row_for_each_pod():
    pods = tuple(
        ProxyFacts(
            f"gateway/a/shop~shop-{number}",
            "gateway",
            connected=True,
            synced=synced,
            last_ack=age,
            replica=replica,
        )
        for number, synced, age, replica in (
            (1, True, 1, "fairlead-x"),
            (2, False, 9, "fairlead-y"),
        )
    )
    shop = ProxyFacts("gateway/a/shop", "gateway", connected=True, instances=pods)
    away = ProxyFacts("gateway/b/away", "gateway", instances=())
    scene = Scene()
    scene.proxies_ = {shop.name: shop, away.name: away}
    table = proxy_table(scene.view, None)
    assert [c.name for c in table.columns if not c.wide] == [
        "PROXY", "KIND", "POD", "REPLICA", "STATUS", "LAST-ACK", "NACK",
    ]  # fmt: skip
    assert [row.cells[:7] for row in table.rows] == [
        ("gateway/a/shop", "gateway", "shop-1", "fairlead-x", "SYNCED", "1s", "0"),
        ("gateway/a/shop", "gateway", "shop-2", "fairlead-y", "STALE", "9s", "0"),
        ("gateway/b/away", "gateway", "<none>", "<none>", "DISCONNECTED", "<none>", "0"),
    ]
    first, _ = proxy_objects(scene.view, None)
    assert [pod["name"] for pod in first["status"]["pods"]] == ["shop-1", "shop-2"]
    assert "pid" not in first["status"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (150, "2m30s"), (3599, "59m"),
        (3 * 3600, "3h"), (3 * 3600 + 60, "3h1m"), (9 * 3600, "9h"), (50 * 3600, "2d2h"),
        (30 * 86400, "30d"),
    ],
)  # fmt: skip
def test_ages_are_written_as_kubectl_writes_them(seconds, text):
    assert age(NOW - timedelta(seconds=seconds), NOW) == text


def test_values_of_secrets_never_leave():
    text = """
    apiVersion: v1
    kind: Secret
    metadata: {name: s}
    data: {key: aHVudGVyMg==}
    stringData: {other: hunter2}
    """
    (secret,) = objects(text)
    told = document(secret, {})
    assert told["data"] == {"key": "[redacted]"}
    assert told["stringData"] == {"other": "[redacted]"}
    scene = Scene()
    scene.world.commit([Change(scene.world.sources.secrets, secret.key, secret)])
    everything = str(objects_of(scene.view, Query("secrets"))) + scene.table("Secret", wide=True)
    assert "hunter2" not in everything
    assert "aHVudGVyMg" not in everything


def test_documents_have_their_defaults_filled_in_and_nothing_empty(canary):
    (route,) = objects_of(canary.view, Query("httproutes"))
    assert route["spec"]["rules"] == [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "backendRefs": [
                {"group": "", "kind": "Service", "name": "backend-v1", "port": 80, "weight": 90},
                {"group": "", "kind": "Service", "name": "backend-v2", "port": 80, "weight": 10},
            ],
        }
    ]
    assert route["status"]["parents"][0]["parentRef"] == {
        "group": "",
        "kind": "Service",
        "name": "backend",
        "port": 80,
    }


def test_a_weight_of_zero_is_not_left_out():
    route = manifests("canary")[3].replace("weight: 10", "weight: 0")
    (told,) = objects_of(Scene(route).view, Query("httproutes"))
    assert told["spec"]["rules"][0]["backendRefs"][1]["weight"] == 0


def test_a_service_shows_the_address_it_was_given(canary):
    (service,) = objects_of(canary.view, Query("services", "istio-test", "backend"))
    assert service["spec"]["clusterIP"].startswith("10.")
    assert service["metadata"]["creationTimestamp"] == "2026-05-06T07:06:39Z"


def test_a_pod_shows_its_phase_and_address(canary):
    (pod,) = objects_of(canary.view, Query("pods", "istio-test", "client"))
    assert (pod["status"]["phase"], pod["status"]["podIP"]) == ("Running", "127.64.0.7")
    assert pod["status"]["podIPs"] == [{"ip": "127.64.0.7"}]


def test_namespaces_and_names_narrow_what_is_told(canary):
    assert len(table_of(canary.view, Query("services", "istio-test")).rows) == 3
    assert table_of(canary.view, Query("services", "default")).rows == ()
    assert len(table_of(canary.view, Query("namespaces", "default")).rows) == 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query("services", "istio-test", "x"), 'services "x" not found in namespace "istio-test"'),
        (
            Query("services", "default", "backend"),
            (
                'services "backend" not found in namespace "default"; '
                "there is one in namespace istio-test (-n istio-test)"
            ),
        ),
        (Query("namespaces", None, "x"), 'namespaces "x" not found'),
        (Query("proxies", None, "x"), 'proxies "x" not found'),
        (Query("gadgets"), "no kind is called 'gadgets'"),
    ],
)
def test_what_is_not_there_is_said(canary, query, message):
    for answer in (table_of, objects_of):
        with pytest.raises(NotFoundError) as error:
            answer(canary.view, query)
        assert str(error.value) == message


def test_of_what_is_refused_the_reason_is_said():
    scene = Scene()
    scene.problems_ = (
        api.Problem(
            severity="error",
            code="GW016",
            message="`port` is missing",
            kind="Gateway",
            namespace="default",
            name="shop",
            field="spec.listeners[0]",
            file="g.yaml",
            line=3,
        ),
    )
    for answer in (
        lambda name: table_of(scene.view, Query("gateways", "default", name)),
        lambda name: description_of(scene.view, "gateway", ("default", name)),
    ):
        with pytest.raises(NotFoundError, match=r"refused \(GW016\): spec.listeners\[0\]: `port`"):
            answer("shop")
        with pytest.raises(NotFoundError, match=r'^gateways "shops" not found in [^;]*$'):
            answer("shops")


def test_a_gateways_infrastructure_is_shown_with_its_proxy():
    scene = Scene(
        """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: fairlead
  infrastructure: {labels: {team: web, tier: front}, annotations: {example.com/cost: high}}
  listeners: [{name: web, port: 80, protocol: HTTP}]
"""
    )
    (row,) = proxy_table(scene.view, "gateway/default/edge").rows
    assert row.cells[7] == "team=web,tier=front"
    (found,) = proxy_objects(scene.view, "gateway/default/edge")
    assert found["metadata"] == {
        "name": "gateway/default/edge",
        "labels": {"team": "web", "tier": "front"},
        "annotations": {"example.com/cost": "high"},
    }
