"""The fleet over a real socket: what is made, repaired, removed and told, and what is let alone."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from dataplane.kubernetes.applying_server import ApplyingServer, Refusal
from dataplane.kubernetes.makers import OURS, proxy
from fairlead.dataplane.kubernetes import fleet as fleet_module
from fairlead.dataplane.kubernetes import names
from fairlead.dataplane.kubernetes.fleet import KubeFleet, KubeFleetSettings
from fairlead.ir.infrastructure import AskedAddress, Deployment, Infrastructure
from fairlead.providers.kube import backoff
from fairlead.providers.kube.client import KubeClient
from support.api_server import until, without_credentials

NAME = "edge-fairlead"
KEY = ("infra", "edge")
SETTINGS = KubeFleetSettings("example/fairlead:1", "fairlead:15010", OURS)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Pauses between tries of a few milliseconds."""
    monkeypatch.setattr(backoff, "_FIRST", 0.001)
    monkeypatch.setattr(backoff, "_FACTOR", 1.0)
    monkeypatch.setattr(fleet_module, "QUIET", 0.05)


class Running:
    """A fleet that runs, and what it told."""

    def __init__(self, server, client):
        self.server = server
        self.addresses = {}
        self.infrastructure = {}
        self.fleet = KubeFleet(
            client, SETTINGS, self.addresses.__setitem__, self.infrastructure.__setitem__
        )

    def wants(self, *proxies):
        self.fleet.converge({each.name: each for each in proxies})

    async def lead(self):
        await self.fleet.synced()
        self.fleet.authorities("PEM")
        self.fleet.lead(leading=True)

    async def made(self, wanted):
        """Let there be what a proxy needs, and wait until it is there and was told."""
        self.wants(wanted)
        await until(lambda: ("deployments", NAME) in self.server.written.applied)
        await until(lambda: self.addresses.get(KEY) is not None and not self.fleet.busy)
        self.server.written.applied.clear()

    async def ready(self):
        """Let a pod become ready, and wait until that was told and acted upon."""
        deployment = self.server.get("deployments", NAME)
        self.server.put("deployments", {**deployment, "status": {"readyReplicas": 1}})
        await until(lambda: self.told.ready and not self.fleet.busy)

    @property
    def told(self):
        return self.infrastructure.get(KEY) or Infrastructure(ready=False)


@asynccontextmanager
async def running(server, *, leading=True):
    async with (
        server.serving() as url,
        KubeClient(without_credentials(url)) as client,
        asyncio.TaskGroup() as tasks,
    ):
        found = Running(server, client)
        task = tasks.create_task(found.fleet.run())
        await found.fleet.synced()
        if leading:
            await found.lead()
        yield found
        task.cancel()


def scene(test):
    """Run a test's coroutine with a server; one that hangs fails."""

    def run():
        async def limited():
            async with asyncio.timeout(20):
                await test(ApplyingServer())

        asyncio.run(limited())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@scene
async def test_all_is_made_and_the_address_is_told(server):
    async with running(server) as found:
        found.wants(proxy())
        await until(lambda: found.addresses.get(KEY) == ("198.51.100.1",))
        await until(lambda: not found.fleet.busy)
        assert [plural for plural, _ in server.written.applied] == [
            "services",
            "serviceaccounts",
            "configmaps",
            "deployments",
        ]
        assert not found.told.ready
        await found.ready()
        assert len(server.written.applied) == 4


@scene
async def test_who_does_not_lead_writes_nothing_and_tells_all(server):
    async with running(server) as leader:
        await leader.made(proxy())
    async with running(server, leading=False) as other:
        assert other.fleet.observe(proxy()).addresses == ("198.51.100.1",)
        assert other.addresses == {}  # who asks is told once
        other.wants(proxy(ports=()), proxy("second"))
        await until(lambda: ("infra", "second") in other.addresses and not other.fleet.busy)
        await other.ready()
        assert server.written.applied == []


@scene
async def test_what_others_change_is_repaired(server):
    async with running(server) as found:
        await found.made(proxy())
        service = server.get("services", NAME)
        spec = {**service["spec"], "ports": [{"name": "http-80", "port": 81, "protocol": "TCP"}]}
        server.put("services", {**service, "spec": spec})
        await until(lambda: server.written.applied == [("services", NAME)])
        await until(lambda: server.get("services", NAME)["spec"]["ports"][0]["port"] == 80)
        server.remove("configmaps", "infra", NAME)
        await until(lambda: server.get("configmaps", NAME) is not None)


