"""What `fairlead install` does before it writes anything."""

import asyncio

import pytest

from fairlead.install import apply
from fairlead.install.cluster import InstallError
from fairlead.install.values import Values
from fairlead.providers.kube.client import KubeClient
from support.api_server import ApiServer, until, without_credentials

DEFINITIONS = ("apiextensions.k8s.io/v1", "customresourcedefinitions")
VALUES = Values(namespace="edge")


def prepared():
    """An API server with the Gateway API, whose namespace is being deleted."""
    server = ApiServer(DEFINITIONS, ("v1", "namespaces"), ("apps/v1", "deployments"))
    server.put(
        "customresourcedefinitions",
        {"metadata": {"name": "gatewayclasses.gateway.networking.k8s.io"}},
    )
    remaining = {"type": "NamespaceContentRemaining", "status": "True"}
    server.put(
        "namespaces",
        {
            "metadata": {"name": "edge", "deletionTimestamp": "2026-01-01T12:00:00Z"},
            "status": {
                "conditions": [
                    {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "no"},
                    {**remaining, "message": "pods. has 1 resource instances"},
                ]
            },
        },
    )
    return server


async def installing(server, said, patience):
    async with KubeClient(without_credentials(server.url)) as client:
        await apply.install(client, VALUES, said.append, force=False, patience=patience)


def test_a_namespace_that_is_being_deleted_is_refused_before_anything_is_written():
    async def case():
        server, said = prepared(), []
        async with server.serving():
            with pytest.raises(InstallError) as raised:
                await installing(server, said, 0)
        assert str(raised.value) == (
            "Namespace edge is still being deleted (pods. has 1 resource instances): install "
            "again when it is gone, or with `--wait`"
        )
        assert (server.writes, said) == ([], [])

    asyncio.run(case())


def test_with_patience_its_end_is_waited_for():
    async def case():
        server, said = prepared(), []
        async with server.serving(), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(installing(server, said, 60))
            await until(lambda: said)
            assert server.writes == []
            server.remove("namespaces", "", "edge")
            await task
        assert said[0] == "waiting for Namespace edge to be deleted"
        assert "Namespace edge created" in said
        assert server.writes

    asyncio.run(case())


def test_the_class_of_another_installation_is_refused_before_anything_is_written():
    async def case():
        server, said = prepared(), []
        server.remove("namespaces", "", "edge")
        server.serve("gateway.networking.k8s.io/v1", "gatewayclasses")
        labels = {"app.kubernetes.io/part-of": "fairlead"}
        made = {"metadata": {"name": "fairlead", "labels": labels}}
        labels["app.kubernetes.io/instance"] = "fairlead-system"
        server.put("gatewayclasses", made)
        async with server.serving():
            with pytest.raises(InstallError, match=r"GatewayClass fairlead belongs .*className="):
                await installing(server, said, 0)
            assert (server.writes, said) == ([], [])
            labels["app.kubernetes.io/instance"] = "edge"
            server.put("gatewayclasses", made)
            await installing(server, said, 0)
        assert server.writes

    asyncio.run(case())
