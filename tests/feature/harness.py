"""A real `fairlead run` for a test: its own manifests, state and ports, and ways to talk to it.

    def test_split(serve):
        run = serve({"route.yaml": ROUTE, "backends.yaml": BACKENDS})
        assert run.request("/", host="shop.example.com").status == 200

Every wait is bounded and says what it waited for, with what the instance printed.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import click

from fairlead.app.instance import STATE_DIR_VARIABLE
from fairlead.cli.client import Client
from support.http import Response, over_socket, send

OFFSETS = (20_000, 32_000)
READY_SECONDS = 30
STOP_SECONDS = 15


def free_offset():
    """A port offset at which port 80 and port 443 are free on 127.0.0.1.

    Below the range from which the kernel takes ports for clients: one of those would hold a port
    for as long as its connection lives.
    """
    while True:
        offset = random.randrange(*OFFSETS)
        with socket.socket() as http, socket.socket() as https, suppress(OSError):
            http.bind(("127.0.0.1", 80 + offset))
            https.bind(("127.0.0.1", 443 + offset))
            return offset


class Instance:
    """One `fairlead run`, started by `start` and ended by `stop`."""

    def __init__(self, folder: Path, files: dict[str, str], *options: str) -> None:
        self.manifests = folder / "manifests"
        self.state = folder / "state"
        self.log = folder / "run.log"
        self.offset = free_offset()
        self.options = options
        self.process: subprocess.Popen | None = None
        self.manifests.mkdir()
        for name, text in files.items():
            self.write(name, text)

    # Life

    def start(self, *, ready: bool = True) -> "Instance":
        """Start; waits until everything is served and acknowledged, unless told not to."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *self.command("run", str(self.manifests)),
                    *("--state-dir", str(self.state)),
                    *("--port-offset", str(self.offset)),
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if ready:
            self.until_ready()
        return self

    def stop(self, number=signal.SIGINT) -> int:
        """End the instance as Ctrl-C does, and return its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not stop within {STOP_SECONDS} s\n{self.output()}") from None

    def output(self) -> str:
        """What the instance has printed so far."""
        return self.log.read_text(errors="replace")

    def until(self, what: str, check, seconds: float = 30):
        """Poll `check` until it returns something true, and return that."""
        end = time.monotonic() + seconds
        while True:
            found = check()
            if found:
                return found
            assert self.process is not None
            assert self.process.poll() is None, f"the instance ended by itself\n{self.output()}"
            assert time.monotonic() < end, f"{what}: not within {seconds} s\n{self.output()}"
            time.sleep(0.02)

    def until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until all that was read is served and all proxies have acknowledged it."""
        self.until("ready", self._ready, seconds)

    def until_pods(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every pod is ready."""

        def ready() -> bool:
            pods = self.get("pods")
            return bool(pods) and all(condition(pod, "Ready") for pod in pods)

        self.until("every pod ready", ready, seconds)
        self.until_ready()

    # Commands

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "fairlead.cli", *arguments]

    def fairlead(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run a command against this instance, whatever its exit code."""
        environment = {**os.environ, STATE_DIR_VARIABLE: str(self.state), "NO_COLOR": "1"}
        return subprocess.run(
            self.command(*arguments),
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def get(self, kind: str, name: str | None = None, namespace: str | None = None) -> list[dict]:
        """Objects with their status; of all namespaces unless one is named."""
        path = ("v1", "objects", kind)
        return Client(self.state).get(*path, namespace=namespace, name=name)["items"]

    def one(self, kind: str, name: str, namespace: str = "default") -> dict:
        """One object with its status."""
        return self.get(kind, name, namespace)[0]

    def describe(self, kind: str, name: str, namespace: str = "default") -> str:
        """What `fairlead describe` prints."""
        done = self.fairlead("describe", kind, name, "-n", namespace)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def envoys(self, page: str) -> dict[str, bytes]:
        """What the admin interface of each Envoy answers, by the name of its socket."""
        folder = Path(json.loads((self.state / "instance.json").read_text())["runtime_dir"])
        found: dict[str, bytes] = {}
        for path in sorted(folder.glob("**/envoy-*.sock")):
            with over_socket(path) as connection:
                connection.request("GET", page)
                found[path.name] = connection.getresponse().read()
        assert found
        return found

    def exec(
        self, pod: str, *command: str, namespace: str = "default"
    ) -> subprocess.CompletedProcess:
        """Run a command as a pod."""
        return self.fairlead("exec", "-n", namespace, pod, "--", *command)

    # Files

    def write(self, name: str, text: str) -> None:
        """Write a manifest whole, as editors do."""
        target = self.manifests / name
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.draft")
        draft.write_text(text)
        draft.replace(target)

    def remove(self, name: str) -> None:
        (self.manifests / name).unlink()

    # Traffic

    def url(self, gateway: str | None = None, namespace: str = "default", port: int = 80) -> str:
        """Where a Gateway's port answers; of the only Gateway, if none is named."""
        found = self.get("gateways", gateway, namespace if gateway else None)
        address = found[0]["status"]["addresses"][0]["value"]
        return f"http://{address}:{port + self.offset if port < 1024 else port}"

    def request(
        self,
        path: str = "/",
        *,
        host: str | None = None,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: str | None = None,
        base: str | None = None,
    ) -> Response:
        """Send a request through a Gateway (`base` from `url`, else that of the only Gateway)."""
        parts = urlsplit(base or self.url())
        place = (parts.hostname or "", parts.port or 80)
        return send(place, path, host, method=method, headers=headers, body=body)

    def request_from(
        self,
        pod: str,
        url: str,
        *,
        namespace: str = "default",
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: str | None = None,
    ) -> Response:
        """Send a request from a pod through its own outbound listener."""
        place = self.outbound(pod, namespace)
        return send(place, url, urlsplit(url).netloc, method=method, headers=headers, body=body)

    def outbound(self, pod: str, namespace: str = "default") -> tuple[str, int]:
        """Address and port of a pod's outbound listener."""
        answer = Client(self.state).get("v1", "exec-env", namespace, pod)
        proxy = urlsplit(answer["environment"]["http_proxy"])
        assert proxy.hostname, answer
        assert proxy.port, answer
        return proxy.hostname, proxy.port

    def _ready(self) -> bool:
        try:
            return bool(Client(self.state).get("v1", "ready"))
        except click.ClickException:
            return False


def condition(item: dict, kind: str) -> bool:
    """Whether an object's own condition is True."""
    conditions = item.get("status", {}).get("conditions", [])
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


def parent_conditions(route: dict, index: int = 0) -> dict[str, tuple[str, str]]:
    """Type to (status, reason) of a route's conditions for one parent."""
    parents = route.get("status", {}).get("parents", [])
    if len(parents) <= index:
        return {}
    return {c["type"]: (c["status"], c["reason"]) for c in parents[index]["conditions"]}


def dump(item: object) -> str:
    """JSON text for messages of assertions."""
    return json.dumps(item, indent=2)
