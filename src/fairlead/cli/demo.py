"""The canary walk-through: what comes in is a directory of manifests, what goes out is a verdict.

Everything runs through the commands that a user types (`run`, `get`, `exec`, `describe`) on a
copy of the manifests; the traffic comes from the client pod's own outbound listener, and from
outside through a Gateway. Every expectation is checked; the last line says so.
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import click

from fairlead.cli.command import Command
from fairlead.cli.load import Tally, steady

NAMESPACE = "istio-test"
ROUTE_FILE = "4-httproute.yaml"
RULES_FILE = "5-destinationrules.yaml"
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: entrance, namespace: istio-test}
spec:
  gatewayClassName: fairlead
  listeners: [{name: http, protocol: HTTP, port: %d}]
"""
DOCUMENT_LOOP = "for i in $(seq 1 20); do curl -s http://backend; done"
REQUESTS = 1000
SHARE_WITHOUT_ROUTE = range(320, 481)
"""Of 1,000 requests, those for v2 when 2 of 5 pods are v2: 5 sigma, far from any other share."""
SHARE_WITH_ROUTE = range(68, 132)
"""Of 1,000 requests, those for v2 at weight 10 of 100 (3.3 sigma)."""
SHARE_AGAIN = range(55, 151)
"""The same where it is asked again, so that chance alone fails no walk: 5 sigma."""


class WalkError(Exception):
    """An expectation of the walk-through did not hold."""


