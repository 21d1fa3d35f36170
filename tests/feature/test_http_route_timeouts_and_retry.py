"""timeouts.request, timeouts.backendRequest and retry: what clients see, and how many attempts."""

import time
from uuid import uuid4

import pytest

from feature.route_scene import Manifest, both, sides

TIMEOUTS = both(
    "timeouts",
    """
    - matches: [{path: {value: /request}}]
      timeouts: {request: 300ms}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /backend}}]
      timeouts: {backendRequest: 300ms}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /either}}]
      timeouts: {request: 20s, backendRequest: 300ms}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /zero-request}}]
      timeouts: {request: 0s, backendRequest: 300ms}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /zero}}]
      timeouts: {request: 0s, backendRequest: 0s}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /longer}}]
      timeouts: {request: 20s, backendRequest: 15s}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /longer-request}}]
      timeouts: {request: 15s}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /longer-backend}}]
      timeouts: {backendRequest: 15s}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /longer-zero-request}}]
      timeouts: {request: 0s, backendRequest: 15s}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /}}]
      backendRefs: [{name: v1, port: 80}]
    """,
)


def asking(answers: str) -> tuple[str, dict[str, str]]:
    """A new id, and the headers that make backends answer so."""
    name = uuid4().hex
    return name, {"x-echo-id": name, "x-echo-answers": answers}


def times_out(scene, side, path) -> bool:
    """Whether a backend that hangs makes it 504 after the 300 ms, and one attempt."""
    name, headers = asking("hang")
    begin = time.monotonic()
    answer = scene.ask(side, TIMEOUTS, path, headers=headers)
    in_time = 0.25 < time.monotonic() - begin < 10  # before the next longer timeout
    scene.run.until("the attempt", lambda: scene.attempts(name))
    return answer.status == 504 and in_time and scene.attempts(name) == 1


@sides
def test_request_timeout(scene, side):
    assert times_out(scene, side, "/request")


@sides
@pytest.mark.parametrize("path", ["/backend", "/either", "/zero-request"])
def test_backend_timeout(scene, side, path):
    """With a longer one for the whole request, or with none (zero)."""
    assert times_out(scene, side, path)


@sides
@pytest.mark.parametrize(
    "path",
    ["/zero", "/longer", "/longer-request", "/longer-backend", "/longer-zero-request", "/"],
)
def test_timeout_that_is_not_reached(scene, side, path):
    """Zero disables."""
    _, headers = asking("slow")
    assert scene.ask(side, TIMEOUTS, path, headers=headers).backend == "v1"


