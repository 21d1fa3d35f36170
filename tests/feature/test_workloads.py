"""Pods as local processes: readiness, crashes, images, and rollouts that lose no request."""

import os
import sys
from pathlib import Path

import pytest

from feature.harness import condition
from feature.scene import (
    Caller,
    client,
    conditions,
    deployment,
    find,
    load,
    rewrite,
    running,
    service,
)

APP = Path(__file__).with_name("pod_app.py")


def gated(name, replicas):
    """A Deployment of the tests' own program, asked for its readiness often."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: app
        image: registry.example/lab/app:1.2
        ports: [{{name: web, containerPort: 8080}}]
        readinessProbe:
          httpGet: {{path: /ready, port: web}}
          periodSeconds: 1
          timeoutSeconds: 30
          failureThreshold: 1
---
"""


UNMAPPED = deployment("mystery").replace("hashicorp/http-echo", "acme/mystery:2")


@pytest.fixture(scope="module")
def switch(tmp_path_factory):
    return tmp_path_factory.mktemp("switch")


@pytest.fixture(scope="module")
def run(tmp_path_factory, switch):
    files = {
        "client.yaml": client(),
        "gated.yaml": gated("gated", 2) + service("gated"),
        "rolling.yaml": deployment("rolling", replicas=2, text="old"),
        "rolling-service.yaml": service("rolling"),
        "mystery.yaml": UNMAPPED + service("mystery"),
    }
    command = f"{sys.executable} {APP} --listen {{ip}}:{{port}} --switch {switch}"
    image = f"registry.example/lab/app={command}"
    with running(tmp_path_factory, files, "--image", image, pods=False) as run:
        run.until("all but one ready", lambda: len(ready(run)) == 5, 30)
        run.until_ready()
        yield run


@pytest.fixture(scope="module")
def caller(run):
    return Caller(run)


def ready(run, app=None):
    """Names of the ready pods, of an app or of all."""
    return {
        pod["metadata"]["name"]
        for pod in run.get("pods")
        if condition(pod, "Ready") and app in {None, pod["metadata"].get("labels", {}).get("app")}
    }


def rows(run):
    """Of each pod what `get pods -o wide` says: column to cell."""
    header, *lines = run.fairlead("get", "pods", "-o", "wide").stdout.splitlines()
    names = header.split()
    return {line.split()[0]: dict(zip(names, line.split(), strict=False)) for line in lines}


def test_a_pod_that_is_not_ready_gets_no_requests(run, caller, switch):
    first, second = sorted(ready(run, "gated"))
    assert set(caller.many("http://gated/", 100)) == {first, second}
    marks = [switch / f"{name}.unready" for name in (first, second)]
    marks[0].touch()
    run.until("one left", lambda: ready(run, "gated") == {second})
    run.until("only the other", lambda: caller.many("http://gated/", 50) == {second: 50})
    marks[1].touch()
    run.until("none left", lambda: caller.body("http://gated/") == 503)
    assert conditions(run.one("services", "gated"))["EndpointsReady"][1] == "NoReadyEndpoints"
    for mark in marks:
        mark.unlink()
    run.until("both back", lambda: set(caller.many("http://gated/", 50)) == {first, second})


def test_a_pod_that_crashes_is_started_again_alone(run, caller):
    before = rows(run)
    address = before[min(ready(run, "gated"))]["IP"]
    crashed = min(ready(run, "gated"))
    run.exec("client", "curl", "-s", f"http://{address}:8080/crash")
    run.until("restarted", lambda: rows(run)[crashed]["RESTARTS"] == "1")
    run.until("ready again", lambda: len(ready(run, "gated")) == 2)
    after = rows(run)
    assert after[crashed]["PIDS"] != before[crashed]["PIDS"]
    assert after[crashed]["IP"] == address
    others = after.keys() - {crashed}
    assert {n: after[n]["PIDS"] for n in others} == {n: before[n]["PIDS"] for n in others}
    run.until("served again", lambda: len(caller.many("http://gated/", 50)) == 2)


def test_a_crash_costs_no_more_than_the_requests_under_way(run, caller):
    address = rows(run)[sorted(ready(run, "gated"))[1]]["IP"]
    with load(caller.address, "http://gated/", rate=100) as tally:
        run.until("some answers", lambda: tally.total > 30)
        run.exec("client", "curl", "-s", f"http://{address}:8080/crash")
        run.until("some more", lambda sent=tally.total: tally.total > sent + 100)
    assert tally.failed <= 4  # one for each connection of the load
    run.until("both back", lambda: len(ready(run, "gated")) == 2)