class Instance:
    """The `fairlead run` under demonstration and the commands against it."""

    def __init__(self, folder: Path) -> None:
        self.manifests = folder / "manifests"
        self._state = folder / "state"
        self._log = folder / "run.log"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> list[str]:
        """The argument vector of a `fairlead` command."""
        return [sys.executable, "-m", "fairlead.cli", *arguments]

    def output(self, *arguments: str) -> str:
        """Run a command against the instance and return what it prints."""
        environment = {**os.environ, "FAIRLEAD_STATE_DIR": str(self._state)}
        done = subprocess.run(  # noqa: S603 - our own commands
            self.command(*arguments), env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise WalkError(f"`fairlead {' '.join(arguments)}` failed: {done.stderr.strip()}")
        return done.stdout

    def items(self, what: str) -> list[dict[str, Any]]:
        """Objects of one kind, as `fairlead get -o json` gives them."""
        return list(json.loads(self.output("get", what, "-n", NAMESPACE, "-o", "json"))["items"])

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """Run `fairlead run` on the manifests; ends it as Ctrl-C would."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                self.command("run", str(self.manifests), "--state-dir", str(self._state)),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                click.echo("demo: `fairlead run` did not stop within 20 s", err=True)

    def log(self) -> str:
        """The last lines that `fairlead run` printed."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-30:])

    def write(self, name: str, text: str) -> None:
        """Write a manifest as an editor would: whole, by rename."""
        target = self.manifests / name
        draft = target.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(target)

    async def until(self, what: str, check: Callable[[], object], seconds: float = 30) -> None:
        """Poll `check` until it is true; raises WalkError that names `what`."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(WalkError, KeyError, IndexError):
                if await asyncio.to_thread(check):
                    return
            if self._process is not None and self._process.poll() is not None:
                raise WalkError(f"`fairlead run` ended by itself:\n{self.log()}")
            if time.monotonic() > end:
                raise WalkError(f"{what}: not within {seconds:.0f} s\n{self.log()}")
            await asyncio.sleep(0.1)


def accepted(parent: dict[str, Any]) -> bool:
    """Whether a route's parent has Accepted and ResolvedRefs both true."""
    true = {c["type"] for c in parent["conditions"] if c["status"] == "True"}
    return {"Accepted", "ResolvedRefs"} <= true


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def weighted(route: str, v1: int, v2: int) -> str:
    """The text of the route with other weights for its two backends."""
    weights = iter((v1, v2))
    return re.sub(r"weight: \d+", lambda _: f"weight: {next(weights)}", route)


class Walk:
    """The steps, in the order of the document, and what they have seen so far."""

    def __init__(self, instance: Instance, source: Path) -> None:
        self._instance = instance
        self._source = source
        self._step = 0
        self._proxy = ("", 0)
        self.total = 0
        self.failed = 0
        self.share = 0.0

    def say(self, text: str) -> None:
        """Announce the next step."""
        self._step += 1
        click.echo(f"\n{click.style(f'[{self._step}]', bold=True)} {text}")

    def count(self, tally: Tally, what: str, expected: range | None) -> None:
        """Print the split that a load has seen, and check it."""
        self.total += tally.total
        self.failed += tally.failed
        v2 = tally.bodies[b"hello from backend v2\n"]
        v1 = tally.bodies[b"hello from backend v1\n"]
        click.echo(f"    {what}: v1 {v1}, v2 {v2} ({v2 / max(1, tally.total):.1%} v2)")
        if tally.failed:
            raise WalkError(f"{tally.failed} of {tally.total} failed: {dict(tally.statuses)}")
        if v1 + v2 != tally.total:
            raise WalkError(f"unexpected bodies: {list(tally.bodies)[:5]}")
        if expected is not None and v2 not in expected:
            raise WalkError(f"expected {expected.start} to {expected.stop - 1} for v2, got {v2}")

    async def thousand(self, address: tuple[str, int], url: str, authority: str) -> Tally:
        """Send 1,000 requests, one after the other.

        With several at a time, least-request balancing sends fewer to whichever pod a busy
        machine runs slower, and shares say nothing about weights any more.
        """
        tally = Tally()
        await steady(tally, address, authority, rate=2000, limit=REQUESTS, connections=1, path=url)
        return tally

    async def before_the_route(self) -> None:
        """Step: the workloads run, nobody splits anything."""
        names = [p.name for p in sorted(self._source.glob("*.yaml"))]
        for name in names:
            if name not in {ROUTE_FILE, RULES_FILE}:
                shutil.copy(self._source / name, self._instance.manifests)
        self.say("Two Deployments (3 pods of v1, 2 of v2), three Services, a client; no route yet.")
        with_pods = 6

        def ready() -> bool:
            pods = self._instance.items("pods")
            conditions = [c for pod in pods for c in pod["status"]["conditions"]]
            up = sum(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
            return up == with_pods

        await self._instance.until("six pods ready", ready)
        proxy = self._instance.output(
            "exec", "-n", NAMESPACE, "client", "--", "printenv", "http_proxy"
        )
        host, _, port = proxy.strip().removeprefix("http://").rstrip("/").rpartition(":")
        self._proxy = (host, int(port))
        tally = await self.thousand(self._proxy, "http://backend/", "backend")
        self.count(tally, "1,000 requests to http://backend", SHARE_WITHOUT_ROUTE)
        click.echo("    The root Service selects both versions: 2 of 5 pods, 40 %.")

    async def with_the_route(self) -> None:
        """Step: the HTTPRoute splits 90/10."""
        self.say("HTTPRoute backend-split: 90 % backend-v1, 10 % backend-v2.")
        shutil.copy(self._source / ROUTE_FILE, self._instance.manifests)
        await self._instance.until("the route accepted", self._generation)
        shutil.copy(self._source / RULES_FILE, self._instance.manifests)
        self.say(f"What the document runs in the client pod: {DOCUMENT_LOOP}")
        text = self._instance.output(
            "exec", "-n", NAMESPACE, "client", "--", "sh", "-c", DOCUMENT_LOOP
        )
        lines = text.splitlines()
        click.echo("".join(f"    {line}\n" for line in lines), nl=False)
        known = {"hello from backend v1", "hello from backend v2"}
        if len(lines) != 20 or set(lines) - known:  # noqa: PLR2004 - as in the document
            raise WalkError(f"expected 20 answers of the two versions, got {lines}")
        self.total += len(lines)
        self.say("20 requests prove little; 1,000 do.")
        tally = await self.thousand(self._proxy, "http://backend/", "backend")
        self.share = tally.bodies[b"hello from backend v2\n"] / tally.total
        self.count(tally, "1,000 requests to http://backend", SHARE_WITH_ROUTE)

    def _generation(self) -> int:
        """The route's generation once every parent has it accepted, else 0."""
        route = self._instance.items("routes")[0]
        parents = route["status"]["parents"]
        generation = int(route["metadata"]["generation"])
        seen = {c["observedGeneration"] for parent in parents for c in parent["conditions"]}
        return generation if seen == {generation} and all(map(accepted, parents)) else 0

    async def described(self) -> None:
        """Step: what `istioctl x describe` shows in the document, and what it can't show."""
        self.say("fairlead describe service backend-v1")

        def described() -> bool:
            return "backend-v1-settings" in self._instance.output(
                "describe", "service", "backend-v1", "-n", NAMESPACE
            )

        await self._instance.until("the DestinationRule described", described)
        text = self._instance.output("describe", "service", "backend-v1", "-n", NAMESPACE)
        click.echo("".join(f"    {line}\n" for line in text.splitlines()), nl=False)
        for line in ("Service: backend-v1", "   Traffic Policy TLS Mode: ISTIO_MUTUAL"):
            if line not in text.splitlines():
                raise WalkError(f"`describe service backend-v1` lacks the line {line!r}")

    async def live(self) -> None:
        """Step: weights change under load; nothing fails, and each change takes effect."""
        self.say("Weights changed live, under 500 requests a second.")
        original = (self._source / ROUTE_FILE).read_text()
        tally, stop = Tally(), asyncio.Event()

        async def changes() -> None:
            try:
                for v1, v2 in ((50, 50), (0, 100), (100, 0), (90, 10)):
                    await self._change(weighted(original, v1, v2))
                    await self._observe(tally, v1, v2)
            finally:
                stop.set()

        load = steady(tally, self._proxy, "backend", rate=500, stop=stop, path="http://backend/")
        await asyncio.gather(load, changes())
        self.count(tally, f"{tally.total} requests while the weights changed", None)

    async def _change(self, text: str) -> None:
        before = self._generation()
        self._instance.write(ROUTE_FILE, text)
        await self._instance.until("the new weights", lambda: self._generation() > before)
        await asyncio.sleep(0.2)  # answers under way still have the old weights

    async def _observe(self, tally: Tally, v1: int, v2: int) -> None:
        before = tally.bodies.copy()
        await asyncio.sleep(1)
        seen = {body.decode().strip()[-2:]: n for body, n in (tally.bodies - before).items()}
        click.echo(f"    {v1}/{v2}: v1 {seen.get('v1', 0)}, v2 {seen.get('v2', 0)} in a second")
        for version, weight in (("v1", v1), ("v2", v2)):
            if (seen.get(version, 0) > 0) != (weight > 0):
                raise WalkError(f"{version} has weight {weight} and got {seen.get(version, 0)}")

    async def from_outside(self) -> None:
        """Step: the same route, with a Gateway as second parent."""
        self.say("The same route from outside: a Gateway, and one more parentRef on the route.")
        self._instance.write("7-gateway.yaml", GATEWAY % free_port())
        original = (self._source / ROUTE_FILE).read_text()
        await self._change(original.replace("parentRefs: [", "parentRefs: [{name: entrance}, ", 1))

        def programmed() -> bool:
            conditions = self._instance.items("gateways")[0]["status"]["conditions"]
            return ("Programmed", "True") in {(c["type"], c["status"]) for c in conditions}

        await self._instance.until("the Gateway programmed", programmed)
        text = self._instance.output("get", "gateways", "-n", NAMESPACE)
        click.echo("".join(f"    {line}\n" for line in text.splitlines()), nl=False)
        found = re.search(r"([\d.]+):(\d+)", text)
        if found is None:
            raise WalkError("`get gateways` shows no address")
        entrance = (found[1], int(found[2]))
        tally = await self.thousand(entrance, "/", "shop.example.com")
        self.count(tally, "1,000 requests through the Gateway", SHARE_AGAIN)
        tally = await self.thousand(self._proxy, "http://backend/", "backend")
        self.count(tally, "1,000 requests to http://backend", SHARE_AGAIN)

    async def walk(self) -> None:
        """All steps; raises WalkError at the first expectation that does not hold."""
        await self.before_the_route()
        await self.with_the_route()
        await self.described()
        await self.live()
        await self.from_outside()


def run(source: Path) -> int:
    """Walk through `source`; returns the exit code: 0 when every expectation held."""
    with tempfile.TemporaryDirectory(prefix="fairlead-demo-") as folder:
        instance = Instance(Path(folder))
        instance.manifests.mkdir()
        walk = Walk(instance, source)
        try:
            with instance.running():
                asyncio.run(walk.walk())
        except (WalkError, OSError) as failure:
            click.echo(f"\ndemo: failed: {failure}", err=True)
            return 1
        except KeyboardInterrupt:
            click.echo("\ndemo: interrupted", err=True)
            return 130
    click.echo(
        f"\ndemo: ok, {walk.share:.1%} of {REQUESTS} requests went to v2 (10 % asked), "
        f"{walk.failed} of {walk.total} requests failed"
    )
    return 0


@click.command(
    cls=Command,
    examples=("fairlead demo", "fairlead demo ./my-copy-of/examples/canary"),
    short_help="Walk through a canary rollout with real traffic.",
)
@click.argument(
    "directory",
    default="examples/canary",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
def demo(directory: Path) -> None:
    """Walk through the canary rollout of DIRECTORY (default: examples/canary of the checkout).

    Runs the manifests as they are, sends traffic, changes weights live, attaches the same route to
    a Gateway, checks every expectation, and cleans up. Exits with 0 only if all of them held.
    """
    sys.exit(run(directory))