RETRIES = both(
    "retries",
    """
    - matches: [{path: {value: /codes}}]
      retry: {codes: [503, 500], attempts: 3, backoff: 10ms}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /default-attempts}}]
      retry: {codes: [503], backoff: 10ms}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /never}}]
      retry: {codes: [503], attempts: 0}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /no-codes}}]
      retry: {attempts: 3, backoff: 10ms}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /each}}]
      retry: {attempts: 2, backoff: 10ms}
      timeouts: {backendRequest: 2s}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /all}}]
      retry: {attempts: 9, backoff: 10ms}
      timeouts: {request: 1s, backendRequest: 300ms}
      backendRefs: [{name: v1, port: 80}]
    - matches: [{path: {value: /}}]
      backendRefs: [{name: v1, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "answers", "status", "attempts"),
    [
        ("/codes", "503,503,200", 200, 3),
        ("/codes", "500,503,500,200", 200, 4),
        ("/codes", "503", 503, 4),
        ("/codes", "503,500,503,500,200", 500, 4),
        ("/codes", "502,200", 502, 1),
        ("/codes", "200", 200, 1),
        ("/default-attempts", "503,200", 200, 2),
        ("/default-attempts", "503,503,200", 503, 2),
        ("/never", "503,200", 503, 1),
        ("/no-codes", "503,200", 503, 1),
        ("/no-codes", "500,200", 500, 1),
        ("/", "503,200", 503, 1),
    ],
)
def test_retry_codes(scene, side, *, path, answers, status, attempts):
    """Attempts come on top of the first try; when they are used up, the last answer passes."""
    name, headers = asking(answers)
    answer = scene.ask(side, RETRIES, path, headers=headers)
    assert (answer.status, answer.backend, scene.attempts(name)) == (status, "v1", attempts)


@sides
@pytest.mark.parametrize("path", ["/codes", "/no-codes", "/never", "/"])
def test_request_that_a_backend_has_taken_is_not_retried(scene, side, path):
    """A backend that hangs up after it got the request may have carried it out."""
    name, headers = asking("close,200")
    assert scene.ask(side, RETRIES, path, method="POST", body="x", headers=headers).status == 503
    assert scene.attempts(name) == 1


@sides
def test_retry_after_the_timeout_of_an_attempt(scene, side):
    name, headers = asking("hang,200")
    assert scene.ask(side, RETRIES, "/each", headers=headers).backend == "v1"
    assert scene.attempts(name) == 2


@sides
def test_timeout_of_the_request_ends_all_attempts(scene, side):
    name, headers = asking("hang")
    begin = time.monotonic()
    assert scene.ask(side, RETRIES, "/all", headers=headers).status == 504
    assert time.monotonic() - begin > 0.9
    assert 2 <= scene.attempts(name) <= 4  # of ten, had they not been ended


IN_TIME = both(
    "in-time",
    """
    - matches: [{path: {value: /request}}]
      retry: {codes: [500], attempts: 5, backoff: 1ms}
      timeouts: {request: 2s}
      backendRefs: [{name: v3, port: 80}]
    - matches: [{path: {value: /backend}}]
      retry: {codes: [500], attempts: 3, backoff: 1ms}
      timeouts: {request: 25s, backendRequest: 1s}
      backendRefs: [{name: v3, port: 80}]
    """,
)


@sides
@pytest.mark.parametrize(
    ("path", "answers", "status", "attempts"),
    [
        ("/request", "500,200", 200, 2),
        ("/request", "500,500,hang", 504, 3),
        ("/backend", "500,500,200", 200, 3),
        ("/backend", "hang,500,200", 200, 3),
        ("/backend", "hang", 504, 4),
    ],
)
def test_retries_by_status_within_timeouts(scene, side, *, path, answers, status, attempts):
    """An answer that does not come ends an attempt, or all of them together, in time."""
    name, headers = asking(answers)
    answer = scene.ask(side, IN_TIME, path, headers=headers)
    assert (answer.status, scene.attempts(name)) == (status, attempts)


@sides
def test_clients_change_neither_timeouts_nor_retries(scene, side):
    """Envoy's own request headers count for nothing, wherever the client is."""
    forged = {"x-envoy-retry-on": "5xx", "x-envoy-max-retries": "5"}
    name, headers = asking("503,200")
    answer = scene.ask(side, RETRIES, "/never", headers=headers | forged)
    assert (answer.status, scene.attempts(name)) == (503, 1)
    _, headers = asking("slow")
    headers |= {"x-envoy-upstream-rq-timeout-ms": "50"}
    assert scene.ask(side, TIMEOUTS, "/zero", headers=headers).status == 200


REFUSING = """\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}-refuses
  namespace: default
  labels: {{kubernetes.io/service-name: {name}}}
addressType: IPv4
ports: [{{name: p80, port: 1}}]
endpoints: [{{addresses: [127.0.0.1]}}]
"""
HALF_REFUSES = both(
    "half-refuses",
    """
    - matches: [{path: {value: /asked}}]
      retry: {attempts: 2, backoff: 1ms}
      backendRefs: [{name: half-refuses, port: 80}]
    - matches: [{path: {value: /never}}]
      retry: {attempts: 0}
      backendRefs: [{name: half-refuses, port: 80}]
    - backendRefs: [{name: half-refuses, port: 80}]
    """,
)
REFUSES = Manifest(REFUSING.format(name="half-refuses"))


@sides
@pytest.mark.parametrize("path", ["/asked", "/"])
def test_retry_connection_error(scene, side, path):
    """No codes needed, and none of it asked for: another endpoint takes the request."""
    assert scene.shares(side, HALF_REFUSES, 40, path) == {"root": 40}


@sides
def test_retry_attempts_0(scene, side):
    """An explicit zero means none, not the default."""
    shares = scene.shares(side, HALF_REFUSES, 60, "/never")
    assert set(shares) == {"root", 503}


NAMED = both(
    "named-rules",
    """
    - name: first
      matches: [{path: {value: /first}}]
      backendRefs: [{name: v1, port: 80}]
    - name: second
      matches: [{path: {type: RegularExpression, value: '/(unclosed'}}]
      backendRefs: [{name: v2, port: 80}]
    """,
)


@sides
def test_named_route_rule(scene, side):
    """Names change nothing in traffic, and tell in the status which rule is meant."""
    assert scene.ask(side, NAMED, "/first").backend == "v1"
    assert scene.ask(side, NAMED, "/second").status == 404
    parent = scene.route(NAMED)["status"]["parents"][0 if side == "gateway" else 1]
    (partly,) = (c for c in parent["conditions"] if c["type"] == "PartiallyInvalid")
    assert partly["status"] == "True"
    assert "second" in partly["message"]
    assert "/(unclosed" in partly["message"]
