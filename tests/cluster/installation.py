"""Our control plane in the cluster, put there as users put it: by `fairlead install`."""

import contextlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from cluster.api import Cluster, Object, wait_for

FAIRLEAD = Path(sys.executable).with_name("fairlead")
NAMESPACE = "fairlead-system"
NAME = "fairlead"
LEASE = NAME
HEALTH_PORT = 15020
PROXY_LABEL = "gateway.networking.k8s.io/gateway-name"


def image() -> str:
    """The image under test; raises RuntimeError where none is named."""
    if name := os.environ.get("IMAGE"):
        return name
    raise RuntimeError("IMAGE is not set: run this with scripts/cluster.sh, as the Makefile does")


def fairlead(*arguments: str, check: bool = True) -> str:
    """What a command of ours prints on both outputs; raises RuntimeError with it if it fails."""
    done = subprocess.run(
        [FAIRLEAD, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if check and done.returncode:
        words = " ".join(("fairlead", *arguments))
        raise RuntimeError(f"`{words}` ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def install(*options: str) -> str:
    """Install or upgrade, and wait until it is ready."""
    return fairlead("install", "--image", image(), "--wait", *options)


def uninstall(*options: str) -> str:
    """Remove everything that `install` made."""
    return fairlead("uninstall", "--yes", *options)


def deployment(cluster: Cluster) -> Object | None:
    """The control plane's Deployment."""
    return cluster.find("Deployment", NAME, NAMESPACE)


def pods(cluster: Cluster) -> list[Object]:
    """The control plane's pods that run, oldest first."""
    running = [each for each in _pods(cluster) if "deletionTimestamp" not in each["metadata"]]
    return sorted(running, key=lambda each: each["metadata"]["creationTimestamp"])


def _pods(cluster: Cluster) -> list[Object]:
    """The control plane's pods, those that end as well."""
    found = deployment(cluster)
    if found is None:
        return []
    labels = found["spec"]["selector"]["matchLabels"].items()
    selector = ",".join(f"{name}={value}" for name, value in labels)
    return cluster.list("Pod", NAMESPACE, labelSelector=selector)


def scale(cluster: Cluster, replicas: int) -> None:
    """Run so many replicas; returns at once."""
    cluster.patch("Deployment", NAME, NAMESPACE, {"spec": {"replicas": replicas}})


@contextlib.contextmanager
def stopped(cluster: Cluster) -> Iterator[None]:
    """No replica of it runs in the context."""
    replicas = cluster.get("Deployment", NAME, NAMESPACE)["spec"]["replicas"]
    scale(cluster, 0)
    try:
        wait_for(lambda: not _pods(cluster), "the end of the control plane", 60)
        yield
    finally:
        scale(cluster, replicas)
        wait_for(lambda: rolled_out(cluster), "the control plane", 120)


def rolled_out(cluster: Cluster) -> bool:
    """Whether all of the Deployment's pods are of its latest template and ready."""
    found = deployment(cluster)
    return found is not None and complete(found, found["spec"]["replicas"])


def complete(found: Object, replicas: int) -> bool:
    """Whether a Deployment has so many pods, all of its latest template and ready."""
    status = found["status"]
    counts = [status.get(each, 0) for each in ("replicas", "updatedReplicas", "readyReplicas")]
    seen = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    return seen and counts == [replicas] * 3


def metrics(cluster: Cluster) -> dict[str, dict[str, float]]:
    """Values of the metrics without labels, by pod of the control plane that answers.

    The API server's word for a pod that has begun is older than the pod that ends.
    """
    found: dict[str, dict[str, float]] = {}
    for pod in pods(cluster):
        if not any(each.get("started") for each in pod["status"].get("containerStatuses", ())):
            continue
        url = f"http://{pod['status']['podIP']}:{HEALTH_PORT}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            continue
        pairs = (line.split() for line in lines if not line.startswith("#") and "{" not in line)
        found[pod["metadata"]["name"]] = {name: float(value) for name, value, *_ in pairs}
    return found
