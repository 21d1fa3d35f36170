"""What every configuration has around its Gateway and routes: Services, pods, certificates, faults.

Nothing here changes while configurations do, so that Envoy keeps its clusters.
"""

import os
from dataclasses import dataclass
from functools import cache

import yaml

from fairlead import api
from fairlead.ir.workload import Workload
from support.certificates import CA, tls_secret

OFFSET = 20000
"""Added to privileged ports where they are bound."""
OUTBOUND = 15001
"""Port of a pod's outbound listener."""

SERVICES = {
    ("default", "v1"): {80: "", 8080: "kubernetes.io/h2c"},
    ("default", "v2"): {80: ""},
    ("default", "v3"): {80: "", 8080: ""},
    ("default", "empty"): {80: ""},
    ("b", "v2"): {80: "", 8080: "kubernetes.io/h2c"},
    ("b", "w1"): {80: ""},
}
"""Protocol by port; `empty` has no endpoint."""
CLIENTS = (("default", "client"), ("b", "client"))


@dataclass(frozen=True)
class Loopback:
    """Addresses that only this process uses, so that several may run at a time."""

    base: str = f"127.{100 + os.getpid() // 250 % 100}.{os.getpid() % 250 + 1}"

    @property
    def gateway(self) -> str:
        return f"{self.base}.1"

    @property
    def echo(self) -> str:
        return f"{self.base}.2"

    def pod(self, index: int) -> str:
        return f"{self.base}.{10 + index}"

    def workloads(self) -> list[Workload]:
        """The pods that call."""
        return [
            Workload(*key, labels=(("app", "client"),), ip=self.pod(index), ready=True)
            for index, key in enumerate(CLIENTS)
        ]


def ports() -> dict[tuple[str, str, int], int]:
    """Where the echo of each Service port listens."""
    found = [(*key, port) for key, each in SERVICES.items() for port in each]
    return {key: 9000 + index for index, key in enumerate(found)}


@cache
def objects(address: str) -> tuple[api.Object, ...]:
    """The objects; endpoints are at `address`."""
    text = "---\n".join(
        (FIXED, tls_secret("cert", CA("ca").issue(dns=["a.example"])), *_all(address))
    )
    decoded = api.decode(text)
    assert not decoded.problems, decoded.problems
    return decoded.objects


def _all(address: str):
    for (namespace, name), each in SERVICES.items():
        yield _service(namespace, name, each)
        if name != "empty":
            yield _slice(namespace, name, each, address)
    for namespace, name in CLIENTS:
        yield yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": namespace, "labels": {"app": "client"}},
                "spec": {"containers": [{"name": "curl", "image": "curlimages/curl"}]},
            }
        )


def _service(namespace: str, name: str, each: dict[int, str]) -> str:
    listed = [
        {"name": f"p{port}", "port": port, **({"appProtocol": kind} if kind else {})}
        for port, kind in each.items()
    ]
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"ports": listed},
        }
    )


def _slice(namespace: str, name: str, each: dict[int, str], address: str) -> str:
    bound = ports()
    return yaml.safe_dump(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {"kubernetes.io/service-name": name},
            },
            "addressType": "IPv4",
            "ports": [{"name": f"p{port}", "port": bound[namespace, name, port]} for port in each],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        }
    )


FIXED = """\
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {team: a}}
---
apiVersion: v1
kind: Namespace
metadata: {name: b, labels: {team: b}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: v2, namespace: b}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}]
  to: [{group: "", kind: Service, name: v2}]
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: broken, namespace: default}
spec: {until: "2999-01-01T00:00:00Z", abort: {status: 418, percent: 100}}
---
apiVersion: fairlead.dev/v1alpha1
kind: FaultInjection
metadata: {name: broken, namespace: b}
spec: {until: "2999-01-01T00:00:00Z", abort: {grpcStatus: 9, percent: 100}}
"""
