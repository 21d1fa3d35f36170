"""What somebody with few rights sees of a cluster, over a real socket."""

import asyncio

import pytest

from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.listing import read
from support.api_server import ApiServer, Fault, without_credentials

GATEWAY = "gateway.networking.k8s.io/v1"


def server():
    return ApiServer(
        ("v1", "services"),
        ("v1", "secrets"),
        ("v1", "configmaps"),
        ("v1", "namespaces"),
        (GATEWAY, "gatewayclasses"),
        (GATEWAY, "httproutes"),
        (GATEWAY, "backendtlspolicies"),
    )


def labels(installation):
    return {"app.kubernetes.io/part-of": "fairlead", "app.kubernetes.io/instance": installation}


def listing(cluster, *namespaces, installation="fairlead-system"):
    async def main():
        async with (
            asyncio.timeout(20),
            cluster.serving() as url,
            KubeClient(without_credentials(url)) as client,
        ):
            return await read(client, namespaces, labels(installation))

    return asyncio.run(main())


def route(namespace, name, **spec):
    return {
        "apiVersion": GATEWAY,
        "kind": "HTTPRoute",
        "metadata": {"namespace": namespace, "name": name, "generation": 3},
        "spec": spec,
        "status": {"parents": [{"parentRef": {"name": "edge"}, "controllerName": "x"}]},
    }


def keys(found):
    return [(each.kind, each.key) for each in found.batch.changes]


def test_all_that_may_be_read_is_read_with_its_status():
    cluster = server()
    cluster.put("httproutes", route("a", "r"))
    cluster.put("httproutes", route("b", "r"))
    cluster.put("services", {"metadata": {"namespace": "a", "name": "s"}, "spec": {}})
    found = listing(cluster, "a")
    assert keys(found) == [
        ("HTTPRoute", ("a", "r")), ("HTTPRoute", ("b", "r")), ("Service", ("a", "s")),
    ]  # fmt: skip
    assert found.complete
    assert found.status["HTTPRoute", ("a", "r")]["parents"][0]["controllerName"] == "x"
    assert found.batch.changes[0].obj.metadata.generation == 3
    assert ("Service", ("a", "s")) not in found.status


def test_more_objects_than_a_page():
    cluster = server()
    for number in range(1201):
        cluster.put("httproutes", route("a", f"r{number}"))
    assert len(listing(cluster, "a").batch.changes) == 1201


def test_secrets_are_never_asked_for():
    cluster = server()
    cluster.put("secrets", {"metadata": {"namespace": "a", "name": "hidden"}, "data": {}})
    assert keys(listing(cluster, "a")) == []
    assert not [path for _, path in cluster.requests if "secrets" in path]


def test_who_may_read_a_namespace_alone_sees_that_and_is_told():
    cluster = server()
    cluster.forbidden = {
        f"/apis/{GATEWAY}/httproutes", f"/apis/{GATEWAY}/gatewayclasses",
        "/api/v1/namespaces/a/services", "/api/v1/services",
    }  # fmt: skip
    cluster.put("httproutes", route("a", "r"))
    cluster.put("httproutes", route("b", "r"))
    found = listing(cluster, "a")
    assert keys(found) == [("HTTPRoute", ("a", "r"))]
    assert found.hidden == ("services", "gatewayclasses")
    assert found.elsewhere == ("httproutes",)
    assert not found.complete


def test_config_maps_are_read_where_something_points_to_them():
    cluster = server()
    for name in ("authorities", "other"):
        metadata = {"namespace": "a", "name": name}
        cluster.put("configmaps", {"metadata": metadata, "data": {"ca.crt": "x"}})
    references = [
        {"group": "", "kind": "ConfigMap", "name": name} for name in ("authorities", "absent")
    ]
    cluster.put(
        "backendtlspolicies",
        {
            "metadata": {"namespace": "a", "name": "p"},
            "spec": {
                "targetRefs": [{"group": "", "kind": "Service", "name": "s"}],
                "validation": {"hostname": "s", "caCertificateRefs": references},
            },
        },
    )
    found = listing(cluster, "a")
    assert ("ConfigMap", ("a", "authorities")) in keys(found)
    assert ("ConfigMap", ("a", "other")) not in keys(found)
    assert found.complete
    cluster.forbidden = {"/configmaps/authorities"}
    assert listing(cluster, "a").hidden == ("ConfigMap a/authorities",)


def test_what_is_badly_written_is_a_problem_and_no_end():
    cluster = server()
    cluster.put("httproutes", route("a", "bad", hostnames=[7]))
    cluster.put("httproutes", route("a", "good"))
    found = listing(cluster, "a")
    assert keys(found) == [("HTTPRoute", ("a", "good"))]
    (problem,) = found.problems
    assert (problem.kind, problem.namespace, problem.name) == ("HTTPRoute", "a", "bad")
    assert problem.field == "spec.hostnames[0]"


def test_other_refusals_end_it():
    cluster = server()
    cluster.faults.append(Fault("list", "refuse", path="httproutes", code=500))
    with pytest.raises(ApiError, match="as scripted"):
        listing(cluster, "a")


@pytest.mark.parametrize("levels", [300, 9000])
def test_an_object_that_is_nested_too_deep_to_be_walked_is_read_without_that(levels):
    cluster = server()
    deep = route("a", "deep", hostnames=["a.example"])
    deep["metadata"]["managedFields"] = "DEEP"
    cluster.put("httproutes", deep)
    cluster.put("httproutes", route("a", "other"))
    cluster.standing_for[b'"DEEP"'] = b'[{"a":' * levels + b"1" + b"}]" * levels
    found = listing(cluster)
    assert keys(found) == [("HTTPRoute", ("a", "deep")), ("HTTPRoute", ("a", "other"))]
    assert found.batch.changes[0].obj.spec.hostnames == ("a.example",)


def test_a_list_that_cannot_be_gone_on_with_is_read_again_at_once():
    cluster = server()
    for number in range(501):
        cluster.put("services", {"metadata": {"namespace": "a", "name": f"s{number}"}, "spec": {}})
    cluster.faults.append(Fault("list", "refuse", path="continue=", code=410))
    assert len(listing(cluster).batch.changes) == 501
    asked = [path for verb, path in cluster.requests if verb == "list" and "services" in path]
    assert [path.partition("?")[2][:9] for path in asked] == ["limit=500", "limit=500", ""]


@pytest.mark.parametrize("page", [b"<html>Log in</html>", b"[1]", b"null", b""])
def test_a_page_that_is_no_answer_of_an_api_server_is_told_as_such(page):
    cluster = server()
    cluster.page = page
    with pytest.raises(ApiError):
        listing(cluster)


def test_the_controller_name_is_that_of_the_class_that_the_installation_made():
    cluster = server()
    for name, instance in (("a", "elsewhere"), ("b", "edge"), ("c", "")):
        metadata = {"name": name, "labels": labels(instance)}
        spec = {"controllerName": f"example.com/{name}"}
        cluster.put("gatewayclasses", {"metadata": metadata, "spec": spec})
    assert listing(cluster).controller == ""
    assert listing(cluster, installation="edge").controller == "example.com/b"
