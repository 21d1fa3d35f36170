"""`fairlead run` from start to end: real manifests, real Envoys, real commands."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from feature.harness import Instance, condition, parent_conditions

pytestmark = pytest.mark.envoy

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: fairlead, listeners: [{name: web, protocol: HTTP, port: 80}]}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart}
spec:
  parentRefs: [{name: edge}]
  hostnames: [cart.example.com]
  rules: [{backendRefs: [{name: cart, port: 80}]}]
"""
BACKEND = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
      - {name: echo, image: hashicorp/http-echo, args: [-text=cart], ports: [{containerPort: 5678}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 5678}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec: {containers: [{name: curl, image: curlimages/curl, command: [sleep, 3650d]}]}
"""
FILES = {"gateway.yaml": GATEWAY, "route.yaml": ROUTE, "backend.yaml": BACKEND}


def children(pid: int) -> list[int]:
    """Every descendant of a process."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, ahead = [], [pid]
    while ahead:
        below = parents.get(ahead.pop(), [])
        found += below
        ahead += below
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """One instance that tests only look at."""
    instance = Instance(tmp_path_factory.mktemp("shop"), FILES).start()
    instance.until_pods()
    yield instance
    assert instance.stop() == 130


def test_it_serves_and_says_where(shop):
    answer = shop.request("/", host="cart.example.com")
    assert (answer.status, answer.body) == (200, "cart\n")
    assert shop.request("/", host="other.example.com").status == 404
    printed = shop.until(
        "the console's word", lambda: "ready after" in shop.output() and shop.output()
    )
    assert f"serving Gateway default/edge on {shop.url()}" in printed
    assert f"port 80 is privileged: shifted to {80 + shop.offset} (--port-offset)" in printed
    assert "serving the mesh for pods in default" in printed


def test_routes_as_a_table(shop):
    done = shop.fairlead("get", "routes")
    assert done.returncode == 0
    header, row = done.stdout.splitlines()
    assert header.split() == [
        "NAME", "PARENT", "ACCEPTED", "RESOLVED", "PROGRAMMED", "AGE", "REASON",
    ]  # fmt: skip
    assert row.split()[:5] == ["cart", "gateway/edge", "True", "True", "1/1"]


def test_all_namespaces_have_a_column(shop):
    header, *rows = shop.fairlead("get", "po", "-A").stdout.splitlines()
    assert header.split()[:2] == ["NAMESPACE", "NAME"]
    assert {row.split()[0] for row in rows} == {"default"}


def test_an_empty_namespace_is_said_on_stderr(shop):
    done = shop.fairlead("get", "routes", "-n", "nowhere")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "No resources found in nowhere namespace.\n"


def test_json_is_a_list_of_whole_objects(shop):
    document = json.loads(shop.fairlead("get", "gateways", "-o", "json").stdout)
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    (gateway,) = document["items"]
    assert gateway["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert condition(gateway, "Programmed")
    assert gateway["status"]["listeners"][0]["attachedRoutes"] == 1
    for entry in gateway["status"]["conditions"]:
        assert entry["observedGeneration"] == gateway["metadata"]["generation"]
        assert entry["lastTransitionTime"].endswith("Z")


def test_a_name_gives_the_object_itself(shop):
    route = yaml.safe_load(shop.fairlead("get", "httproute", "cart", "-o", "yaml").stdout)
    assert route["kind"] == "HTTPRoute"
    assert parent_conditions(route)["Accepted"] == ("True", "Accepted")


def test_names_can_be_piped(shop):
    done = shop.fairlead("get", "gw,routes,svc", "-o", "name")
    assert done.stdout.split() == [
        "gateway.gateway.networking.k8s.io/edge",
        "httproute.gateway.networking.k8s.io/cart",
        "service/cart",
    ]


def test_what_is_not_there_fails_with_1(shop):
    done = shop.fairlead("get", "route", "card")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'Error: httproutes "card" not found in namespace "default"\n'
    done = shop.fairlead("describe", "service", "cart", "-n", "elsewhere")
    assert done.returncode == 1
    assert "there is one in namespace default (-n default)" in done.stderr


def test_proxies_are_in_sync(shop):
    rows = [line.split() for line in shop.fairlead("get", "proxies").stdout.splitlines()[1:]]
    assert [row[:3] for row in rows] == [
        ["gateway/default/edge", "gateway", "SYNCED"],
        ["mesh", "mesh", "SYNCED"],
    ]
    for row in rows:
        assert Path(f"/proc/{row[5]}").exists()


def test_describe_prints_indented_lines(shop):
    text = shop.describe("service", "cart")
    assert text.startswith("Service: cart\n   Port: 80/HTTP targets pod port 5678\n")
    assert f"HTTPRoute: cart sends 100% of gateway edge ({shop.url()}) here" in text
    assert "Endpoints: 1 of 1 ready\n" in text


def test_exec_goes_through_the_mesh_and_keeps_the_exit_code(shop):
    done = shop.exec("client", "curl", "-s", "http://cart")
    assert (done.returncode, done.stdout) == (0, "cart\n")
    assert shop.exec("client", "sh", "-c", "exit 7").returncode == 7
    assert shop.exec("client", "no-such-command").returncode == 127
    assert shop.exec("client", "/etc/passwd").returncode == 126
    assert 'pods "stranger" not found' in shop.exec("stranger", "true").stderr
    missing = shop.fairlead("exec", "client", "-c", "sidecar", "--", "true")
    assert missing.returncode == 1
    assert "sidecar" in missing.stderr


def test_the_graph_can_be_looked_into(shop):
    dump = json.loads(shop.fairlead("debug", "graph").stdout)
    names = {collection["name"] for collection in dump["collections"]}
    assert {"http_routes", "services", "fleet"} <= names


def test_a_second_instance_is_refused_and_the_first_goes_on(shop):
    done = shop.fairlead("run", str(shop.manifests), "--state-dir", str(shop.state))
    assert done.returncode == 1
    assert f"pid {shop.process.pid}" in done.stderr
    assert shop.request("/", host="cart.example.com").status == 200


def test_the_sockets_are_private(shop):
    runtime = Path(json.loads((shop.state / "instance.json").read_text())["runtime_dir"])
    assert runtime.stat().st_mode & 0o777 == 0o700
    assert (runtime / "api.sock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_everything_and_leaves_nothing_behind(serve, number, code):
    instance = serve(FILES)
    instance.until_pods()
    below = children(instance.process.pid)
    runtime = Path(json.loads((instance.state / "instance.json").read_text())["runtime_dir"])
    assert len(below) >= 4
    assert runtime.is_dir()
    assert instance.stop(number) == code
    assert not runtime.exists()
    assert not (instance.state / "instance.json").exists()
    assert [pid for pid in below if alive(pid)] == []
    assert "no instance runs" in instance.fairlead("get", "pods").stderr


def test_even_a_kill_leaves_no_process_and_the_next_run_starts(serve):
    instance = serve(FILES)
    instance.until_pods()
    below = children(instance.process.pid)
    os.kill(instance.process.pid, signal.SIGKILL)
    instance.process.wait()
    end = time.monotonic() + 30
    while left := [pid for pid in below if alive(pid)]:
        assert time.monotonic() < end, left
        time.sleep(0.02)
    instance.start()
    instance.until_pods()
    assert instance.request("/", host="cart.example.com").status == 200


def test_a_second_interrupt_does_not_wait(serve):
    instance = serve(FILES)
    instance.process.send_signal(signal.SIGINT)
    assert instance.stop() == 130


def alive(pid: int) -> bool:
    try:
        return "Z" not in (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1][:3]
    except OSError:
        return False


def test_a_bad_document_is_reported_with_its_line_and_disturbs_nothing(serve):
    instance = serve({**FILES, "bad.yaml": "apiVersion: v1\nkind: Service\nmetadata: [oops\n"})
    assert "bad.yaml:" in instance.output()
    done = instance.fairlead("get", "problems")
    assert done.returncode == 0
    assert "bad.yaml:" in done.stdout
    instance.until_pods()
    assert instance.request("/", host="cart.example.com").status == 200
    # A good object turns bad: its last good version goes on.
    instance.write("route.yaml", ROUTE.replace("hostnames:", "hostnamez:"))
    instance.until("the report", lambda: "hostnamez" in instance.output())
    assert instance.request("/", host="cart.example.com").status == 200
    instance.write("route.yaml", ROUTE)
    instance.write("bad.yaml", "")
    instance.until("no problem", lambda: not instance.get("problems"))
    assert "fixed:" in instance.output()


def test_a_change_is_served_and_watched(serve):
    instance = serve(FILES)
    instance.until_pods()
    watching = subprocess.Popen(
        instance.command("get", "routes", "--watch", "--state-dir", str(instance.state)),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watching.stdout.readline().split()[0] == "NAME"
        assert watching.stdout.readline().split()[:3] == ["cart", "gateway/edge", "True"]
        instance.write("route.yaml", ROUTE.replace("name: cart, port", "name: card, port"))
        while "BackendNotFound" not in (line := watching.stdout.readline()):
            assert line, "the watch ended"
        instance.until("500", lambda: instance.request("/", host="cart.example.com").status == 500)
        instance.remove("route.yaml")
        instance.until("404", lambda: instance.request("/", host="cart.example.com").status == 404)
        assert instance.get("httproutes") == []
    finally:
        watching.terminate()
        watching.wait()
        watching.stdout.close()


def test_status_files_follow(serve, tmp_path):
    folder = tmp_path / "status"
    instance = serve(FILES, "--status-dir", str(folder))
    path = folder / "HTTPRoute" / "default" / "cart.yaml"

    def told():
        return path.exists() and yaml.safe_load(path.read_text())

    document = instance.until("the status file", told)
    assert parent_conditions(document)["Accepted"] == ("True", "Accepted")
    instance.remove("route.yaml")
    instance.until("the file removed", lambda: not path.exists())


def test_a_crashed_envoy_comes_back_alone(serve):
    instance = serve(FILES)
    instance.until_pods()
    before = {proxy["metadata"]["name"]: proxy["status"] for proxy in instance.get("proxies")}
    os.kill(before["gateway/default/edge"]["pid"], signal.SIGKILL)

    def back():
        now = {proxy["metadata"]["name"]: proxy["status"] for proxy in instance.get("proxies")}
        edge = now["gateway/default/edge"]
        return edge["restarts"] == 1 and edge["state"] == "SYNCED" and now

    now = instance.until("the Envoy back", back)
    assert now["mesh"]["pid"] == before["mesh"]["pid"]
    instance.until("an answer", lambda: _status(instance) == 200)


def _status(instance):
    try:
        return instance.request("/", host="cart.example.com").status
    except OSError:
        return 0


def test_an_image_that_is_not_mapped_is_said_on_the_pod_and_answered_503(serve):
    text = BACKEND.replace("image: hashicorp/http-echo", "image: shop/cart")
    instance = serve({**FILES, "backend.yaml": text})
    (pod,) = [p for p in instance.get("pods") if p["metadata"]["name"].startswith("cart-")]
    (ready,) = [c for c in pod["status"]["conditions"] if c["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "ImageNotMapped")
    assert "--image" in ready["message"]
    assert instance.request("/", host="cart.example.com").status == 503


def test_an_image_can_be_mapped_to_a_command(serve):
    text = BACKEND.replace("image: hashicorp/http-echo, args: [-text=cart]", "image: shop/cart")
    command = "python3 -m http.server --bind {ip} {port}"
    instance = serve({**FILES, "backend.yaml": text}, "--image", f"shop/cart={command}")
    instance.until_pods()
    answer = instance.request("/", host="cart.example.com")
    assert answer.status == 200
    assert answer.headers["server"].startswith("SimpleHTTP")


def test_standard_input_is_read(tmp_path):
    state = tmp_path / "state"
    instance = Instance(tmp_path, {})
    process = subprocess.Popen(
        [*instance.command("run", "-"), "--state-dir", str(state), "--port-offset", "20000"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        process.stdin.write(GATEWAY.replace("port: 80", "port: 81"))
        process.stdin.close()
        for line in process.stdout:
            if line.startswith("ready after"):
                break
        else:
            pytest.fail("it ended before it was ready")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 130
        process.stdout.close()


def test_an_empty_directory_is_served_too(serve):
    instance = serve({})
    assert instance.fairlead("get", "routes").stderr == (
        "No resources found in default namespace.\n"
    )
    instance.write("gateway.yaml", GATEWAY)
    instance.until(
        "a Gateway", lambda: any(condition(g, "Programmed") for g in instance.get("gateways"))
    )
    assert instance.request("/").status == 404


EXPERIMENTAL = ROUTE.replace("spec:", "spec:\n  useDefaultGateways: All", 1)


def test_fields_of_the_experimental_channel_are_told_and_served(serve):
    instance = serve({**FILES, "route.yaml": EXPERIMENTAL})
    assert "warning GW120 HTTPRoute default/cart spec.useDefaultGateways" in instance.output()
    (route,) = instance.get("httproutes")
    assert route["spec"]["useDefaultGateways"] == "All"


def test_the_standard_channel_is_served_on_request(serve):
    backend = """
    apiVersion: gateway.networking.x-k8s.io/v1alpha1
    kind: XBackend
    metadata: {name: b}
    spec: {type: ExternalHostname, port: {number: 80}, externalHostname: {hostname: a.example}}
    """
    files = {**FILES, "route.yaml": EXPERIMENTAL, "backend-x.yaml": backend}
    instance = serve(files, "--channel", "standard")
    assert "error GW120 HTTPRoute default/cart spec.useDefaultGateways" in instance.output()
    assert "error GW120 XBackend default/b kind" in instance.output()
    (route,) = instance.get("httproutes")
    assert "useDefaultGateways" not in route["spec"]
    assert instance.get("xbackends") == []
    instance.until_pods()
    assert instance.request("/", host="cart.example.com").status == 200


def test_nothing_tells_the_values_of_a_secret(serve):
    annotation = "kubectl.kubernetes.io/last-applied-configuration"
    secret = f"""
    apiVersion: v1
    kind: Secret
    metadata: {{name: s, annotations: {{{annotation}: '{{"data":{{"k":"czNjcmV0LWJ5dGVz"}}}}'}}}}
    data: {{k: czNjcmV0LWJ5dGVz}}
    stringData: {{p: s3cret-text}}
    """
    bad = secret.replace("name: s,", "name: bad,").replace("{k: cz", "{k: '!!cz")
    instance = serve({"secret.yaml": secret, "bad.yaml": bad.replace("GVz}", "GVz'}")})
    answers = [
        instance.fairlead("get", kind, *options).stdout
        for kind in ("secrets", "problems")
        for options in (["-o", "yaml"], ["-o", "json"], ["-o", "wide"])
    ]
    answers += [instance.fairlead("debug", "graph").stdout, instance.output()]
    assert "[redacted]" in answers[0]
    assert "GW013 Secret default/bad" in answers[-1]
    for answer in answers:
        assert answer
        assert "czNjcmV0" not in answer
        assert "s3cret" not in answer
