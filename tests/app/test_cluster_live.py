"""What is told of proxies in a cluster: their pods here, and what other replicas publish."""

from datetime import UTC, datetime

import msgspec
import pytest
import yaml

from fairlead import api
from fairlead.ads.sync_state import ProxyState
from fairlead.app.cluster_live import ClusterFacts
from fairlead.app.cluster_reading import translated
from fairlead.app.replicas import Replicas
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.providers.batch import Batch, ObjectChange
from fairlead.providers.kube.listing import Listing

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
MANIFESTS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: fairlead.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: a}
spec:
  gatewayClassName: ours
  listeners: [{name: http, port: 80, protocol: HTTP}]
"""
EDGE = "gateway/a/edge"


class Ads:
    def __init__(self, *states):
        self.states = states

    def sync_state(self):
        return self.states


class Told(Replicas):
    """Replicas that know of one proxy: this one, called `here`, and others."""

    def __init__(self, own, others):
        super().__init__(None, "infra", ("here", ""), lambda _proxy: None)
        self._own = {EDGE: own} if own is not None else {}
        for name, status in others.items():
            data = {"proxies": msgspec.json.encode([status]).decode()}
            key = "infra", f"fairlead-replica-{name}"
            self._on_config_map(key, msgspec.json.encode({"data": data}))


def state(pod, *, connected=True, synced=True):
    return ProxyState(EDGE, connected, synced, 2.0, (), (), instance=pod)


def proxies(ads, own=None, **others):
    """Facts of proxies by name; `own` and `others` are what replicas have been told."""
    written = [api.decode(each).objects[0] for each in yaml.safe_load_all(MANIFESTS)]
    changes = tuple(ObjectChange(each.kind, each.key, each) for each in written)
    pipeline = translated(Listing(Batch(changes), (), {}, ()), lambda: NOW)
    return ClusterFacts(pipeline, None, ads, Told(own, others)).proxies()


def told(*listeners, **facts):
    return ProxyStatus(EDGE, connected=True, listeners=listeners, **facts)


def test_every_pod_that_is_connected_here_is_named():
    ads = Ads(state("edge-1"), state("edge-2", synced=False), state("gone", connected=False))
    found = proxies(ads, told("http-80"))[EDGE]
    assert [(pod.name, pod.replica, pod.synced) for pod in found.instances] == [
        ("edge-1", "here", True),
        ("edge-2", "here", False),
    ]
    assert (found.connected, found.synced, found.last_ack) == (True, False, 2.0)


@pytest.mark.parametrize(("held", "synced"), [(("http-80",), True), ((), False)])
def test_of_pods_elsewhere_it_is_told_at_which_replica_they_are(held, synced):
    found = proxies(Ads(), None, there=told(*held))[EDGE]
    assert [(pod.name, pod.replica, pod.synced) for pod in found.instances] == [
        ("", "there", synced)
    ]
    assert (found.connected, found.synced) == (True, synced)


def test_a_proxy_that_nobody_serves_is_not_synced():
    found = proxies(Ads())[EDGE]
    assert (found.connected, found.synced, found.instances) == (False, False, ())
