"""What each persona may do and may not, as the API server decides it."""

import pytest

from cluster.api import ApiError, Cluster
from fairlead.install import personas
from fairlead.install.values import Values

RBAC = "rbac.authorization.k8s.io"
GATEWAY = "gateway.networking.k8s.io"
EXPERIMENTAL = "gateway.networking.x-k8s.io"
OWN = "fairlead.dev"
PROVIDER, OPERATOR = personas.INFRASTRUCTURE_PROVIDER, personas.CLUSTER_OPERATOR
DEVELOPER, VIEWER = personas.APPLICATION_DEVELOPER, personas.VIEWER
EVERYWHERE = (PROVIDER, OPERATOR, VIEWER)
"""Bound in the whole cluster; a developer in the team's namespace only."""
ELSEWHERE = "kube-system"


@pytest.fixture(scope="module")
def ask(cluster, module_namespace):
    """Whether a persona's user may do something."""
    values = Values(namespace=module_namespace)
    roles = [
        part.manifest
        for part in personas.parts(values)
        if part.wanted(values) and part.manifest["kind"] == "ClusterRole"
    ]
    bindings = [bound(each, module_namespace) for each in roles]
    cluster.apply(*roles, *bindings)

    def allowed(persona, verb, resource, group=GATEWAY, namespace=module_namespace):
        resource, _, subresource = resource.partition("/")
        attributes = {"verb": verb, "group": group, "resource": resource}
        where = {"namespace": namespace, "subresource": subresource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user(persona, module_namespace),
                "resourceAttributes": attributes | where,
            },
        }
        answer = cluster.request(
            "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review
        )
        return answer["status"]["allowed"]

    yield allowed
    for each in (*bindings, *roles):
        cluster.delete(each["kind"], each["metadata"]["name"], each["metadata"].get("namespace"))


def user(persona, namespace):
    return f"{namespace}-{persona}"


def bound(role, namespace):
    """A binding of a persona's role to its user."""
    name = role["metadata"]["name"]
    persona = name.removeprefix(f"fairlead-{namespace}-")
    kind, metadata = "RoleBinding", {"name": name, "namespace": namespace}
    if persona in EVERYWHERE:
        kind, metadata = "ClusterRoleBinding", {"name": name}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user(persona, namespace)}],
    }


WRITERS = {
    ("gatewayclasses", GATEWAY): {PROVIDER},
    ("gateways", GATEWAY): {OPERATOR},
    ("listenersets", GATEWAY): {OPERATOR, DEVELOPER},
    ("referencegrants", GATEWAY): {OPERATOR, DEVELOPER},
    ("httproutes", GATEWAY): {DEVELOPER},
    ("grpcroutes", GATEWAY): {DEVELOPER},
    ("tlsroutes", GATEWAY): {DEVELOPER},
    ("tcproutes", GATEWAY): {DEVELOPER},
    ("udproutes", GATEWAY): {DEVELOPER},
    ("backendtlspolicies", GATEWAY): {OPERATOR, DEVELOPER},
    ("xbackends", EXPERIMENTAL): {DEVELOPER},
    ("xbackendtrafficpolicies", EXPERIMENTAL): {OPERATOR, DEVELOPER},
    ("xtelemetrypolicies", EXPERIMENTAL): {OPERATOR},
    ("localratelimits", OWN): {OPERATOR, DEVELOPER},
    ("faultinjections", OWN): {OPERATOR, DEVELOPER},
    ("configmaps", ""): {OPERATOR},
    ("services", ""): set(),
    ("namespaces", ""): set(),
    ("pods", ""): set(),
    ("deployments", "apps"): set(),
    ("customresourcedefinitions", "apiextensions.k8s.io"): set(),
    ("clusterroles", RBAC): set(),
    ("rolebindings", RBAC): set(),
}
"""Who may create, change and delete objects of a kind."""
CLUSTER_WIDE = {"gatewayclasses", "namespaces", "customresourcedefinitions", "clusterroles"}


@pytest.mark.parametrize(("resource", "group"), sorted(WRITERS))
def test_who_writes(ask, resource, group):
    for verb in ("create", "update", "patch", "delete"):
        where = {"namespace": ""} if resource in CLUSTER_WIDE else {}
        found = {
            persona
            for persona in (*EVERYWHERE, DEVELOPER)
            if ask(persona, verb, resource, group, **where)
        }
        assert found == WRITERS[resource, group], verb


@pytest.mark.parametrize("resource", ["gateways", "httproutes", "listenersets"])
def test_everybody_reads(ask, resource):
    for persona in (*EVERYWHERE, DEVELOPER):
        for verb in ("get", "list", "watch"):
            assert ask(persona, verb, resource), (persona, verb)


@pytest.mark.parametrize(
    "resource", ["gateways/status", "httproutes/status", "gatewayclasses/status"]
)
def test_nobody_writes_status(ask, resource):
    for persona in (*EVERYWHERE, DEVELOPER):
        for verb in ("update", "patch"):
            assert not ask(persona, verb, resource), (persona, verb)


def test_nobody_reads_secrets(ask):
    for persona in (*EVERYWHERE, DEVELOPER):
        for verb in ("get", "list", "watch", "patch"):
            assert not ask(persona, verb, "secrets", ""), (persona, verb)


def test_an_operator_puts_certificates_in_place(ask):
    for verb in ("create", "update", "delete"):
        assert ask(OPERATOR, verb, "secrets", "")
        for persona in (PROVIDER, DEVELOPER, VIEWER):
            assert not ask(persona, verb, "secrets", "")


def test_a_developer_stays_in_the_namespace(ask):
    for verb in ("get", "list", "create", "delete"):
        assert ask(DEVELOPER, verb, "httproutes")
        assert not ask(DEVELOPER, verb, "httproutes", namespace=ELSEWHERE)
        assert not ask(DEVELOPER, verb, "httproutes", namespace="")


def test_an_operator_acts_everywhere(ask):
    assert ask(OPERATOR, "create", "gateways", namespace=ELSEWHERE)
    assert not ask(OPERATOR, "create", "httproutes", namespace=ELSEWHERE)


def test_a_developers_request_is_decided_so(ask, module_namespace):
    """Not only the review says so: the request itself is let in, or refused."""
    assert ask(DEVELOPER, "create", "httproutes")
    name = user(DEVELOPER, module_namespace)
    route = {
        "apiVersion": f"{GATEWAY}/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": module_namespace},
        "spec": {"parentRefs": [{"name": "web"}]},
    }
    gateway = {
        "apiVersion": f"{GATEWAY}/v1",
        "kind": "Gateway",
        "metadata": {"name": "web", "namespace": module_namespace},
        "spec": {
            "gatewayClassName": "nobodys",
            "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
        },
    }
    developer = Cluster(f"--as={name}")
    try:
        developer.apply(route)
        with pytest.raises(ApiError) as refused:
            developer.apply(gateway)
        assert refused.value.code == 403
    finally:
        developer.close()