@scene
async def test_a_new_leader_writes_nothing_that_is_there(server):
    async with running(server) as found:
        await found.made(proxy())
    async with running(server) as found:
        found.wants(proxy())
        await until(lambda: found.addresses.get(KEY) is not None and not found.fleet.busy)
        assert server.written.applied == []


@scene
async def test_nothing_is_made_before_it_is_known_who_vouches_for_us(server):
    async with running(server, leading=False) as found:
        found.fleet.lead(leading=True)
        found.wants(proxy())
        await until(lambda: KEY in found.addresses and not found.fleet.busy)
        assert server.written.applied == []
        found.fleet.authorities("PEM")
        await until(lambda: server.get("configmaps", NAME) is not None)
        assert server.get("configmaps", NAME)["data"] == {"ca.crt": "PEM"}
        await until(lambda: ("deployments", NAME) in server.written.applied)
        found.fleet.authorities("OTHER")
        await until(lambda: server.get("configmaps", NAME)["data"] == {"ca.crt": "OTHER"})


@scene
async def test_an_object_that_is_not_ours_is_left_alone_and_told(server):
    theirs = {"metadata": {"name": NAME, "namespace": "infra"}, "spec": {"type": "ClusterIP"}}
    before = server.put("services", theirs)
    async with running(server) as found:
        found.wants(proxy())
        await until(lambda: found.told.reason == "NoResources")
        assert f"Service infra/{NAME} exists and is not made for this Gateway" in found.told.message
        assert server.get("services", NAME) == before
        server.remove("services", "infra", NAME)
        await until(lambda: found.addresses.get(KEY) == ("198.51.100.1",))
        await until(lambda: found.told.reason == "")


@scene
async def test_what_the_cluster_refuses_is_told_until_it_does_not(server):
    quota = Refusal("/deployments/", 403, "Forbidden", "exceeded quota: tight")
    server.refusals.append(quota)
    async with running(server) as found:
        found.wants(proxy())
        await until(lambda: found.told.reason == "NoResources")
        assert "exceeded quota: tight" in found.told.message
        assert server.get("services", NAME) is not None
        server.refusals.clear()
        await until(lambda: server.get("deployments", NAME) is not None)
        await until(lambda: found.told.reason == "")


@scene
async def test_a_service_that_is_refused_keeps_from_its_own_address_only(server):
    taken = Refusal(f"/services/{NAME}-2", 422, "Invalid", "provided IP is already allocated")
    server.refusals.append(taken)
    inside = AskedAddress("10.96.0.77", cluster=True)
    async with running(server) as found:
        found.wants(proxy("edge", AskedAddress(), inside))
        await until(lambda: found.told.reason == "Invalid")
        assert "provided IP is already allocated" in found.told.message
        assert server.get("deployments", NAME) is not None
        assert found.addresses[KEY] == ("198.51.100.1",)
        found.wants(proxy("edge", AskedAddress(), inside, deployment=Deployment(replicas=2)))
        await until(lambda: server.get("poddisruptionbudgets", NAME) is not None)
        found.wants(proxy())
        await until(lambda: found.told.reason == "")


@scene
async def test_an_address_that_comes_before_its_service_was_answered_for_stays(server):
    server.late = ("services", asyncio.Event())
    async with running(server) as found:
        found.wants(proxy())
        await until(lambda: found.fleet.observe(proxy()).addresses == ("198.51.100.1",))
        server.late[1].set()  # the answer, without an address
        await until(lambda: ("deployments", NAME) in server.written.applied)
        await until(lambda: not found.fleet.busy)
        assert found.fleet.observe(proxy()).addresses == ("198.51.100.1",)


@scene
async def test_faults_of_the_server_and_ending_namespaces_are_nobodys_fault(server):
    ending = Refusal("/services/", 403, "Forbidden", "namespace infra is being terminated")
    broken = Refusal("/serviceaccounts/", 500, "InternalError", "etcd is away")
    server.refusals += [ending, broken]
    async with running(server) as found:
        found.wants(proxy())
        await until(lambda: KEY in found.infrastructure)
        server.refusals.remove(ending)
        await until(lambda: server.get("services", NAME) is not None)
        server.refusals.clear()
        await until(lambda: server.get("deployments", NAME) is not None)
        await until(lambda: not found.fleet.busy)
        assert found.told.reason == ""


@scene
async def test_what_is_wanted_no_longer_is_removed(server):
    async with running(server) as found:
        await found.made(proxy("edge", AskedAddress(), AskedAddress("198.51.100.1")))
        found.wants(proxy(deployment=Deployment(replicas=2)))
        await until(lambda: server.written.deleted == [("services", f"{NAME}-2")])
        found.wants(proxy())
        await until(lambda: ("poddisruptionbudgets", NAME) in server.written.deleted)


