"""What the tests do to the control plane's pods, from the machine that the lab runs on.

The lab's nodes are network namespaces and its pods' processes are processes of the machine, so
a test can freeze one, or cut its way to the API server, which no cluster offers by its API.
"""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from cluster.api import Cluster, Object

TABLE = "inet fairlead_test"


class NotHereError(Exception):
    """The cluster's nodes are not on this machine."""


def processes(pods: Iterable[Object]) -> list[int]:
    """The processes of some pods of ours; raises NotHereError if a pod has none here."""
    wanted = {f"POD_NAME={pod['metadata']['name']}".encode() for pod in pods}
    found: list[int] = []
    seen: set[bytes] = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            variables = set((folder / "environ").read_bytes().split(b"\0"))
            if mine := variables & wanted:
                seen |= mine
                found.append(int(folder.name))
    if not found or seen != wanted:
        raise NotHereError("the pods' processes do not run on this machine, as they do in the lab")
    return found


@contextlib.contextmanager
def frozen(pods: Iterable[Object]) -> Iterator[None]:
    """Stop the processes of some pods (SIGSTOP), and let them go on at the end."""
    found = processes(pods)
    for each in found:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


def api_servers(cluster: Cluster) -> list[tuple[str, int]]:
    """The addresses that the Service `kubernetes` stands for."""
    slices = cluster.list("EndpointSlice", "default", labelSelector="kubernetes.io/service-name")
    ours = [
        each
        for each in slices
        if each["metadata"]["labels"]["kubernetes.io/service-name"] == "kubernetes"
    ]
    return [
        (address, each["ports"][0]["port"])
        for each in ours
        for endpoint in each["endpoints"]
        for address in endpoint["addresses"]
    ]


@contextlib.contextmanager
def cut_off(cluster: Cluster, pods: Iterable[Object], *, silently: bool = True) -> Iterator[None]:
    """Let no packet pass between some pods and the API server: dropped, or answered by a reset.

    Raises NotHereError if the API server's address is not one of this machine.
    """
    sources = ", ".join(pod["status"]["podIP"] for pod in pods)
    verdict = "drop" if silently else "reject with tcp reset"
    there = ["type filter hook input priority -10;"]
    back = ["type filter hook output priority -10;"]
    for address, port in api_servers(cluster):
        _need_own(address)
        there.append(f"ip saddr {{ {sources} }} ip daddr {address} tcp dport {port} {verdict}")
        # What a watch has to tell would still arrive, though nobody could say so.
        back.append(f"ip saddr {address} tcp sport {port} ip daddr {{ {sources} }} drop")
    try:
        _nft(f"table {TABLE} {{", "chain there {", *there, "}", "chain back {", *back, "}", "}")
        yield
    finally:
        _nft(f"table {TABLE} {{}}", f"delete table {TABLE}")


def _need_own(address: str) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            raise NotHereError("the API server isn't on this machine, as the lab's is") from None


def _nft(*lines: str) -> None:
    text = "\n".join(lines) + "\n"
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)
