"""`fairlead run` at a terminal tells how much more `fairlead lint` finds, and when it is less."""

import contextlib
import os
import selectors
import signal
import subprocess
import time

import pytest

from fairlead import api
from fairlead.app.lint_hint import Found, hint
from feature.harness import Instance

SECONDS = 30
MANIFESTS = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: fairlead, listeners: [{name: web, protocol: HTTP, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart}
spec:
  parentRefs: [{name: egde}]
  rules: [{backendRefs: [{name: cart, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
"""


def until(terminal, words, seen):
    """Read what is printed until it holds the words."""
    end = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as ready:
        ready.register(terminal, selectors.EVENT_READ)
        while words not in seen:
            assert time.monotonic() < end, seen
            if ready.select(1):
                seen += os.read(terminal, 65536).decode()
    return seen.partition(words)[2]


@pytest.mark.envoy
def test_at_a_terminal_it_is_told_what_lint_finds(tmp_path):
    run = Instance(tmp_path, {"cart.yaml": MANIFESTS})
    terminal, other_end = os.openpty()
    with contextlib.closing(os.fdopen(other_end)):
        run.process = subprocess.Popen(
            [
                *run.command("run", str(run.manifests), "--state-dir", str(run.state)),
                *("--port-offset", str(run.offset)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=other_end,
            stderr=other_end,
            start_new_session=True,
        )
    run.log.touch()
    try:
        seen = until(terminal, f"1 warning more by: fairlead lint {run.manifests}", "")
        run.write("cart.yaml", MANIFESTS.replace("egde", "edge"))
        until(terminal, "fairlead lint finds nothing any more", seen)
    finally:
        assert run.stop(signal.SIGTERM) == 0
        os.close(terminal)


TOLD = api.Problem(severity="error", code="GW001", message="", file="a.yaml", line=3)
KNOWN = Found("error", "GW001", "a.yaml", 3)
ERROR = Found("error", "GW001", "a.yaml", 4)
WARNING = Found("warning", "GW102", "a.yaml", 3)
INFO = Found("info", "GW140", "a.yaml", 3)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], ""),
        ([KNOWN, INFO], ""),
        ([KNOWN, ERROR, INFO], "1 error more by: fairlead lint 'my apps' b"),
        ([ERROR, WARNING, WARNING], "1 error and 2 warnings more by: fairlead lint 'my apps' b"),
    ],
)
def test_what_is_known_already_and_remarks_do_not_count(found, expected):
    assert hint(found, [TOLD], ("my apps", "b")) == expected
