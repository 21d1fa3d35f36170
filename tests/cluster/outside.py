"""A control plane that runs outside of the cluster, as a process of the test, for a class of its
own: so a test can put something between it and the API server, and stop and start it."""

import contextlib
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

from cluster import faults, installation
from cluster.api import Cluster, wait_for

READY_SECONDS = 90
STOP_SECONDS = 20


class OutsideController:
    """One replica in a namespace of its own, serving the GatewayClass that has its name.

    Args:
        cluster: Where the class and the Gateways are.
        namespace: Of its Lease and its certificate; also its name.
        kubeconfig: How it reaches the API server.
        folder: For its log.
        options: Of `fairlead controller`, added to those that it needs.
    """

    def __init__(
        self, cluster: Cluster, namespace: str, kubeconfig: Path, folder: Path, *options: str
    ) -> None:
        self.name = namespace
        self._kubeconfig = kubeconfig
        self._options = options
        self.log = folder / "controller.log"
        self._address = _address_towards(faults.api_servers(cluster)[0][0])
        self._ports = _free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None
        self._cluster = cluster
        cluster.apply(
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "GatewayClass",
                "metadata": {"name": self.name},
                "spec": {"controllerName": f"fairlead.dev/{self.name}"},
            }
        )

    def start(self) -> None:
        """Start it, without waiting for anything."""
        xds, health, api = self._ports
        command = [
            *(installation.FAIRLEAD, "controller", "--kubeconfig", self._kubeconfig),
            *("--namespace", self.name, "--pod", "outside-0"),
            *("--controller-name", f"fairlead.dev/{self.name}", "--image", installation.image()),
            *("--xds-address", f"{self._address}:{xds}", "--xds-port", str(xds)),
            *("--health-port", str(health), "--api-port", str(api)),
            *self._options,
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def ready(self) -> bool:
        """Whether it says that it is ready; raises RuntimeError if it has ended."""
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"the controller ended:\n{self.log.read_text()[-4000:]}")
        url = f"http://127.0.0.1:{self._ports[1]}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except OSError:  # refused, or 503
            return False

    def until_ready(self) -> None:
        """Wait until it is ready."""
        wait_for(self.ready, "the controller to be ready", READY_SECONDS)

    def kill(self) -> None:
        """End it without notice."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End it, and remove its class."""
        self._end(signal.SIGTERM)
        self._cluster.delete("GatewayClass", self.name)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.send_signal(number)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def _address_towards(address: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return str(probe.getsockname()[0])


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in probes:
            each.bind(("", 0))
        return [int(each.getsockname()[1]) for each in probes]
