"""The processes that a benchmark starts: Envoys with hand-written configuration, and ours."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import baseline, manifests
from fairlead.cli import demo
from fairlead.cli.client import Client
from fairlead.dataplane.envoy import find_envoy

PRIVILEGED = 1024
"""Ports below it are shifted."""
FAIRLEAD = Path(sys.executable).with_name("fairlead")

free_port = demo.free_port


def resident(pid: int) -> float:
    """Resident memory of a process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(check: Callable[[], object], seconds: float, what: str, pause: float = 0.005) -> None:
    """Poll until `check()` is true; raises TimeoutError that names `what`."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(pause)


def answers(address: tuple[str, int]) -> bool:
    """Whether somebody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
        return True
    return False


@contextlib.contextmanager
def envoy(config: dict[str, Any], folder: Path, listens: tuple[str, int]) -> Iterator[int]:
    """Run an Envoy on a static configuration; yields its pid."""
    path = baseline.write(folder / f"{listens[1]}.json", config)
    command = [str(find_envoy()), "-c", str(path), "--disable-hot-restart"]
    command += ["--concurrency", "2", "--log-level", "error"]
    with (folder / f"{listens[1]}.log").open("wb") as log:
        # In a session of its own, as ours are: the kernel shares the processors among sessions.
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(lambda: answers(listens), 60, "hand-written Envoy")
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


class Instance:
    """A running `fairlead run`."""

    def __init__(self, process: subprocess.Popen[bytes], state: Path, offset: int) -> None:
        self.process = process
        self._state = state
        self._offset = offset

    def address(self, port: int) -> tuple[str, int]:
        """Where the only Gateway answers for a listener's port."""
        return manifests.ADDRESS, port if port >= PRIVILEGED else port + self._offset

    def get(self, what: str) -> list[dict[str, Any]]:
        """Items of `fairlead get WHAT -A -o json`."""
        command = [FAIRLEAD, "get", what, "-A", "-o", "json", "--state-dir", self._state]
        answer = subprocess.check_output(command, stderr=subprocess.DEVNULL)
        return list(json.loads(answer)["items"])

    def received(self, kind: str) -> dict[str, float]:
        """When the provider reported the last change of each object, on the monotonic clock."""
        receipts = Client(self._state).get("debug", "receipts")["receipts"]
        return {each["name"]: each["received"] for each in receipts if each["kind"] == kind}

    def gateway_pid(self) -> int:
        """Process id of the only Gateway's Envoy."""
        states = [proxy["status"] for proxy in self.get("proxies")]
        return next(int(each["pid"]) for each in states if each["kind"] == "gateway")


@contextlib.contextmanager
def fairlead(*paths: Path, offset: int = 20000) -> Iterator[Instance]:
    """Run our own control plane on manifests; it is stopped as Ctrl-C would."""
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        state = Path(folder)
        command = [FAIRLEAD, "run", *paths, "--state-dir", state, "--port-offset", str(offset)]
        with (state / "run.log").open("wb") as log:
            process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
        try:
            yield Instance(process, state, offset)
        except BaseException:
            sys.stderr.write((state / "run.log").read_text()[-4000:])
            raise
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


@contextlib.contextmanager
def serving(*paths: Path) -> Iterator[Instance]:
    """Run our own control plane and wait until its Gateway accepts connections on port 80."""
    with fairlead(*paths) as instance:
        wait_for(lambda: _programmed(instance), 60, "the Gateway", pause=0.1)
        yield instance


def _programmed(instance: Instance) -> bool:
    try:
        conditions = instance.get("gateways")[0]["status"]["conditions"]
        proxies = instance.get("proxies")
    except (subprocess.CalledProcessError, IndexError, KeyError):
        return False
    programmed = {"type": "Programmed", "status": "True"}
    return any(programmed.items() <= each.items() for each in conditions) and all(
        proxy["status"]["synced"] for proxy in proxies
    )
