"""The writer of status against a real API server: what schemas take, and who else writes there.

The writer runs in the test's own process, under a controller name of its own, with reports made
here; so every kind and every size of status is tried, whatever translation happens to tell today.
"""

import asyncio
import threading
from contextlib import asynccontextmanager

from cluster.api import ApiError, wait_for
from cluster.client import connected
from fairlead import api
from fairlead.providers.kube.provider import KubeProvider
from fairlead.providers.kube.references import Ours
from fairlead.status.cluster import ClusterStatus, recall
from fairlead.status.conditions import system_clock
from fairlead.status.events import EventRecorder
from fairlead.status.merge import MOST_ANCESTORS, MOST_PARENTS
from fairlead.status.store import StatusStore
from fairlead.translate.report import (
    AncestorReport,
    Condition,
    ListenerReport,
    ParentReport,
    Report,
)
from fairlead.translate.supported_features import SUPPORTED_FEATURES

NAME = "fairlead.dev/status-test"
THEIRS = "example.com/their-controller"
GROUP = "gateway.networking.k8s.io"
WAIT = 20.0
PAUSE = 1.2
"""Seconds in which a writer would have written; and times of conditions are another."""

PARENT = [{"name": "web"}]
TARGET = [{"group": "", "kind": "Service", "name": "shop"}]
LISTENERS = [{"name": f"l{index}", "port": 8000 + index, "protocol": "HTTP"} for index in range(64)]
SPECS = {
    "GatewayClass": (f"{GROUP}/v1", {"controllerName": NAME}),
    "Gateway": (f"{GROUP}/v1", {"gatewayClassName": "status-test", "listeners": LISTENERS}),
    "ListenerSet": (f"{GROUP}/v1", {"parentRef": {"name": "web"}, "listeners": LISTENERS[:3]}),
    "HTTPRoute": (f"{GROUP}/v1", {"parentRefs": PARENT}),
    "GRPCRoute": (f"{GROUP}/v1", {"parentRefs": PARENT}),
    "TLSRoute": (
        f"{GROUP}/v1",
        {
            "parentRefs": PARENT,
            "hostnames": ["shop.example.com"],
            "rules": [{"backendRefs": [{"name": "shop", "port": 443}]}],
        },
    ),
    "TCPRoute": (
        f"{GROUP}/v1",
        {"parentRefs": PARENT, "rules": [{"backendRefs": [{"name": "shop", "port": 80}]}]},
    ),
    "UDPRoute": (
        f"{GROUP}/v1",
        {"parentRefs": PARENT, "rules": [{"backendRefs": [{"name": "shop", "port": 80}]}]},
    ),
    "BackendTLSPolicy": (
        f"{GROUP}/v1",
        {
            "targetRefs": TARGET,
            "validation": {"hostname": "shop.example.com", "wellKnownCACertificates": "System"},
        },
    ),
    "XBackend": (
        "gateway.networking.x-k8s.io/v1alpha1",
        {
            "type": "ExternalHostname",
            "port": {"number": 80, "protocol": "HTTP"},
            "externalHostname": {"hostname": "shop.example.com"},
        },
    ),
    "XBackendTrafficPolicy": (
        "gateway.networking.x-k8s.io/v1alpha1",
        {"targetRefs": TARGET, "retryConstraint": {}},
    ),
    "XTelemetryPolicy": (
        "gateway.networking.x-k8s.io/v1alpha1",
        {
            "targetRefs": [{"group": GROUP, "kind": "Gateway", "name": "web"}],
            "tracing": {
                "mode": "Enabled",
                "provider": {"backendRef": {"name": "collector", "port": 4317}},
            },
        },
    ),
}
OWN_SPECS = {
    "LocalRateLimit": ("fairlead.dev/v1alpha1", {"requests": 5}),
    "FaultInjection": (
        "fairlead.dev/v1alpha1",
        {"abort": {"status": 503}, "until": "2099-01-01T00:00:00Z"},
    ),
}
CONDITIONS = ("Accepted", "Programmed", "ResolvedRefs", "AddressesAssigned")


def condition(kind="Accepted", status="True", reason="", message="words", generation=1):
    return Condition(kind, status, reason or kind, message, generation)


def conditions(status="True", generation=1):
    return tuple(
        condition(kind, status, message="x" * 40000, generation=generation) for kind in CONDITIONS
    )


def reference(index, kind="Gateway"):
    group = GROUP if kind == "Gateway" else ""
    return api.ParentReference(
        name=f"parent-{index}", group=group, kind=kind, section_name="web", port=80
    )


