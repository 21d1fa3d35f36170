"""From start to end: signals, crashes, a second instance, standard input, busy ports."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from fairlead.app.instance import read_instance
from fairlead.cli.client import Client
from feature.harness import Instance, condition
from feature.scene import Caller, client, conditions, deployment, find, load, route, service, to

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec:
  gatewayClassName: fairlead
  listeners: [{{name: http, protocol: HTTP, port: {port}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: {name}}}]
  rules: [{{backendRefs: [{{name: web, port: 80}}]}}]
---
"""


def gateway(name, port=80):
    return GATEWAY.format(name=name, port=port)


FILES = {
    "web.yaml": deployment("web", replicas=2) + service("web") + client(),
    "gateways.yaml": gateway("first") + gateway("second"),
}


def identity(pid):
    """What tells a process from a later one of the same number; None if it is gone or a zombie."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[0] not in "ZX":
            return pid, fields[19]
    return None


def descendants(pid):
    """Identities of a process's children, theirs included."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
    found, fresh = set(), {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return {identity(child) for child in found} - {None}


def alive(identities):
    return {each for each in identities if identity(each[0]) == each}


def wait_gone(identities, seconds=30):
    end = time.monotonic() + seconds
    while left := alive(identities):
        assert time.monotonic() < end, f"still running: {left}"
        time.sleep(0.02)


def proxies(run):
    return {item["metadata"]["name"]: item["status"] for item in run.get("proxies")}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_everything(serve, number, code):
    run = serve(FILES)
    run.until_pods()
    children = descendants(run.process.pid)
    runtime = Path(read_instance(run.state).runtime_dir)
    assert len(children) >= 3 + 3  # three Envoys, three pods
    assert runtime.is_dir()
    assert run.stop(number) == code
    assert alive(children) == set()
    assert not runtime.exists()
    assert read_instance(run.state) is None
    assert "Traceback" not in run.output()


def test_a_closed_terminal_ends_everything(tmp_path):
    run = Instance(tmp_path, FILES)
    terminal, other_end = os.openpty()
    with contextlib.closing(os.fdopen(other_end)):
        run.process = subprocess.Popen(
            [
                *("sh", "-c", 'exec <"$0" >"$0" 2>&1; exec "$@"', os.ttyname(other_end)),
                *run.command("run", str(run.manifests), "--state-dir", str(run.state)),
                *("--port-offset", str(run.offset)),
            ],
            start_new_session=True,  # without a terminal; the first that it opens becomes its own
        )
    run.log.touch()
    try:
        run.until_ready()
        run.until_pods()
        children = descendants(run.process.pid)
        runtime = Path(read_instance(run.state).runtime_dir)
    finally:
        os.close(terminal)
        code = run.process.wait(10)
    assert code == 0
    assert alive(children) == set()
    assert not runtime.exists()


def test_nohup_outlives_its_terminal(tmp_path):
    run = Instance(tmp_path, {"web.yaml": FILES["web.yaml"]})
    with run.log.open("wb") as log:
        run.process = subprocess.Popen(
            ["nohup", *run.command("run", str(run.manifests), "--state-dir", str(run.state))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        run.until_ready()
        run.until_pods()
        run.process.send_signal(signal.SIGHUP)
        assert Caller(run).body("http://web/") == "web"
        run.write("more.yaml", service("more", app="web"))
        run.until("served", lambda: Caller(run).body("http://more/") == "web")
    finally:
        assert run.stop(signal.SIGTERM) == 0


def test_an_instance_whose_output_nobody_reads_goes_on(tmp_path):
    run = Instance(tmp_path, {"web.yaml": FILES["web.yaml"]})
    with run.log.open("wb") as log:
        run.process = subprocess.Popen(
            run.command("run", str(run.manifests), "--state-dir", str(run.state)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert run.process.stdout.readline().startswith(b"fairlead ")
    run.process.stdout.close()
    try:
        run.until_ready()
        run.until_pods()
        assert Caller(run).body("http://web/") == "web"
    finally:
        assert run.stop(signal.SIGTERM) == 0
    assert run.output() == ""


def test_a_pod_that_ignores_the_request_to_end_is_killed(serve):
    stubborn = client("stubborn").replace(
        "[sleep, infinity]", "[sh, -c, \"trap '' TERM; while :; do sleep 1; done\"]"
    )
    run = serve({"pods.yaml": stubborn})
    run.until_pods()
    children = descendants(run.process.pid)
    assert run.stop() == 130
    assert alive(children) == set()


def test_children_end_with_an_instance_that_is_killed_and_the_next_one_cleans_up(serve):
    run = serve(FILES)
    run.until_pods()
    children = descendants(run.process.pid)
    runtime = Path(read_instance(run.state).runtime_dir)
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    wait_gone(children)
    run.start()
    assert not runtime.exists()
    run.until_pods()
    assert Caller(run).body("http://web/") == "web"


def test_a_second_instance_on_the_same_state_directory_is_refused(serve):
    run = serve({"web.yaml": service("web")})
    command = run.command("run", str(run.manifests), "--state-dir", str(run.state))
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert f"already runs on state directory {run.state} (pid {run.process.pid})" in done.stderr
    assert find(run, "services", "web")


def test_two_instances_run_side_by_side(serve):
    one = serve({"a.yaml": client() + deployment("web", text="one") + service("web")})
    two = serve({"a.yaml": client() + deployment("web", text="two") + service("web")})
    for run, text in ((one, "one"), (two, "two")):
        run.until_pods()
        assert Caller(run).body("http://web/") == text


def test_each_gateway_has_an_envoy_of_its_own_and_a_crash_ends_no_other(serve):
    run = serve(FILES)
    run.until_pods()
    urls = [run.url(name) for name in ("first", "second")]
    assert urls[0] != urls[1]
    assert [run.request(base=base).status for base in urls] == [200, 200]
    before = proxies(run)
    assert set(before) == {"gateway/default/first", "gateway/default/second", "mesh"}
    victim = before["gateway/default/first"]["pid"]
    assert identity(victim) in descendants(run.process.pid)
    host, port = urls[1].removeprefix("http://").split(":")
    with load((host, int(port)), urls[1] + "/", rate=100) as tally:
        os.kill(victim, signal.SIGKILL)
        run.until("restarted", lambda: restarted(run, "gateway/default/first", victim))
        run.until_ready()
        run.until("serving again", lambda: run.request(base=urls[0]).status == 200)
    assert dict(tally.statuses) == {200: tally.total}
    after = proxies(run)
    assert after["gateway/default/first"]["restarts"] == 1
    others = {"gateway/default/second", "mesh"}
    assert {n: after[n]["pid"] for n in others} == {n: before[n]["pid"] for n in others}


def restarted(run, name, old):
    return proxies(run)[name].get("pid") not in {None, old}


def test_a_gateway_comes_and_goes_without_the_others_noticing(serve):
    run = serve({"web.yaml": FILES["web.yaml"], "first.yaml": gateway("first")})
    run.until_pods()
    base, pid = run.url("first"), proxies(run)["gateway/default/first"]["pid"]
    host, port = base.removeprefix("http://").split(":")
    with load((host, int(port)), base + "/", rate=100) as tally:
        run.write("second.yaml", gateway("second"))
        run.until("served", lambda: ready_gateway(run, "second"))
        other = proxies(run)["gateway/default/second"]["pid"]
        run.until("second answers", lambda: answers(run, "second"))
        run.remove("second.yaml")
        run.until("gone", lambda: "gateway/default/second" not in proxies(run))
        wait_gone({identity(other)} - {None}, 15)
    assert dict(tally.statuses) == {200: tally.total}
    assert proxies(run)["gateway/default/first"]["pid"] == pid


def ready_gateway(run, name):
    found = find(run, "gateways", name)
    return found and condition(found, "Programmed")


def test_a_port_that_is_taken_is_told_in_envoys_words_and_others_serve(serve):
    address = f"127.9.{os.getpid() >> 8 & 255}.{os.getpid() % 254 + 1}"
    with socket.create_server((address, 0)) as taken:
        there = gateway("first", taken.getsockname()[1]).replace(
            "  listeners", f"  addresses: [{{type: IPAddress, value: {address}}}]\n  listeners"
        )
        files = {
            "web.yaml": FILES["web.yaml"],
            "first.yaml": there,
            "second.yaml": gateway("second"),
        }
        run = serve(files, ready=False)
        run.until("second serves", lambda: ready_gateway(run, "second"), 20)
        run.until("pods", lambda: all(condition(pod, "Ready") for pod in run.get("pods")))
        run.until("second answers", lambda: answers(run, "second"))
        told = run.until("told", lambda: refused(run, "first"))
        assert "Address already in use" in told[2]
        assert "Address already in use" in run.describe("gateway", "first")
        other = there.replace(f"port: {taken.getsockname()[1]}", "port: 80")
    run.write("first.yaml", other)
    run.until("first serves", lambda: ready_gateway(run, "first"))
    assert run.url("first") == f"http://{address}:{80 + run.offset}"
    run.until("first answers", lambda: answers(run, "first"))


def answers(run, name):
    """Whether a Gateway answers 200; its port is bound a moment before it takes connections."""
    with contextlib.suppress(ConnectionRefusedError):
        return run.request(base=run.url(name)).status == 200
    return False


def refused(run, name):
    told = conditions(run.one("gateways", name)).get("Programmed")
    return told if told and told[0] == "False" and "ddress" in told[2] else None


def test_manifests_come_from_standard_input(tmp_path):
    run = Instance(tmp_path, {})
    text = client() + deployment("web") + service("web") + route("web", "web", f"[{to('web')}]")
    with run.log.open("wb") as log:
        run.process = subprocess.Popen(
            run.command("run", "-", "--state-dir", str(run.state)),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        run.process.stdin.write(text.encode())
        run.process.stdin.close()
        run.until_ready()
        run.until_pods()
        assert Caller(run).body("http://web/") == "web"
    finally:
        assert run.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_waiting_for_standard_input(tmp_path, number, code):
    run = Instance(tmp_path, {})
    with run.log.open("wb") as log:
        run.process = subprocess.Popen(
            run.command("run", "-", "--state-dir", str(run.state)),
            stdin=subprocess.PIPE,  # which never ends
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with run.process.stdin:
        run.until("started", lambda: read_instance(run.state))
        runtime = Path(read_instance(run.state).runtime_dir)
        assert run.stop(number) == code
    assert not runtime.exists()
    assert "Traceback" not in run.output()


def test_what_can_not_start_says_why(tmp_path):
    run = Instance(tmp_path, {})
    missing = tmp_path / "missing"
    for arguments in (["run", str(missing)], ["run"], ["run", str(run.manifests), "--image", "x"]):
        done = run.fairlead(*arguments)
        assert done.returncode == 2
        assert "Usage:" in done.stderr
        assert "Traceback" not in done.stderr
    done = run.fairlead("get", "pods")
    assert done.returncode == 1
    assert "no instance runs on state directory" in done.stderr


def test_an_instance_without_objects_waits_for_some(serve):
    run = serve({})
    assert Client(run.state).get("v1", "ready") == {"ready": True}
    run.write("web.yaml", client() + deployment("web") + service("web"))
    run.until_pods()
    assert Caller(run).body("http://web/") == "web"


def test_privileged_ports_are_shifted_with_a_line_that_says_so(serve):
    run = serve(FILES)
    run.until(
        "told", lambda: f"port 80 is privileged: shifted to {80 + run.offset}" in run.output()
    )
    table = run.fairlead("get", "gateways", "-o", "wide").stdout
    assert run.url("first").removeprefix("http://") in table
    assert f"80->{80 + run.offset}" in table
