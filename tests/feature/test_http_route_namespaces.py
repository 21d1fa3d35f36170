"""Routes, Gateways and backends in different namespaces: allowedRoutes and ReferenceGrant."""

import pytest

from feature.route_scene import (
    GATEWAY_PARENT,
    Manifest,
    at_gateway,
    forward,
    pod,
    route,
    service,
    service_parent,
    sides,
)


def namespace(name: str, labels: str) -> str:
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {labels}}}\n"


SHARED = Manifest("""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shared, namespace: infra}
spec:
  gatewayClassName: fairlead
  listeners:
  - name: same
    port: 80
    protocol: HTTP
    hostname: "*.same.example"
  - name: labelled
    port: 80
    protocol: HTTP
    hostname: "*.labelled.example"
    allowedRoutes:
      namespaces: {from: Selector, selector: {matchLabels: {shared-gateway-access: "true"}}}
  - name: chosen
    port: 80
    protocol: HTTP
    hostname: "*.chosen.example"
    allowedRoutes:
      namespaces:
        from: Selector
        selector:
          matchExpressions:
          - {key: kubernetes.io/metadata.name, operator: In, values: [site]}
          - {key: closed, operator: DoesNotExist}
""")
SITE = Manifest(namespace("site", '{shared-gateway-access: "true"}'))
STRANGER = namespace("stranger", "{}")
BACKENDS_ELSEWHERE = ("infra", "site", "stranger")


def at_shared(name: str, host: str, space: str, parent: str = "") -> Manifest:
    """A route to the Service `local` of its own namespace."""
    section = host.split(".")[1]
    parents = parent or f"{{name: shared, namespace: infra, sectionName: {section}}}"
    return at_gateway(name, forward("local"), host, parents=parents, namespace=space)


INFRA_SAME = at_shared("infra-same", "infra.same.example", "infra", "{name: shared}")
SITE_SAME = at_shared("site-same", "site.same.example", "site")
SITE_LABELLED = at_shared("site-labelled", "site.labelled.example", "site")
SITE_CHOSEN = at_shared("site-chosen", "site.chosen.example", "site")
STRANGER_LABELLED = at_shared("stranger-labelled", "stranger.labelled.example", "stranger")
STRANGER_CHOSEN = at_shared("stranger-chosen", "stranger.chosen.example", "stranger")
STRANGER_ALL = at_shared(
    "stranger-all", "stranger.all.example", "stranger", "{name: gateway, namespace: default}"
)
MISPLACED = at_shared("misplaced", "misplaced.example", "site", "{name: gateway}")


@pytest.fixture(scope="module", autouse=True)
def _local_services(scene):
    """The Service `local` of each namespace, which echoes the namespace's name."""
    scene.run.write("stranger.yaml", STRANGER)
    for space in BACKENDS_ELSEWHERE:
        text = service("local", scene.echo.port(space), namespace=space)
        scene.run.write(f"local-{space}.yaml", text)
    scene.run.until("infra", lambda: asked(scene, INFRA_SAME).backend == "infra")
    scene.run.until("site", lambda: asked(scene, SITE_LABELLED).backend == "site")


def asked(scene, target: Manifest):
    """The answer to a request for the route's host, at the shared Gateway."""
    host = f"{target.name.replace('-', '.', 1)}.example"
    return scene.gateway(host, name="shared", namespace="infra")


@pytest.mark.parametrize(
    ("target", "backend"),
    [
        (INFRA_SAME, "infra"),
        (SITE_SAME, None),
        (SITE_LABELLED, "site"),
        (SITE_CHOSEN, "site"),
        (STRANGER_LABELLED, None),
        (STRANGER_CHOSEN, None),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_allowed_routes(scene, target, backend):
    """From Same (the default) and Selector, by labels and by the namespace's own name."""
    answer = asked(scene, target)
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)
    accepted = ("True", "Accepted") if backend else ("False", "NotAllowedByListeners")
    assert scene.parent(target)["Accepted"] == accepted


def test_allowed_routes_from_all(scene):
    assert scene.gateway("stranger.all.example").backend == "stranger"


def test_namespace_is_relabelled(scene):
    """The label lets the routes in, its removal puts them out, at once."""
    labelled = namespace("stranger", '{shared-gateway-access: "true"}')
    scene.run.write("stranger.yaml", labelled)
    scene.run.until("in", lambda: asked(scene, STRANGER_LABELLED).backend == "stranger")
    assert scene.parent(STRANGER_LABELLED)["Accepted"] == ("True", "Accepted")
    scene.run.write("stranger.yaml", STRANGER)
    scene.run.until("out", lambda: asked(scene, STRANGER_LABELLED).status == 404)
    assert scene.parent(STRANGER_LABELLED)["Accepted"] == ("False", "NotAllowedByListeners")


def test_parent_in_the_wrong_namespace(scene):
    """A parentRef without namespace means the route's own, and nothing else."""
    assert scene.parent(MISPLACED)["Accepted"] == ("False", "NoMatchingParent")
    assert scene.gateway("misplaced.example").status == 404


GRANT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {{name: grant, namespace: site}}
spec:
  from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: {space}}}]
  to: [{{group: "", kind: Service{name}}}]