def full(kind, namespace, name, status="True", generation=1):
    """A report that tells as much as there is room for."""
    told = conditions(status, generation)
    report = {"kind": kind, "namespace": namespace, "name": name, "generation": generation}
    if kind in ("Gateway", "ListenerSet"):
        count = len(SPECS[kind][1]["listeners"])
        kinds = ((GROUP, "HTTPRoute"), (GROUP, "GRPCRoute"))
        own = told[:1]
        report["listeners"] = tuple(
            ListenerReport(f"l{index}", kinds, 1000, own) for index in range(count)
        )
        report["conditions"] = told
    if kind == "Gateway":
        report["addresses"] = (("IPAddress", "198.51.100.7"), ("Hostname", "shop.example.com"))
        report["attached_listener_sets"] = 3
    elif kind == "GatewayClass":
        report["conditions"] = (condition(status=status), condition("SupportedVersion"))
        report["features"] = SUPPORTED_FEATURES
    elif kind.endswith("Route"):
        report["parents"] = tuple(
            ParentReport(reference(index), told[:2]) for index in range(MOST_PARENTS + 1)
        )
    elif kind != "ListenerSet":
        report["ancestors"] = tuple(
            AncestorReport(reference(index, "Service"), told[:2]) for index in range(MOST_ANCESTORS)
        )
    return Report(**report)


class Writer:
    """The writer, as it runs in a leading replica."""

    def __init__(self, client, provider):
        clock = asyncio.get_running_loop().time
        self.provider = provider
        self.store = StatusStore(system_clock, controller_name=NAME, recall=recall(provider, NAME))
        self.events = EventRecorder(client, controller_name=NAME, instance="test", clock=clock)
        self.status = ClusterStatus(
            self.store, provider, client, controller_name=NAME, events=self.events, clock=clock
        )
        provider.on_status = self.status.live_changed

    def tell(self, report):
        key = (report.kind, report.namespace, report.name)
        self.store.update([(key, report)])
        self.status.touched([key])

    async def written(self, count):
        """Wait until that many writes have been made in all."""
        await until(lambda: self.status.counts.written >= count)

    async def comes_in(self, kind, key):
        """Wait until the provider knows an object."""
        await until(lambda: self.provider.live(kind, key) is not None)


async def until(check):
    """Look until it is so."""
    async with asyncio.timeout(WAIT):
        while not check():  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.02)


@asynccontextmanager
async def writer(*kinds):
    async with connected() as client, asyncio.TaskGroup() as tasks:
        chosen = tuple(api.KIND_OF[kind] for kind in kinds)
        provider = KubeProvider(client, Ours(NAME), kinds=chosen)
        made = Writer(client, provider)
        running = [tasks.create_task(provider.run())]
        await provider.load()
        made.status.lead(leading=True)
        running += [tasks.create_task(made.status.run()), tasks.create_task(made.events.run())]
        try:
            yield made
        finally:
            for task in running:
                task.cancel()


