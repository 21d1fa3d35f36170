"""2,500 ListenerSets with a certificate each and 40,000 routes on one Gateway: load and memory.

The hand-written configuration has the same 2,500 filter chains, each with its own certificate and
its own route table of 16 prefixes.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import baseline, manifests, processes, tls
from bench.figure import Figure

NAMESPACES = 50
SETS = 50
"""In each namespace."""
ROUTES = 16
"""For each set."""
PORT = 8443
EVERY = 100
CHAIN = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


def _names() -> list[tuple[str, str]]:
    """(namespace, set) of all."""
    return [(f"team-{team}", f"app-{app}") for team in range(NAMESPACES) for app in range(SETS)]


def _host(namespace: str, name: str) -> str:
    return f"{name}.{namespace}.example.com"


def _gateway() -> manifests.Object:
    made = manifests.gateway()
    made["spec"]["allowedListeners"] = {"namespaces": {"from": "All"}}
    return made


def _set(namespace: str, name: str) -> manifests.Object:
    listener = {
        "name": "https",
        "protocol": "HTTPS",
        "port": PORT,
        "hostname": _host(namespace, name),
        "tls": {"certificateRefs": [{"name": name}]},
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "ListenerSet",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"parentRef": {"name": "bench", "namespace": "default"}, "listeners": [listener]},
    }


def _route(namespace: str, name: str, number: int) -> manifests.Object:
    made = manifests.route(f"{name}-{number}", _host(namespace, name), "backend")
    made["metadata"]["namespace"] = namespace
    made["spec"]["parentRefs"] = [{"kind": "ListenerSet", "name": name}]
    match = {"path": {"type": "PathPrefix", "value": f"/part-{number}"}}
    made["spec"]["rules"] = [{"matches": [match], "backendRefs": [{"name": "backend", "port": 80}]}]
    return made


def _write(
    folder: Path, upstream: tuple[str, int], pairs: dict[tuple[str, str], tuple[str, str]]
) -> None:
    manifests.write(folder, "gateway", _gateway())
    for team in range(NAMESPACES):
        namespace = f"team-{team}"
        objects: list[manifests.Object] = []
        for each in manifests.service("backend", upstream):
            each["metadata"]["namespace"] = namespace
            objects.append(each)
        for owner, name in _names():
            if owner == namespace:
                objects += [
                    tls.secret(name, pairs[owner, name], namespace),
                    _set(namespace, name),
                    *(_route(namespace, name, number) for number in range(ROUTES)),
                ]
        manifests.write(folder, namespace, *objects)


def _hand_written(
    address: tuple[str, int],
    upstream: tuple[str, int],
    pairs: dict[tuple[str, str], tuple[str, str]],
    admin: Path,
) -> dict[str, Any]:
    """The bootstrap that serves the same hosts without a control plane."""
    made = baseline.listener(address, [])
    chains: list[dict[str, Any]] = []
    for (namespace, name), (chain, key) in pairs.items():
        host = baseline.virtual_host(_host(namespace, name), namespace, namespace)
        forward = host["routes"][1]
        host["routes"] = [
            {**forward, "match": {"path_separated_prefix": f"/part-{number}"}}
            for number in range(ROUTES)
        ]
        one = baseline.listener(address, [host])["filter_chains"][0]
        context = {
            "@type": CHAIN,
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificates": [
                    {
                        "certificate_chain": {"inline_string": chain},
                        "private_key": {"inline_string": key},
                    }
                ],
            },
        }
        one["filter_chain_match"] = {"server_names": [_host(namespace, name)]}
        one["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": context,
        }
        chains.append(one)
    made["filter_chains"] = chains
    inspector = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
    made["listener_filters"] = [
        {
            "name": "envoy.filters.listener.tls_inspector",
            "typed_config": {"@type": f"type.googleapis.com/{inspector}"},
        }
    ]
    clusters = [baseline.cluster(f"team-{team}", upstream) for team in range(NAMESPACES)]
    return baseline.bootstrap([made], clusters, admin)


def run() -> Iterator[Figure]:
    """Yield seconds until serving, MiB of the control plane, and the Envoy's memory ratio."""
    upstream = ("127.0.0.1", processes.free_port())
    hand = ("127.0.0.1", processes.free_port())
    pairs = {each: tls.certificate(_host(*each)) for each in _names()}
    asked = list(pairs)[::EVERY]
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name:
        folder = Path(name)
        config = folder / "manifests"
        config.mkdir()
        _write(config, upstream, pairs)
        back = baseline.bootstrap([baseline.upstream(upstream)], [], folder / "u.sock")
        front = _hand_written(hand, upstream, pairs, folder / "h.sock")
        with processes.envoy(back, folder, upstream):
            with processes.envoy(front, folder, hand) as hand_pid:
                for each in asked:
                    _serves(hand, _host(*each), 30)
                hand_memory = processes.resident(hand_pid)
            started = time.monotonic()
            with processes.fairlead(config) as ours:
                for each in asked:
                    _serves(ours.address(PORT), _host(*each), 300)
                yield Figure("listener_sets.serving", time.monotonic() - started, "s")
                memory = processes.resident(ours.process.pid)
                yield Figure("listener_sets.control_plane_memory", memory, "MiB")
                envoy = processes.resident(ours.gateway_pid())
                yield Figure("listener_sets.envoy_memory", envoy, "MiB")
                yield Figure(
                    "listener_sets.envoy_memory.ratio", envoy / hand_memory, "x hand-written"
                )


def _serves(address: tuple[str, int], host: str, seconds: float) -> None:
    last = f"/part-{ROUTES - 1}"
    processes.wait_for(
        lambda: tls.status(address, host, last) == 200, seconds, f"{host}{last}", pause=0.02
    )
