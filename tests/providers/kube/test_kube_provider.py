"""The kube provider over a real socket: what it hands out, when, and what it never reads."""

import asyncio
from contextlib import asynccontextmanager
from random import Random

import pytest

from fairlead import api
from fairlead.providers.kube import backoff, provider, referent
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.provider import KubeProvider
from fairlead.providers.kube.references import Ours
from support.api_server import ApiServer, Fault, until, without_credentials

GATEWAY_API = "gateway.networking.k8s.io/v1"
OURS = "fairlead.dev/gateway-controller"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Pauses of a few milliseconds."""
    monkeypatch.setattr(backoff, "_FIRST", 0.001)
    monkeypatch.setattr(backoff, "_FACTOR", 1.0)
    monkeypatch.setattr(provider, "_LOOK_SECONDS", 0.01)


def run(script) -> None:
    """Run a test's coroutine; one that hangs fails."""

    async def limited():
        async with asyncio.timeout(60):
            await script()

    asyncio.run(limited())


@asynccontextmanager
async def providing(server: ApiServer):
    async with server.serving() as url:
        config = without_credentials(url)
        async with KubeClient(config) as client:
            found = KubeProvider(client, Ours(OURS, "fairlead"), random=Random(1))
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(found.run())
                yield found
                running.cancel()


def cluster() -> ApiServer:
    server = ApiServer(
        *(("v1", each) for each in ("namespaces", "services", "pods", "secrets", "configmaps")),
        ("discovery.k8s.io/v1", "endpointslices"),
        *(
            (GATEWAY_API, each)
            for each in ("gatewayclasses", "gateways", "referencegrants", "listenersets")
        ),
        (GATEWAY_API, "httproutes"),
    )
    server.put("gatewayclasses", gateway_class("ours", OURS))
    server.put("gatewayclasses", gateway_class("theirs", "example.com/other"))
    return server


def gateway_class(name: str, controller: str) -> dict:
    return {
        "apiVersion": GATEWAY_API,
        "kind": "GatewayClass",
        "metadata": {"name": name},
        "spec": {"controllerName": controller},
    }


def gateway(name: str, class_name: str, *secrets: str, namespace: str = "a") -> dict:
    refs = [
        dict(zip(("name", "namespace"), reversed(each.split("/")), strict=False))
        for each in secrets
    ]
    tls = {"mode": "Terminate", "certificateRefs": refs}
    listener = {"name": "https", "port": 443, "protocol": "HTTPS", "tls": tls}
    return {
        "apiVersion": GATEWAY_API,
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": namespace, "generation": 3},
        "spec": {"gatewayClassName": class_name, "listeners": [listener]},
    }


def secret(name: str, value: str = "YQ==", namespace: str = "a") -> dict:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "type": "Opaque",
        "data": {"tls.crt": value},
    }


def route(name: str = "r", host: str = "a.example", **more: object) -> dict:
    return {
        "apiVersion": GATEWAY_API,
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "a", "generation": 1},
        "spec": {"hostnames": [host]},
        **more,
    }


def named(batch) -> list[tuple[str, str, bool]]:
    return [(each.kind, each.key[1], each.obj is not None) for each in batch.changes]


def secrets_asked_for(server: ApiServer) -> set[str]:
    return {path.partition("?")[0] for verb, path in server.requests if verb == "get"}


def test_hands_out_all_at_once_with_the_secrets_that_are_pointed_to():
    async def script():
        server = cluster()
        server.put("gateways", gateway("web", "ours", "cert", "absent"))
        server.put("secrets", secret("cert"))
        server.put("secrets", secret("other"))
        server.faults += [Fault("list", "refuse", path="httproutes") for _ in range(3)]
        server.faults += [Fault("get", "refuse", path="secrets/cert") for _ in range(3)]
        server.put("httproutes", route())
        async with providing(server) as it:
            batch = await it.load()
        assert named(batch) == [
            ("Gateway", "web", True),
            ("GatewayClass", "ours", True),
            ("GatewayClass", "theirs", True),
            ("HTTPRoute", "r", True),
            ("Secret", "cert", True),
        ]
        assert batch.changes[0].obj.metadata.generation == 3
        assert secrets_asked_for(server) == {
            "/api/v1/namespaces/a/secrets/cert",
            "/api/v1/namespaces/a/secrets/absent",
        }

    run(script)


