"""`fairlead proxy` as a process of this machine, a control plane for it by TLS, and clients."""

import asyncio
import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ads.real_envoy import answer, changes, listener, routes
from fairlead.ads.access import Access, Identity, Refusal, RefusedError
from fairlead.ads.listening import KeyPair
from fairlead.ads.server import AdsServer
from support.certificates import CA
from support.http import send
from support.http1 import Http1
from support.ports import free_port

PROXY = "gateway/test/edge"
TOKEN = "token-of-edge"
SUBJECT = "system:serviceaccount:test:edge"
HOST = "a.example"


async def by_token(metadata):
    """Knows one token, of one service account."""
    if metadata.get("authorization") != f"Bearer {TOKEN}":
        raise RefusedError(Refusal.UNAUTHENTICATED, "unknown token")
    return Identity(SUBJECT)


ACCESS = Access(by_token, lambda proxy: SUBJECT if proxy == PROXY else "")


def key_pair(authority, name="fairlead"):
    issued = authority.issue(dns=[name])
    return KeyPair(issued.cert_pem.encode(), issued.key_pem.encode())


def site(port, status=200):
    """A listener that answers by itself."""
    return listener("edge", port, "edge"), routes("edge", {HOST: answer(status)})


class ControlPlane:
    """An `AdsServer` on TLS, at a port that stays."""

    def __init__(self, authority):
        self.authority = authority
        self.port = free_port()
        self.statuses = []
        self.server = None
        self.pair = key_pair(authority)

    async def start(self, *resources, serving=True):
        self.server = AdsServer(None, self.statuses.append, serving=serving)
        if resources:
            self.server.update(PROXY, changes(*resources))
        await self.server.start_tls(f"127.0.0.1:{self.port}", lambda: self.pair, ACCESS)

    async def stop(self):
        if self.server is not None:
            await self.server.stop()
            self.server = None

    async def synced(self, seconds=15):
        async with asyncio.timeout(seconds):
            await self.server.wait_synced(PROXY)


class PlaneProcess:
    """A control plane as a process, at the port of `plane`."""

    def __init__(self, folder, plane):
        self.folder = folder
        self.plane = plane
        self.process = None
        (folder / "tls.crt").write_bytes(plane.pair.certificates)
        (folder / "tls.key").write_bytes(plane.pair.key)

    async def start(self, listener_port, status=200):
        arguments = [self.plane.port, listener_port, status]
        arguments += [self.folder / "tls.crt", self.folder / "tls.key"]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "support.control_plane_process",
            *map(str, arguments),
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
        assert await self.process.stdout.readline() == b"serving\n"

    async def kill(self):
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


class ProxyPod:
    """The process, with the files that a pod has mounted."""

    def __init__(self, folder, authority, xds_port, name="edge-1"):
        self.folder = folder
        self.name = name
        self.xds_port = xds_port
        self.health = free_port()
        self.process = None
        self.token = folder / "token"
        self.ca = folder / "ca.crt"
        self.snapshot = folder / "snapshot"
        self.log = folder / "log"
        self.token.write_text(TOKEN)
        self.ca.write_text(authority.cert_pem)

    async def start(self, drain=10):
        options = {
            "proxy": PROXY,
            "pod": self.name,
            "xds": f"127.0.0.1:{self.xds_port}",
            "token-file": self.token,
            "ca-file": self.ca,
            "snapshot-file": self.snapshot,
            "runtime-dir": self.folder / "run",
            "health-port": self.health,
            "drain-seconds": drain,
            "concurrency": 1,
            "log-level": "info",
        }
        command = [sys.executable, "-m", "fairlead.cli", "proxy"]
        for option, value in options.items():
            command += [f"--{option}", str(value)]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)

    async def stop(self):
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
            await self.process.wait()

    async def ask(self, path):
        """Status of a page for the kubelet; 0 if nobody answers."""
        try:
            return (await asyncio.to_thread(send, ("127.0.0.1", self.health), path)).status
        except OSError:
            return 0

    async def page(self, path):
        return (await asyncio.to_thread(send, ("127.0.0.1", self.health), path)).body

    async def until(self, path, status, seconds=15):
        async with asyncio.timeout(seconds):
            while True:
                if await self.ask(path) == status:
                    return
                await asyncio.sleep(0.02)

    async def ready(self, seconds=15):
        await self.until("/ready", 200, seconds)

    async def said(self, words, seconds=15):
        """Wait for words in the log."""
        async with asyncio.timeout(seconds):
            while True:
                if words in self.log.read_text():
                    return
                await asyncio.sleep(0.02)

    async def told(self, line, seconds=15):
        """Wait for a line among the metrics."""
        async with asyncio.timeout(seconds):
            while True:
                if line in (await self.page("/metrics")).splitlines():
                    return
                await asyncio.sleep(0.02)

    def envoys(self):
        """Process ids of the Envoys that it runs."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [
            int(pid)
            for pid in found.split()
            if Path(f"/proc/{pid}/comm").read_text().startswith("envoy")
        ]


@contextlib.asynccontextmanager
async def scene(*resources, serving=True):
    """A control plane that runs, and a pod that does not yet."""
    authority = CA("authority of fairlead")
    with tempfile.TemporaryDirectory(prefix="fl-") as name:
        plane = ControlPlane(authority)
        pod = ProxyPod(Path(name), authority, plane.port)
        try:
            if resources:
                await plane.start(*resources, serving=serving)
            yield plane, pod
        except BaseException:
            if pod.log.exists():
                print(pod.log.read_text()[-4000:])  # noqa: T201 - pytest shows it
            raise
        finally:
            await pod.stop()
            await plane.stop()


@dataclass
class Load:
    """Clients that keep their connections and ask all the time."""

    ports: Sequence[int]
    """Where new connections go, one after the other; may be changed meanwhile."""
    clients: int = 4
    pause: float = 0.02
    """Seconds between two requests of a client."""
    answers: int = 0
    errors: list[str] = field(default_factory=list)
    ended: int = 0
    """Connections that the server has asked to leave."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self):
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(self.clients)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    async def asked(self, number, seconds=20):
        """Wait until so many more requests are answered."""
        until = self.answers + number
        async with asyncio.timeout(seconds):
            while True:
                if self.answers >= until:
                    return
                await asyncio.sleep(0.01)

    def _connection(self, number):
        ports = self.ports
        return Http1(("127.0.0.1", ports[number % len(ports)]), seconds=5)

    def _run(self, number):
        connection = self._connection(number)
        request = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        while not self._stop.is_set():
            try:
                found = connection.ask(request)
            except OSError as error:
                self.errors.append(repr(error))
                connection.close()
                self._stop.wait(0.1)
                continue
            if found.status in (200, 203):
                self.answers += 1
            else:
                self.errors.append(f"status {found.status}")
            if b"connection: close" in found.head.lower():
                self.ended += 1
                connection = self._connection(number)
            self._stop.wait(self.pause)
        connection.close()


async def until_status(port, status, seconds=15):
    """Wait until a GET is answered so."""
    async with asyncio.timeout(seconds):
        while True:
            if await get(port) == status:
                return
            await asyncio.sleep(0.02)


async def get(port, host=HOST):
    """Status of a GET; 0 for a connection that fails."""
    try:
        return (await asyncio.to_thread(send, ("127.0.0.1", port), "/", host)).status
    except OSError:
        return 0
