"""The commands against a running instance: what they print, and their exit codes."""

import json
import os
import subprocess

import pytest
import yaml

from fairlead.app.instance import STATE_DIR_VARIABLE
from feature.scene import client, deployment, rewrite, route, running, service, to

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shop}
spec:
  gatewayClassName: fairlead
  listeners: [{name: http, protocol: HTTP, port: 80, hostname: "*.example.com"}]
---
apiVersion: v1
kind: Secret
metadata: {name: hidden}
stringData: {password: do-not-show}
---
"""
RULES = f"[{to('one', prefix='/one')}, {to('missing')}]"
ROUTE = route("web", "web", RULES).replace(
    "parentRefs: [", "hostnames: [shop.example.com]\n  parentRefs: [{name: shop}, "
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    files = {
        "pods.yaml": client() + deployment("one", replicas=2),
        "services.yaml": service("one") + service("web", app="one"),
        "gateway.yaml": GATEWAY,
        "route.yaml": ROUTE,
    }
    with running(tmp_path_factory, files) as run:
        yield run


def table(run, *arguments):
    """Header and lines of a table, as lists of cells."""
    done = run.fairlead("get", *arguments)
    assert done.returncode == 0, done.stderr
    header, *lines = done.stdout.splitlines()
    return header.split(), [line.split() for line in lines]


def test_routes_have_a_line_for_each_parent(run):
    header, lines = table(run, "routes")
    assert header == ["NAME", "PARENT", "ACCEPTED", "RESOLVED", "PROGRAMMED", "AGE", "REASON"]
    assert [line[1:5] for line in lines] == [
        ["gateway/shop", "True", "False", "1/1"],
        ["service/web", "True", "False", "1/1"],
    ]
    assert all(line[-1] == "BackendNotFound" for line in lines)


def test_gateways_show_where_they_answer(run):
    header, lines = table(run, "gateways")
    assert header == ["NAME", "CLASS", "ADDRESS", "PROGRAMMED", "AGE", "REASON"]
    assert lines[0][:4] == ["shop", "fairlead", run.url().removeprefix("http://"), "True"]
    wide, lines = table(run, "gw", "-o", "wide")
    assert wide[-3:] == ["PORTS", "LISTENERS(ROUTES)", "MESSAGE"]
    assert lines[0][-2:] == [f"80->{80 + run.offset}", "http(1)"]


def test_services_show_endpoints_and_routes(run):
    header, lines = table(run, "services")
    assert header == ["NAME", "TYPE", "VIRTUAL-IP", "PORTS", "ENDPOINTS", "ROUTES", "AGE"]
    found = {line[0]: line[1:6] for line in lines}
    assert found["web"] == ["ClusterIP", found["web"][1], "80/TCP", "2/2", "1"]
    assert found["web"][1].startswith("10.")


def test_endpoint_slices_show_the_pods_behind_services(run):
    header, lines = table(run, "endpointslices")
    assert header == ["NAME", "SERVICE", "PORTS", "ENDPOINTS", "AGE"]
    addresses = sorted(pod["status"]["podIP"] for pod in run.get("pods") if "one" in str(pod))
    found = {line[1]: line[2:4] for line in lines}
    assert found == {name: ["5678", ",".join(addresses)] for name in ("one", "web")}
    item = run.one("endpointslices", next(line[0] for line in lines if line[1] == "web"))
    assert item["addressType"] == "IPv4"
    assert item["ports"] == [{"name": "http", "protocol": "TCP", "port": 5678}]
    assert [each["conditions"]["ready"] for each in item["endpoints"]] == [True, True]
    assert {each["targetRef"]["kind"] for each in item["endpoints"]} == {"Pod"}


def test_pods_show_what_runs(run):
    header, lines = table(run, "pods", "-A")
    assert header == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP"]
    assert len(lines) == 3
    assert {(line[0], line[2], line[3], line[4]) for line in lines} == {
        ("default", "1/1", "Running", "0")
    }


def test_proxies_show_that_they_have_everything(run):
    header, lines = table(run, "proxies")
    assert header == ["PROXY", "KIND", "STATUS", "LAST-ACK", "NACK", "PID", "RESTARTS"]
    assert [(line[0], line[2], line[4], line[6]) for line in lines] == [
        ("gateway/default/shop", "SYNCED", "0", "0"),
        ("mesh", "SYNCED", "0", "0"),
    ]
    for line in lines:
        os.kill(int(line[5]), 0)


def test_objects_come_as_json_yaml_and_names(run):
    whole = json.loads(run.fairlead("get", "routes", "-o", "json").stdout)
    assert (whole["kind"], len(whole["items"])) == ("List", 1)
    one = yaml.safe_load(run.fairlead("get", "route", "web", "-o", "yaml").stdout)
    assert one == whole["items"][0]
    assert one["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert len(one["status"]["parents"]) == 2
    names = run.fairlead("get", "gw,routes,svc", "-o", "name").stdout.split()
    assert names == [
        "gateway.gateway.networking.k8s.io/shop",
        "httproute.gateway.networking.k8s.io/web",
        "service/one",
        "service/web",
    ]


def test_secrets_are_never_shown(run):
    text = run.fairlead("get", "secret", "hidden", "-o", "yaml").stdout
    assert "password" in text
    assert "do-not-show" not in text


@pytest.mark.parametrize("output", ["table", "json"])
def test_watch_goes_on_with_what_changes(run, output):
    command = run.command("get", "routes", "--watch", "-o", output)
    environment = {**os.environ, STATE_DIR_VARIABLE: str(run.state), "PYTHONUNBUFFERED": "1"}
    watching = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    with watching:
        try:
            first = watching.stdout.readline()
            assert first.startswith("NAME" if output == "table" else "{")
            changed = ROUTE.replace("name: missing", "name: one")
            rewrite(run, "route.yaml", changed, "httproutes", "web")
            wanted = "True       True" if output == "table" else '"reason": "ResolvedRefs"'
            assert any(wanted in line for line in watching.stdout)
        finally:
            watching.terminate()
            rewrite(run, "route.yaml", ROUTE, "httproutes", "web")


def test_nothing_found_is_told_on_stderr(run):
    done = run.fairlead("get", "pods", "-n", "nowhere")
    assert (done.returncode, done.stdout) == (0, "")
    assert "No resources found in nowhere namespace." in done.stderr
    done = run.fairlead("get", "service", "nothing")
    assert done.returncode == 1
    assert 'services "nothing" not found in namespace "default"' in done.stderr


def test_wrong_usage_exits_2_with_a_suggestion(run):
    done = run.fairlead("get", "rotues")
    assert done.returncode == 2
    assert "Did you mean" in done.stderr
    assert run.fairlead("describe", "pod", "client").returncode == 2


def test_a_route_is_described_with_parents_and_rules(run):
    text = run.describe("route", "web")
    assert "gateway/shop (1/1 proxies)" in text
    assert f"URL: {run.url()}" in text
    assert "match path prefix /one" in text
    assert "100% one:80 (2 of 2 endpoints ready)" in text
    assert "100% missing:80: answered 500, there is no Service missing" in text


def test_a_gateway_is_described_with_listeners_and_routes(run):
    lines = run.describe("gateway", "shop").splitlines()
    assert lines[0] == "Gateway: shop"
    shifted = 80 + run.offset
    assert f"   http: HTTP port 80, shifted to {shifted}, *.example.com, 1 route" in lines
    assert any(line.startswith("   HTTPRoute web: shop.example.com (") for line in lines)


def test_exec_passes_output_arguments_and_exit_code(run):
    done = run.exec("client", "sh", "-c", 'echo out "$1"; echo err >&2; exit 7', "sh", "a b")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out a b\n", "err\n")


def test_exec_of_a_command_that_is_not_there_exits_127(run):
    done = run.exec("client", "no-such-command")
    assert done.returncode == 127
    assert "no-such-command: command not found" in done.stderr


def test_exec_as_a_pod_that_is_not_there_says_so(run):
    done = run.exec("nobody", "true")
    assert done.returncode == 1
    assert 'pods "nobody" not found in namespace "default"' in done.stderr


def test_exec_loops_over_the_mesh(run):
    loop = "for i in $(seq 1 10); do curl -s http://web/one; done"
    assert run.exec("client", "sh", "-c", loop).stdout.split() == ["one"] * 10


def test_debug_shows_the_graph(run):
    done = run.fairlead("debug", "graph")
    assert done.returncode == 0, done.stderr
    assert "http_routes" in done.stdout


def test_no_object_has_a_problem_that_is_not_told(run):
    assert run.get("problems") == []