def test_reads_no_secret_of_others_nor_without_a_grant():
    async def script():
        server = cluster()
        server.put("gateways", gateway("theirs", "theirs", "cert"))
        server.put("gateways", gateway("unknown", "nobody's", "cert"))
        server.put("gateways", gateway("web", "ours", "b/cert"))
        async with providing(server) as it:
            await it.load()
            assert not secrets_asked_for(server)
            server.put("secrets", secret("cert", namespace="b"))
            server.put(
                "referencegrants",
                {
                    "apiVersion": GATEWAY_API,
                    "kind": "ReferenceGrant",
                    "metadata": {"name": "g", "namespace": "b"},
                    "spec": {
                        "from": [
                            {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
                            | {"namespace": "a"}
                        ],
                        "to": [{"group": "", "kind": "Secret"}],
                    },
                },
            )
            batch = await anext(it.changes())
            assert named(batch) == [("ReferenceGrant", "g", True), ("Secret", "cert", True)]
            server.remove("referencegrants", "b", "g")
            changes = it.changes()
            seen = [*named(await anext(changes))]
            if len(seen) < 2:
                seen += named(await anext(changes))
            assert sorted(seen) == [("ReferenceGrant", "g", False), ("Secret", "cert", False)]

    run(script)


def test_a_gateway_waits_for_its_secret_and_nothing_else_does():
    async def script():
        server = cluster()
        async with providing(server) as it:
            await it.load()
            changes = it.changes()
            server.faults += [Fault("get", "refuse", path="secrets") for _ in range(30)]
            server.put("secrets", secret("cert"))
            server.put("gateways", gateway("web", "ours", "cert"))
            await until(lambda: len(server.faults) < 30)
            server.put("httproutes", route())
            assert named(await anext(changes)) == [("HTTPRoute", "r", True)]
            assert server.faults
            batch = await anext(changes)
            assert named(batch) == [("Gateway", "web", True), ("Secret", "cert", True)]
            server.put("secrets", secret("cert", "Yg=="))
            batch = await anext(changes)
            assert named(batch) == [("Secret", "cert", True)]
            assert batch.changes[0].obj.data == {"tls.crt": "Yg=="}
            server.remove("secrets", "a", "cert")
            assert named(await anext(changes)) == [("Secret", "cert", False)]

    run(script)


def test_secrets_beyond_those_that_are_watched_are_read_again(monkeypatch):
    monkeypatch.setattr(provider, "_MOST_WATCHED", 1)
    monkeypatch.setattr(referent, "_POLL_SECONDS", (0.01, 0.02))

    async def script():
        server = cluster()
        names = ("cert", "next", "later")
        server.put("gateways", gateway("web", "ours", *names))
        server.put("secrets", secret("next"))
        async with providing(server) as it:
            assert ("Secret", "next", True) in named(await it.load())
            (watched,) = (path for _, path in server.requests if "/a/secrets?" in path)
            assert "cert" in watched
            changes = it.changes()
            for name, value in (("later", "YQ=="), ("next", "Yg=="), ("later", "Yw==")):
                server.put("secrets", secret(name, value))
                batch = await anext(changes)
                assert named(batch) == [("Secret", name, True)]
                assert batch.changes[0].obj.data == {"tls.crt": value}
            server.remove("secrets", "a", "next")
            assert named(await anext(changes)) == [("Secret", "next", False)]

    run(script)


def test_a_secret_that_may_not_be_read_is_told_once_that_is_certain(monkeypatch):
    monkeypatch.setattr(referent, "_DOUBT", 0.05)
    monkeypatch.setattr(referent, "_UNTIL_ALLOWED", 0.05)

    async def script():
        server = cluster()
        server.forbidden.add("secrets")
        server.put("gateways", gateway("web", "ours", "cert"))
        async with providing(server) as it:
            batch = await it.load()
            assert ("Gateway", "web", True) in named(batch)
            assert batch.forbidden == (("Secret", ("a", "cert"), True),)
            server.put("secrets", secret("cert"))
            server.forbidden.clear()
            batch = await anext(it.changes())
            assert named(batch) == [("Secret", "cert", True)]
            assert batch.forbidden == (("Secret", ("a", "cert"), False),)

    run(script)


def test_a_secret_that_was_read_stays_while_it_is_refused(monkeypatch):
    monkeypatch.setattr(referent, "_DOUBT", 0.0)

    async def script():
        server = cluster()
        server.put("secrets", secret("cert"))
        server.put("gateways", gateway("web", "ours", "cert"))
        async with providing(server) as it:
            await it.load()
            server.forbidden.add("secrets")
            refused = server.refusals
            server.end_watches()
            await until(lambda: server.refusals > refused)
            server.put("services", {"metadata": {"name": "s", "namespace": "a"}, "spec": {}})
            assert named(await anext(it.changes())) == [("Service", "s", True)]

    run(script)


def test_of_metadata_only_what_somebody_reads_makes_a_batch():
    def labelled(obj: dict, **labels: str) -> dict:
        metadata = {"labels": labels, "annotations": labels}
        return {**obj, "metadata": {**obj["metadata"], **metadata}}

    space = {"metadata": {"name": "a"}}
    endpoints = {
        "metadata": {"name": "s-1", "namespace": "a"},
        "addressType": "IPv4",
        "endpoints": [],
    }

    async def script():
        server = cluster()
        server.put("namespaces", space)
        server.put("endpointslices", labelled(endpoints))
        server.put("gateways", gateway("web", "ours"))
        server.put("httproutes", route())
        async with providing(server) as it:
            await it.load()
            changes = it.changes()
            server.put("gateways", labelled(gateway("web", "ours"), team="a"))
            server.put("httproutes", labelled(route(), team="a"))
            await until(lambda: all(it.states[kind].events for kind in ("Gateway", "HTTPRoute")))
            server.put("namespaces", labelled(space, team="a"))
            assert named(await anext(changes)) == [("Namespace", "a", True)]
            assert not it.ending("a")
            assert not it.ending("b")
            deleted = {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}
            server.put("namespaces", {"metadata": deleted})
            assert named(await anext(changes)) == [("Namespace", "a", True)]
            assert it.ending("a")
            service = {"kubernetes.io/service-name": "s"}
            server.put("endpointslices", labelled(endpoints, **service))
            assert named(await anext(changes)) == [("EndpointSlice", "s-1", True)]

    run(script)


def test_a_changed_status_is_told_and_makes_no_batch():
    async def script():
        server = cluster()
        server.put("httproutes", route())
        async with providing(server) as it:
            await it.load()
            told = []
            it.on_status = lambda kind, key: told.append((kind, key))
            first = it.live("HTTPRoute", ("a", "r"))
            assert (first.status, first.generation) == (b"", 1)
            server.put("httproutes", route(status={"parents": []}))
            server.put("services", {"metadata": {"name": "s", "namespace": "a"}, "spec": {}})
            batch = await anext(it.changes())
            await until(lambda: bool(told))
            assert named(batch) == [("Service", "s", True)]
            assert told == [("HTTPRoute", ("a", "r"))]
            now = it.live("HTTPRoute", ("a", "r"))
            assert now.status == b'{"parents": []}'
            assert int(now.resource_version) > int(first.resource_version)
            server.remove("httproutes", "a", "r")
            await anext(it.changes())
            assert it.live("HTTPRoute", ("a", "r")) is None

    run(script)


def test_an_object_that_cannot_be_read_keeps_its_last_version_and_is_a_problem():
    async def script():
        server = cluster()
        server.put("httproutes", route())
        async with providing(server) as it:
            await it.load()
            changes = it.changes()
            server.put("httproutes", route(host="NOT A HOST"))
            batch = await anext(changes)
            assert not batch.changes
            (problem,) = it.problems()
            assert (problem.kind, problem.namespace, problem.name) == ("HTTPRoute", "a", "r")
            assert problem.field == "spec.hostnames[0]"
            assert batch.problems[0].problems == (problem,)
            server.put("httproutes", route(host="b.example"))
            batch = await anext(changes)
            assert named(batch) == [("HTTPRoute", "r", True)]
            assert it.problems() == ()
            assert batch.problems[0].problems == ()

    run(script)


def test_fields_of_later_releases_and_nulls_are_left_out():
    async def script():
        server = cluster()
        later = route()
        later["spec"] |= {"novelty": {"a": 1}, "rules": [{"backendRefs": None, "newer": True}]}
        later["metadata"] |= {"managedFields": [{"manager": "m"}], "newer": 1}
        server.put("httproutes", later)
        async with providing(server) as it:
            batch = await it.load()
        obj = next(each.obj for each in batch.changes if each.kind == "HTTPRoute")
        assert isinstance(obj, api.HTTPRoute)
        assert obj.spec.rules == (api.HTTPRouteRule(),)
        assert obj.metadata.resource_version == ""

    run(script)


def test_kinds_come_and_go():
    async def script():
        server = cluster()
        server.put("httproutes", route())
        async with providing(server) as it:
            await it.load()
            changes = it.changes()
            server.serve(GATEWAY_API, "grpcroutes")
            obj = {**route("g"), "kind": "GRPCRoute"}
            server.put("grpcroutes", obj)
            assert named(await anext(changes)) == [("GRPCRoute", "g", True)]
            server.stop_serving(GATEWAY_API, "httproutes")
            assert named(await anext(changes)) == [("HTTPRoute", "r", False)]
            assert "HTTPRoute" not in it.states

    run(script)


def test_a_kind_that_is_missing_for_a_moment_loses_nothing():
    async def script():
        server = cluster()
        server.put("httproutes", route())
        async with providing(server) as it:
            await it.load()
            server.faults.append(Fault("list", "refuse", path="httproutes?limit=1", code=404))
            server.hidden.add("httproutes")
            await until(lambda: not server.faults)
            asked = len(server.requests)
            await until(lambda: len(server.requests) > asked + 6)
            server.put("services", {"metadata": {"name": "s", "namespace": "a"}, "spec": {}})
            assert named(await anext(it.changes())) == [("Service", "s", True)]
            assert it.states["HTTPRoute"].objects == 1

    run(script)


def test_an_old_version_is_read_until_a_better_one_is_served():
    async def script():
        server = cluster()
        server.serve("gateway.networking.k8s.io/v1alpha2", "tcproutes")
        old = {
            "apiVersion": "gateway.networking.k8s.io/v1alpha2",
            "kind": "TCPRoute",
            "metadata": {"name": "t", "namespace": "a"},
            "spec": {"rules": [{"backendRefs": [{"name": "s", "port": 1}]}]},
        }
        server.put("tcproutes", old)
        async with providing(server) as it:
            assert ("TCPRoute", "t", True) in named(await it.load())
            server.stop_serving("gateway.networking.k8s.io/v1alpha2", "tcproutes")
            server.serve(GATEWAY_API, "tcproutes")
            server.put("tcproutes", {**old, "apiVersion": GATEWAY_API})
            batch = await anext(it.changes())
            assert named(batch) == [("TCPRoute", "t", True)]
            assert it.states["TCPRoute"].path.startswith(f"/apis/{GATEWAY_API}/")

    run(script)


def test_a_server_that_is_not_there_yet_holds_up_everything():
    async def script():
        server = cluster()
        server.put("httproutes", route())
        server.faults += [Fault("discovery", "refuse", code=503) for _ in range(4)]
        server.faults += [Fault("discovery", "garbage"), Fault("discovery", "cut")]
        # Not in discovery yet, nor ready to say that it is absent.
        server.faults += [Fault("list", "refuse", path="grpcroutes", code=503) for _ in range(3)]
        async with providing(server) as it:
            await until(lambda: bool(it.error))
            assert not it.synced
            assert "HTTPRoute" in it.waiting_for
            batch = await it.load()
            assert it.synced
            assert ("HTTPRoute", "r", True) in named(batch)
            assert not server.faults

    run(script)


def test_pods_are_workloads():
    async def script():
        server = cluster()
        pod = {
            "metadata": {"name": "p", "namespace": "a", "labels": {"app": "x"}},
            "spec": {
                "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 80}]}],
                "serviceAccountName": "sa",
            },
            "status": {
                "phase": "Running",
                "podIP": "10.0.0.7",
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
        server.put("pods", pod)
        async with providing(server) as it:
            ((key, workload),) = (await it.load()).workloads
            assert key == ("a", "p")
            assert (workload.ip, workload.ready, workload.ports) == (
                "10.0.0.7",
                True,
                (("http", 80),),
            )
            assert (workload.service_account, workload.labels) == ("sa", (("app", "x"),))
            server.put("pods", {**pod, "metadata": pod["metadata"] | {"annotations": {"a": "b"}}})
            gone = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
            server.put("pods", {**pod, "metadata": pod["metadata"] | gone})
            changes = it.changes()
            ((_, workload),) = (await anext(changes)).workloads
            assert workload.terminating
            server.remove("pods", "a", "p")
            assert (await anext(changes)).workloads == ((("a", "p"), None),)

    run(script)