def test_an_image_that_nothing_stands_for_is_told(run, caller):
    (pod,) = [p for p in run.get("pods") if p["metadata"]["name"].startswith("mystery")]
    status, reason, message = conditions(pod)["Ready"]
    assert (status, reason) == ("False", "ImageNotMapped")
    assert "--image acme/mystery:2=COMMAND" in message
    assert caller.status("http://mystery/") == 503
    assert "ImageNotMapped" in run.fairlead("get", "pods").stdout
    assert conditions(run.one("deployments", "mystery"))["Available"][1] == "ImageNotMapped"


def test_a_pod_that_keeps_crashing_is_started_at_growing_intervals(run):
    broken = deployment("broken").replace('args: ["-text=broken"]', "args: [-nonsense]")
    assert broken != deployment("broken")
    run.write("broken.yaml", broken)
    row = run.until("crash loop", lambda: broken_row(run, "CrashLoopBackOff"), 20)
    assert row["READY"] == "0/1"
    run.until("more than once", lambda: int(broken_row(run)["RESTARTS"]) >= 1, 20)
    assert "flag provided but not defined: -nonsense" in Path(row["LOGS"]).read_text()
    run.write("broken.yaml", deployment("broken", text="repaired"))
    run.until("repaired", lambda: ready(run, "broken"), 20)
    run.until("replaced", lambda: len(rows_of(run, "broken")) == 1)
    run.remove("broken.yaml")
    run.until("gone", lambda: not rows_of(run, "broken"))


def broken_row(run, status=None):
    found = [row for name, row in rows(run).items() if name.startswith("broken")]
    return found[0] if found and status in {None, found[0]["STATUS"]} else None


def test_what_an_environment_refers_to_may_come_later(run):
    pod = deployment("configured", text="$(GREETING)").replace(
        "env: [", "env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: words, key: hi}}}, "
    )
    run.write("configured.yaml", pod + service("configured"))
    run.until("told", lambda: "CreateContainerConfigError" in run.fairlead("get", "po").stdout)
    words = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\ndata: {hi: hello}\n"
    run.write("words.yaml", words)
    run.until("started", lambda: Caller(run).body("http://configured/") == "hello", 20)
    run.remove("configured.yaml")
    run.remove("words.yaml")
    run.until("gone", lambda: not rows_of(run, "configured"))


def test_an_environment_is_that_of_the_pod(run):
    (name,) = [n for n in ready(run, "rolling") if n.endswith("-0")]
    script = "echo $POD_NAME $POD_NAMESPACE $PORT $HOSTNAME $POD_IP $http_proxy $no_proxy"
    words = run.exec(name, "sh", "-c", script).stdout.split()
    address = rows(run)[name]["IP"]
    assert words == [
        *(name, "default", "5678", name, address),
        *(f"http://{address}:15001", "localhost,127.0.0.0/8"),
    ]
    assert address.startswith("127.")


def test_logs_are_where_the_table_says(run):
    for name in ready(run, "gated"):
        log = Path(rows(run)[name]["LOGS"])
        assert log.is_relative_to(run.state)
        assert log.exists()


@pytest.mark.parametrize(("replicas", "text"), [(4, "old"), (1, "old"), (2, "new"), (3, "newer")])
def test_rollouts_lose_no_request(run, caller, replicas, text):
    with load(caller.address, "http://rolling/", rate=200) as tally:
        run.until("some answers", lambda: tally.total > 20)
        changed = deployment("rolling", replicas=replicas, text=text)
        rewrite(run, "rolling.yaml", changed, "deployments", "rolling")
        run.until("rolled out", lambda: caller.many("http://rolling/", 20) == {text: 20}, 20)
        run.until("as many as asked for", lambda: len(rows_of(run, "rolling")) == replicas, 20)
        run.until("some more answers", lambda sent=tally.total: tally.total > sent + 100)
    assert dict(tally.statuses) == {200: tally.total}


def rows_of(run, app):
    return [name for name in rows(run) if name.startswith(app)]


def test_a_pod_whose_file_goes_ends(run):
    run.write("extra.yaml", client("extra"))
    run.until("there", lambda: "extra" in ready(run))
    pid = int(rows(run)["extra"]["PIDS"].split(",")[0])
    os.kill(pid, 0)
    run.remove("extra.yaml")
    run.until("gone", lambda: find(run, "pods", "extra") is None)
    run.until("process ended", lambda: not Path(f"/proc/{pid}").exists(), 35)
