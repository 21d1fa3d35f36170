"""What the control plane and a Gateway's proxies use: by their metrics, the kubelet, and /proc."""

import contextlib
import dataclasses
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from cluster import faults, installation
from cluster.api import Cluster
from cluster.scene import Scene

MIB = 2**20
PROXY_PORT = 15021
"""Where a proxy's pod tells its metrics."""


@dataclasses.dataclass(slots=True)
class Samples:
    """The control plane's replicas over some time."""

    memory: dict[str, list[float]] = dataclasses.field(default_factory=dict[str, list[float]])
    """By pod: resident MiB, once a second."""
    processor: dict[str, list[tuple[float, float]]] = dataclasses.field(
        default_factory=dict[str, list[tuple[float, float]]]
    )
    """By pod: monotonic seconds, processor seconds used so far."""

    def most_memory(self) -> float:
        """MiB of the largest replica at its largest."""
        return max(max(values) for values in self.memory.values())

    def cores(self) -> float:
        """Of the busiest replica, on average."""
        return max(
            (values[-1][1] - values[0][1]) / (values[-1][0] - values[0][0])
            for values in self.processor.values()
            if len(values) > 1
        )

    def growth(self) -> float:
        """Share by which a replica's memory at the end exceeds that after a third, at most."""
        ratios = [0.0]
        for values in self.memory.values():
            third = max(1, len(values) // 3)
            early, late = values[third : 2 * third], values[-third:]
            if early:
                ratios.append(sorted(late)[len(late) // 2] / sorted(early)[len(early) // 2] - 1)
        return max(ratios)


@contextlib.contextmanager
def sampled(cluster: Cluster) -> Iterator[Samples]:
    """Read the control plane's metrics once a second as long as the context lasts."""
    samples, stop = Samples(), threading.Event()

    def read() -> None:
        while True:
            with contextlib.suppress(OSError):
                for pod, values in installation.metrics(cluster).items():
                    memory = values["process_resident_memory_bytes"] / MIB
                    samples.memory.setdefault(pod, []).append(memory)
                    used = (time.monotonic(), values["process_cpu_seconds_total"])
                    samples.processor.setdefault(pod, []).append(used)
            if stop.wait(1):
                return

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()


def series(scene: Scene) -> int:
    """How many time series the proxy tells that has most."""
    counts: list[int] = []
    for pod in scene.owned("Pod"):
        url = f"http://{pod['status']['podIP']}:{PROXY_PORT}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            lines = answer.read().splitlines()
        counts.append(sum(bool(line) and not line.startswith(b"#") for line in lines))
    return max(counts)


def pod_memory(scene: Scene) -> float:
    """MiB of the largest working set of a proxy's pod, its agent included, as the kubelet tells it.

    That is what `kubectl top` shows and what gateway-api-bench takes
    (``container_memory_working_set_bytes`` of the pod): all but file pages that are not in use.
    """
    found: list[float] = []
    for pod in scene.owned("Pod"):
        path = f"/api/v1/nodes/{pod['spec']['nodeName']}/proxy/stats/summary"
        uid = pod["metadata"]["uid"]
        told = scene.cluster.request("GET", path)["pods"]
        found += [
            each["memory"]["workingSetBytes"] / MIB for each in told if each["podRef"]["uid"] == uid
        ]
    return max(found)


def envoy_memory(scene: Scene, field: str = "VmRSS") -> float:
    """MiB of the largest Envoy, by a field of its status; raises NotHereError if it isn't here."""
    agents = set(faults.processes(scene.owned("Pod")))
    return max(
        _resident(int(folder.name), field)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and _parent(folder) in agents
    )


def _parent(process: Path) -> int:
    """The process that started another, 0 if that has ended."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def peak_memory(cluster: Cluster) -> float:
    """MiB of the control plane's largest process at its largest; raises NotHereError."""
    pids = faults.processes(installation.pods(cluster))
    return max(_resident(pid, "VmHWM") for pid in pids)


def _resident(pid: int, field: str = "VmRSS") -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return 0.0