"""


def grant(*, kind: str = "HTTPRoute", space: str = "default", name: str = "") -> str:
    return GRANT.format(kind=kind, space=space, name=f", name: {name}" if name else "")


ACROSS_RULES = "- backendRefs: [{name: local, namespace: site, port: 80}]"
ACROSS = Manifest(
    route(
        "across",
        ACROSS_RULES,
        parents=f"{GATEWAY_PARENT}, {service_parent('across')}",
        hostnames="across.example",
    ),
    "across",
    roots=(("default", "across"),),
)


def test_reference_grant(scene):
    """Without a grant 500 and RefNotPermitted; with one it serves; without it again 500."""
    run = scene.run
    assert scene.ask("gateway", ACROSS).status == 500
    assert scene.parent(ACROSS)["ResolvedRefs"] == ("False", "RefNotPermitted")
    run.write("grant.yaml", grant())
    run.until("granted", lambda: scene.ask("gateway", ACROSS).backend == "site")
    assert scene.parent(ACROSS)["ResolvedRefs"] == ("True", "ResolvedRefs")
    run.remove("grant.yaml")
    run.until("revoked", lambda: scene.ask("gateway", ACROSS).status == 500)
    assert scene.parent(ACROSS)["ResolvedRefs"] == ("False", "RefNotPermitted")


@pytest.mark.parametrize(
    "text",
    [
        grant(name="other"),
        grant(space="stranger"),
        grant(kind="GRPCRoute"),
        grant().replace("namespace: site", "namespace: infra"),
    ],
    ids=["other name", "other namespace", "other kind", "in another namespace"],
)
def test_reference_grant_for_something_else(scene, text):
    """A marker in the same file tells when the grant has been read."""
    text += "---\n" + grant(name="local").replace("name: grant", "name: exact")
    run = scene.run
    run.write("grants.yaml", text)
    run.until("both", lambda: scene.ask("gateway", ACROSS).backend == "site")
    run.write("grants.yaml", text.partition("---\n")[0])
    run.until("one", lambda: scene.ask("gateway", ACROSS).status == 500)
    assert scene.parent(ACROSS)["ResolvedRefs"] == ("False", "RefNotPermitted")
    run.remove("grants.yaml")


def test_mesh_parents_need_no_grant(scene):
    """From a Service parent the backend is reached directly, as without a route (GEP-1294)."""
    assert scene.ask("mesh", ACROSS).backend == "site"
    assert scene.parent(ACROSS, 1)["ResolvedRefs"] == ("True", "ResolvedRefs")


PRODUCER = Manifest(
    route("producer", forward("local"), parents=service_parent("local"), namespace="infra"),
    "producer",
    "infra",
)
CLIENTS = Manifest("---\n".join([pod(namespace="site"), pod(namespace="stranger")]))
CONSUMER = Manifest(
    route(
        "consumer",
        "- matches: [{path: {value: /mine}}]\n  backendRefs: [{name: local, port: 80}]",
        parents='{group: "", kind: Service, name: local, namespace: infra}',
        namespace="site",
    ),
    "consumer",
    "site",
)


@pytest.mark.parametrize(
    ("client", "path", "backend"),
    [
        ("site", "/mine", "site"),
        ("site", "/other", None),
        ("stranger", "/mine", "infra"),
        ("default", "/other", "infra"),
    ],
)
def test_mesh_consumer_route(scene, client, path, backend):
    """A route of another namespace than its Service's is for clients of its own namespace only."""
    answer = scene.mesh(f"http://local.infra{path}", namespace=client)
    assert (answer.backend, answer.status) == (backend, 200 if backend else 404)


@sides
def test_unknown_hosts(scene, side):
    """No host of a Gateway: 404. No Service: it passes through the mesh, and fails by itself."""
    if side == "gateway":
        assert scene.gateway("unknown.example").status == 404
    else:
        assert scene.mesh("http://unknown.invalid/").status in {502, 503}