@pytest.mark.parametrize("why", ["held", "ending"])
def test_a_gateway_that_is_held_or_ends_keeps_all_and_gets_nothing(why):
    @scene
    async def test(server):
        async with running(server) as found:
            found.wants(proxy(**{why: True}))
            await until(lambda: KEY in found.addresses and not found.fleet.busy)
            assert server.written.applied == []
            await found.made(proxy())
            found.wants(proxy(**{why: True}, ports=()))
            await until(lambda: not found.fleet.busy)
            assert server.written.deleted == []
            assert found.addresses[KEY] == ("198.51.100.1",)

    test()


@scene
async def test_a_gateway_of_another_controller_loses_all(server):
    uid = server.gateway()
    server.gateway_class("ours", "example.com/other")
    async with running(server) as found:
        await found.made(proxy(owner=uid))
        found.wants()
        await until(lambda: len(server.written.deleted) == 4)
        assert found.addresses[KEY] is None
        assert found.infrastructure[KEY] is None


@pytest.mark.parametrize("whose", ["ours", "a user's", "another Gateway's"])
def test_the_snapshot_of_a_gateway_goes_with_all_else(whose):
    """It holds keys; but a Secret that only has its name is let be."""

    async def test(server):
        uid = server.gateway()
        server.gateway_class("ours", "example.com/other")
        owner = uid if whose == "ours" else "uid-of-another"
        reference = {"kind": "Gateway", "name": "edge", "uid": owner, "controller": True}
        name = names.snapshot_name("edge")
        metadata = {"name": name, "namespace": "infra", "ownerReferences": [reference]}
        kind = "Opaque" if whose == "a user's" else names.SNAPSHOT_TYPE
        server.put("secrets", {"metadata": metadata, "type": kind, "data": {}})
        async with running(server) as found:
            await found.made(proxy(owner=uid))
            found.wants()
            await until(lambda: ("services", NAME) in server.written.deleted)
        assert (server.get("secrets", name) is None) == (whose == "ours")

    scene(test)()


@pytest.mark.parametrize("gone", ["gateway", "class", "nothing", "came back"])
def test_nothing_is_removed_unless_that_is_sure(gone):
    """The cluster removes what belongs to a Gateway that is gone; we must not be mistaken."""

    async def test(server):
        uid = server.gateway()
        server.gateway_class("ours", OURS)
        async with running(server) as found:
            await found.made(proxy(owner=uid))
            if gone == "gateway":
                server.remove("gateways", "infra", "edge")
            elif gone == "class":
                server.remove("gatewayclasses", "", "ours")
            elif gone == "came back":
                server.remove("gateways", "infra", "edge")
                server.gateway(class_name="theirs")
            found.wants()
            await until(lambda: found.addresses[KEY] is None and not found.fleet.busy)
            assert server.written.deleted == []
            assert server.get("deployments", NAME) is not None

    scene(test)()


@scene
async def test_objects_of_another_controller_are_not_ours(server):
    async with running(server) as found:
        await found.made(proxy())
        deployment = server.get("deployments", NAME)
    deployment["metadata"]["annotations"]["fairlead.dev/controller-name"] = "example.com/other"
    server.put("deployments", deployment)
    server.gateway_class("ours", "example.com/other")
    async with running(server) as found:
        found.wants(proxy())
        await until(lambda: found.told.reason == "NoResources")
        assert f"Deployment infra/{NAME} exists" in found.told.message


@scene
async def test_node_ports_have_the_addresses_of_ready_nodes(server):
    def node(name, address, ready="True"):
        addresses = [{"type": "InternalIP", "address": address}]
        conditions = [{"type": "Ready", "status": ready}]
        status = {"addresses": addresses, "conditions": conditions}
        server.put("nodes", {"metadata": {"name": name}, "status": status})

    node("one", "192.0.2.11")
    node("two", "192.0.2.12", "False")
    async with running(server) as found:
        found.wants(proxy(deployment=Deployment(service_type="NodePort")))
        await until(lambda: found.addresses.get(KEY) == ("192.0.2.11",))
        node("two", "192.0.2.12")
        await until(lambda: found.addresses[KEY] == ("192.0.2.11", "192.0.2.12"))


@scene
async def test_a_hundred_gateways_are_made_at_once(server):
    names = [f"g{number}" for number in range(100)]
    async with running(server) as found:
        found.wants(*(proxy(name) for name in names))
        await until(lambda: len(found.addresses) == 100 and all(found.addresses.values()))
        await until(lambda: len(server.written.applied) == 400 and not found.fleet.busy)
