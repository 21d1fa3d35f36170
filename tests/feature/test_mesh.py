"""Routes on Services: whose requests they govern, on which ports, and what passes by them."""

import contextlib
import http.client
import socket
import time

import pytest

from feature.scene import (
    Caller,
    Server,
    client,
    deployment,
    find,
    namespace,
    rewrite,
    route,
    running,
    service,
    to,
)

PORTS = "{name: http, port: 80, targetPort: web}, {name: alt, port: 8080, targetPort: web}"
WORLD = (
    "".join(map(namespace, ("shop", "alpha", "beta")))
    + "".join(client(namespace=name) for name in ("shop", "alpha", "beta"))
    + deployment("one", "shop")
    + deployment("two", "shop")
    + service("one", "shop")
    + service("two", "shop")
    + service("web", "shop", app="one", ports=PORTS)
    + service("merged", "shop", app="one")
    + service("plain", "shop", app="one")
)
PRODUCER = route(
    "producer", "web", f"[{to('two', prefix='/v2')}, {to('one')}]", namespace="shop", port=80
)
CONSUMER = route(
    "consumer",
    "web",
    f"[{to('two', namespace='shop')}]",
    namespace="alpha",
    parent_namespace="shop",
    port=80,
)
MERGE_A = route("merge-a", "merged", f"[{to('one', prefix='/a')}]", namespace="shop")
MERGE_B = route("merge-b", "merged", f"[{to('two', prefix='/b')}]", namespace="shop")


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    files = {
        "world.yaml": WORLD,
        "producer.yaml": PRODUCER,
        "consumer.yaml": CONSUMER,
        "merge-a.yaml": MERGE_A,
        "merge-b.yaml": MERGE_B,
    }
    with running(tmp_path_factory, files) as run:
        yield run


@pytest.fixture(scope="module")
def callers(mesh):
    return {name: Caller(mesh, namespace=name) for name in ("shop", "alpha", "beta")}


def gone(run, kind, name, where):
    run.until(f"{name} gone", lambda: find(run, kind, name, where) is None)
    run.until_ready()


@pytest.mark.parametrize("where", ["shop", "beta"])
def test_a_producer_route_acts_for_every_namespace(callers, where):
    assert callers[where].body("http://web.shop/") == "one"
    assert callers[where].body("http://web.shop/v2/x") == "two"


def test_a_consumer_route_wins_in_its_namespace_and_nowhere_else(mesh, callers):
    assert callers["alpha"].body("http://web.shop/") == "two"
    mesh.remove("consumer.yaml")
    gone(mesh, "httproutes", "consumer", "alpha")
    try:
        assert callers["alpha"].body("http://web.shop/") == "one"
        assert callers["alpha"].body("http://web.shop/v2") == "two"
    finally:
        rewrite(mesh, "consumer.yaml", CONSUMER, "httproutes", "consumer", "alpha")
    assert callers["alpha"].body("http://web.shop/") == "two"


def test_a_consumer_route_needs_no_reference_grant(mesh):
    (parent,) = mesh.one("httproutes", "consumer", "alpha")["status"]["parents"]
    assert parent["parentRef"]["namespace"] == "shop"
    assert {c["type"]: c["status"] for c in parent["conditions"]}["ResolvedRefs"] == "True"


def test_the_ports_that_a_parent_does_not_name_keep_their_default(callers):
    assert callers["shop"].body("http://web:8080/v2") == "one"
    assert callers["alpha"].body("http://web.shop:8080/") == "one"


def test_a_parent_without_port_governs_all_ports(mesh, callers):
    everything = route("producer", "web", f"[{to('two')}]", namespace="shop")
    rewrite(mesh, "producer.yaml", everything, "httproutes", "producer", "shop")
    try:
        assert callers["shop"].body("http://web/") == "two"
        assert callers["shop"].body("http://web:8080/") == "two"
    finally:
        rewrite(mesh, "producer.yaml", PRODUCER, "httproutes", "producer", "shop")