def make(cluster, kind, namespace, name="web"):
    version, spec = {**SPECS, **OWN_SPECS}[kind]
    metadata = {"name": name} | ({} if kind == "GatewayClass" else {"namespace": namespace})
    return cluster.create({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


def times(status):
    """Every lastTransitionTime in a status."""
    lists = [status, *status.get("listeners", []), *status.get("parents", [])]
    lists += status.get("ancestors", [])
    return {each["lastTransitionTime"] for one in lists for each in one.get("conditions", [])}


def owner(kind, namespace):
    """Namespace and name of the test's object of a kind."""
    return ("", namespace) if kind == "GatewayClass" else (namespace, "web")


async def tell_all(cluster, kinds, namespace):
    """Tell all there is, again from another writer, then the opposite; returns both statuses."""
    keys = {kind: owner(kind, namespace) for kind in kinds}
    async with writer(*kinds) as first:
        for kind, key in keys.items():
            first.tell(full(kind, *key))
        await first.written(len(keys))
        before = {kind: cluster.get(kind, *reversed(key)) for kind, key in keys.items()}
        await asyncio.sleep(PAUSE)
        assert (first.status.counts.written, first.status.counts.failed) == (len(keys), 0)
    async with writer(*kinds) as second:
        for kind, key in keys.items():
            second.tell(full(kind, *key))
        await asyncio.sleep(PAUSE)
        assert second.status.counts.written == 0
        for kind, key in keys.items():
            second.tell(full(kind, *key, "False"))
        await second.written(len(keys))
    return before, {kind: cluster.get(kind, *reversed(key)) for kind, key in keys.items()}


def check_all(cluster, kinds, namespace):
    try:
        for kind in kinds:
            make(cluster, kind, namespace, owner(kind, namespace)[1])
        told = asyncio.run(tell_all(cluster, kinds, namespace))
    finally:
        for kind in kinds:
            cluster.delete(kind, *reversed(owner(kind, namespace)))
    for kind in kinds:
        before, after = (each[kind] for each in told)
        assert max(times(before["status"])) < max(times(after["status"])), kind
        assert before["metadata"]["generation"] == after["metadata"]["generation"], kind


def test_schemas_take_as_much_as_we_ever_tell(cluster, namespace):
    check_all(cluster, SPECS, namespace)


def test_our_own_kinds_are_told_their_status(installed, namespace):
    """By the installed control plane: no name in the status says whose it is."""
    for kind in OWN_SPECS:
        made = make(installed, kind, namespace)

        def accepted(kind=kind):
            status = installed.get(kind, "web", namespace).get("status", {})
            return [each for each in status.get("conditions", []) if each["type"] == "Accepted"]

        (told,) = wait_for(accepted, f"status of {kind}")
        assert told["observedGeneration"] == made["metadata"]["generation"]


def route(namespace, status="True", generation=1):
    parents = (ParentReport(api.ParentReference(name="web"), (condition(status=status),)),)
    return Report("HTTPRoute", namespace, "web", generation, parents=parents)


def test_two_who_write_at_the_same_time_lose_nothing(cluster, namespace):
    """Another controller counts up in its entry as fast as it can while ours keeps turning."""
    make(cluster, "HTTPRoute", namespace)

    def theirs(stop):
        count = 0
        while not stop.is_set():
            live = cluster.get("HTTPRoute", "web", namespace)
            parents = live.get("status", {}).get("parents", [])
            others = [each for each in parents if each["controllerName"] != THEIRS]
            text = {"type": "Count", "status": "True", "reason": "Count", "message": str(count + 1),
                    "lastTransitionTime": "2020-01-02T03:04:05Z"}  # fmt: skip
            entry = {"parentRef": {"name": "theirs"}, "controllerName": THEIRS,
                     "conditions": [text]}  # fmt: skip
            version = live["metadata"]["resourceVersion"]
            body = {"metadata": {"resourceVersion": version},
                    "status": {"parents": [entry, *others]}}  # fmt: skip
            try:
                cluster.patch("HTTPRoute", "web", namespace, body, status=True)
            except ApiError as error:
                if error.code != 409:
                    raise
            else:
                count += 1
        return count

    async def scene():
        async with writer("HTTPRoute") as made:
            await made.comes_in("HTTPRoute", (namespace, "web"))
            stop = threading.Event()
            other = asyncio.ensure_future(asyncio.to_thread(theirs, stop))
            for number in range(11):
                made.tell(route(namespace, "False" if number % 2 else "True"))
                await made.written(number + 1)
            stop.set()
            return await other, made.status.counts

    count, counts = asyncio.run(scene())
    first, ours = cluster.get("HTTPRoute", "web", namespace)["status"]["parents"]
    assert first["conditions"][0]["message"] == str(count)
    assert ours["controllerName"] == NAME
    assert ours["conditions"][0]["status"] == "True"
    assert counts.failed == 0


def events_of(cluster, namespace):
    found = cluster.list("Event", namespace)
    return [each for each in found if each.get("reportingComponent") == NAME]


def test_owners_find_events_where_kubectl_shows_them(cluster, namespace):
    make(cluster, "HTTPRoute", namespace)

    async def scene():
        async with writer("HTTPRoute") as made:
            await made.comes_in("HTTPRoute", (namespace, "web"))
            for number in range(4):
                made.tell(route(namespace, "True" if number % 2 else "False"))
                await made.written(number + 1)
                await asyncio.sleep(2.5)

    asyncio.run(scene())
    warning, normal = sorted(
        events_of(cluster, namespace), key=lambda each: each["type"] != "Warning"
    )
    assert warning["reason"] == "Accepted"
    assert warning["message"] == "Gateway web: words"
    assert (
        warning["involvedObject"]["uid"]
        == cluster.get("HTTPRoute", "web", namespace)["metadata"]["uid"]
    )
    assert normal["type"] == "Normal"
    assert [each["series"]["count"] for each in (warning, normal)] == [2, 2]
    shown = cluster.kubectl("describe", "httproute", "web", "-n", namespace)
    assert "Gateway web: words" in shown
