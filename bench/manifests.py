"""Manifests of the benchmarks: plain objects, written as JSON files that `fairlead run` reads."""

import json
from pathlib import Path
from typing import Any

Object = dict[str, Any]
ADDRESS = "127.0.0.88"
"""Where the Gateway of the benchmarks answers."""


def gateway(port: int = 80) -> Object:
    """A Gateway with one HTTP listener that takes routes of all namespaces."""
    routes = {"namespaces": {"from": "All"}}
    listener = {"name": "http", "protocol": "HTTP", "port": port, "allowedRoutes": routes}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "bench", "namespace": "default"},
        "spec": {
            "gatewayClassName": "fairlead",
            "addresses": [{"type": "IPAddress", "value": ADDRESS}],
            "listeners": [listener],
        },
    }


def service(name: str, upstream: tuple[str, int]) -> list[Object]:
    """A Service without selector, and the EndpointSlice that points it at `upstream`."""
    address, port = upstream
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"ports": [{"name": "http", "port": 80, "targetPort": port}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{name}-1",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": name},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        },
    ]


def route(name: str, host: str, target: str, other: str | None = None) -> Object:
    """An HTTPRoute with a host of its own and two rules."""
    match = {
        "path": {"type": "PathPrefix", "value": "/api"},
        "headers": [{"name": "x-version", "value": "next"}],
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "parentRefs": [{"name": "bench"}],
            "hostnames": [host],
            "rules": [
                {"matches": [match], "backendRefs": [{"name": other or target, "port": 80}]},
                {"backendRefs": [{"name": target, "port": 80}]},
            ],
        },
    }


def host(number: int) -> str:
    """A host name as real ones look: some letters, some digits, a shared suffix."""
    words = ("shop", "mail", "api", "billing", "www", "search", "grafana", "preview")
    return f"{words[number % len(words)]}-{number:05d}.team{number % 37}.example.com"


def write(folder: Path, name: str, *objects: Object) -> None:
    """Write objects into one file, whole, by rename, as an editor or `git` would."""
    target = folder / f"{name}.yaml"
    draft = folder / f".{name}.draft"
    draft.write_text("\n---\n".join(map(json.dumps, objects)))
    draft.replace(target)