def test_all_routes_of_a_service_count_and_one_may_go(mesh, callers):
    shop = callers["shop"]
    assert [shop.body(f"http://merged/{path}") for path in "abc"] == ["one", "two", 404]
    mesh.remove("merge-b.yaml")
    gone(mesh, "httproutes", "merge-b", "shop")
    try:
        assert [shop.body(f"http://merged/{path}") for path in "abc"] == ["one", 404, 404]
    finally:
        rewrite(mesh, "merge-b.yaml", MERGE_B, "httproutes", "merge-b", "shop")


def test_traffic_to_a_pod_bypasses_routes(mesh, callers):
    address = next(
        pod["status"]["podIP"]
        for pod in mesh.get("pods", namespace="shop")
        if pod["metadata"].get("labels", {}).get("app") == "one"
    )
    assert callers["shop"].status("http://merged/none") == 404
    done = mesh.exec("client", "curl", "-s", f"http://{address}:5678/none", namespace="shop")
    assert (done.returncode, done.stdout.strip()) == (0, "one")
    assert callers["shop"].body(f"http://{address}:5678/none") == "one"


def test_the_url_chooses_the_service_and_not_the_host_header(callers):
    answer = callers["beta"].get("http://two.shop/", {"Host": "one.shop"})
    assert answer.body.strip() == "two"


def test_a_header_can_not_lead_to_another_table(callers):
    spoofed = {"x-forwarded-host": "two.shop", "x-envoy-original-host": "two.shop"}
    answer = callers["beta"].get("http://one.shop/", spoofed)
    assert answer.body.strip() == "one"


def test_names_in_capitals_are_the_same_names(callers):
    assert callers["shop"].body("http://TWO/") == "two"


def test_the_bare_name_is_known_in_its_own_namespace_only(callers):
    assert callers["shop"].body("http://plain/") == "one"
    assert callers["beta"].status("http://plain/") in {502, 503}


def test_what_is_no_service_passes_through(callers):
    with Server("outside") as server:
        for host in (server.host, "localhost"):
            assert callers["shop"].body(f"http://{host}:{server.port}/x") == "outside"
        path, headers = server.seen[0]
        assert path == "/x"
        assert headers["Host" if "Host" in headers else "host"] == f"127.0.0.1:{server.port}"


def test_a_name_that_does_not_resolve_is_answered_soon(callers):
    start = time.monotonic()
    answer = callers["shop"].get("http://no-such-service.invalid/")
    assert answer.status in {502, 503}
    assert answer.body
    assert time.monotonic() - start < 8


def test_a_closed_port_outside_is_answered(callers):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets the port
        answer = callers["shop"].get(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert answer.status == 503


def test_a_route_change_disconnects_nobody(mesh, callers):
    beta = callers["beta"]
    other = CONSUMER.replace("name: two", "name: one")
    with contextlib.closing(http.client.HTTPConnection(*beta.address, timeout=15)) as kept:
        assert beta.get_on(kept, "http://web.shop/").status == 200
        before = kept.sock.getsockname()
        rewrite(mesh, "consumer.yaml", other, "httproutes", "consumer", "alpha")
        try:
            assert callers["alpha"].body("http://web.shop/v2") == "one"
            assert beta.get_on(kept, "http://web.shop/").body.strip() == "one"
            assert kept.sock.getsockname() == before
        finally:
            rewrite(mesh, "consumer.yaml", CONSUMER, "httproutes", "consumer", "alpha")


def test_a_pod_of_a_new_namespace_is_served_at_once(mesh):
    mesh.write("late.yaml", namespace("late") + client(namespace="late"))
    mesh.until("the pod", lambda: find(mesh, "pods", "client", "late"))
    mesh.until_pods()
    late = Caller(mesh, namespace="late")
    assert late.body("http://web.shop/v2") == "two"


@pytest.mark.parametrize("host", ["web.shop.svc:9", "gone.shop.svc.cluster.local", "a.b.SVC."])
def test_a_service_or_port_that_is_not_there_is_told_at_once(callers, host):
    answer = callers["beta"].get(f"http://{host}/")
    assert (answer.status, answer.body) == (503, "no Service takes HTTP by this name and port\n")


def test_a_dot_at_the_end_of_a_name_means_the_same_name(callers):
    for host in ("web.shop.svc.cluster.local.", "web.shop.svc.cluster.local.:80"):
        assert callers["beta"].body(f"http://{host}/v2/x") == "two"
