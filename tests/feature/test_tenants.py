"""What tenants try against each other: none of it succeeds, and the status says why."""

import contextlib
import socket

import pytest

from feature import tenants
from feature.route_scene import Scene, documents, service
from feature.scene import running
from feature.tenant_attacks import ATTACKS, GRANTS, MESH
from feature.tenants import BYSTANDER, EVIL, VICTIM
from support.certificates import CA, tls_secret
from support.tried import tell

GRANTED = ("for-grpc", "for-bystander", "not-granted", "self-granted")


@pytest.fixture(scope="module")
def scene(echo, tmp_path_factory):
    files = tenants.base(echo)
    files["attacks.yaml"] = documents(*(attack.text for attack in ATTACKS))
    files["grants.yaml"] = GRANTS
    files["mesh.yaml"] = documents(MESH, service("own", echo.port(EVIL), namespace=EVIL))
    files["theirs.yaml"] = documents(
        *(service(name, echo.port(VICTIM), namespace=VICTIM) for name in GRANTED),
        tls_secret("key", CA("tenants").issue(["shop.example"]), namespace=VICTIM),
        tenants.thing(
            "LocalRateLimit",
            "theirs",
            "{requests: 1}",
            api="fairlead.dev/v1alpha1",
            namespace=VICTIM,
        ),
    )
    with running(tmp_path_factory, files, pods=False) as run:
        errors = [item["problem"] for item in run.get("problems")]
        assert not [each for each in errors if each["severity"] == "error"]
        run.until("pods", lambda: len(run.get("pods")) == 3)
        yield Scene(run, echo)


def ask(scene, url, **options):
    host, _, path = url.partition("/")
    return scene.gateway(host, f"/{path}", name="edge", namespace="infra", **options)


def conditions(found):
    """All conditions in a status, wherever they stand."""
    if isinstance(found, list):
        return [each for item in found for each in conditions(item)]
    if not isinstance(found, dict):
        return []
    own = found.get("conditions", [])
    return [
        *own,
        *(
            each
            for key, value in found.items()
            if key != "conditions"
            for each in conditions(value)
        ),
    ]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.name)
def test_an_attack_fails_and_the_status_says_why(scene, attack):
    for url in attack.safe:
        assert ask(scene, url).backend == VICTIM, url
    for url in attack.closed:
        answer = ask(scene, url)
        assert answer.backend is None
        assert answer.status >= 400
    told = conditions(scene.run.one(attack.kind, attack.object, EVIL).get("status", {}))
    status, reason, words = attack.said
    assert any(
        each["type"] == attack.condition
        and each["status"] == status
        and reason in each["reason"]
        and words in each["message"]
        for each in told
    ), told


@pytest.mark.parametrize(
    "url", [f"http://app.{VICTIM}/", f"http://app.{VICTIM}.svc.cluster.local/"]
)
def test_a_route_on_another_one_s_service_acts_for_its_own_namespace_alone(scene, url):
    assert scene.mesh(url, namespace=EVIL).backend == EVIL
    assert scene.mesh(url, namespace=BYSTANDER).backend == VICTIM
    assert scene.mesh(url, namespace=VICTIM).backend == VICTIM
    assert scene.mesh("http://app/", namespace=VICTIM).backend == VICTIM


def test_no_connection_reaches_a_backend_without_a_grant(scene):
    address, _ = scene.gateway_place("edge", "infra")
    with socket.create_connection((address, 18901), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert not client.recv(1)


def test_no_copy_reaches_another_namespace(scene):
    before = scene.echo.reached[VICTIM, "copied"]
    for _ in range(20):
        answer = ask(scene, "copies.reach.example/", headers=(("x-echo-id", "copied"),))
        assert answer.backend == EVIL
    assert scene.echo.reached[VICTIM, "copied"] == before


def test_a_grant_that_is_taken_back_ends_the_reference(scene):
    rule = f"{{backendRefs: [{{name: lent, port: 80, namespace: {VICTIM}}}]}}"
    parent = f"{tenants.EDGE}, sectionName: reach}}"
    lent = tenants.route("HTTPRoute", "lent", parent, "lent.reach.example", rule)
    allowed = tenants.grant("lent", "HTTPRoute", "Service", origin=EVIL, target="lent", at=VICTIM)
    scene.run.write(
        "lent.yaml", documents(lent, service("lent", scene.echo.port(VICTIM), namespace=VICTIM))
    )
    scene.run.write("lent-grant.yaml", allowed)
    scene.run.until("lent", lambda: ask(scene, "lent.reach.example/").backend == VICTIM)
    scene.run.remove("lent-grant.yaml")
    scene.run.until("taken back", lambda: ask(scene, "lent.reach.example/").status == 500)
    (told,) = [
        each
        for each in conditions(scene.run.one("httproutes", "lent", EVIL)["status"])
        if each["type"] == "ResolvedRefs"
    ]
    assert (told["status"], told["reason"]) == ("False", "RefNotPermitted")


def test_a_namespace_that_loses_its_label_loses_its_routes(scene):
    space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: guest, labels: {team: %s}}\n"
    parent = f"{tenants.EDGE}, sectionName: shop}}"
    text = tenants.route(
        "HTTPRoute",
        "guest",
        parent,
        "shop.example",
        f"{{matches: [{{path: {{value: /guest}}}}], backendRefs: [{tenants.to()}]}}",
    ).replace(f"namespace: {EVIL}", "namespace: guest")
    scene.run.write(
        "guest.yaml", documents(text, service("app", scene.echo.port(EVIL), namespace="guest"))
    )
    scene.run.write("guest-space.yaml", space % "shop")
    scene.run.until("a guest", lambda: ask(scene, "shop.example/guest").backend == EVIL)
    scene.run.write("guest-space.yaml", space % "evil")
    scene.run.until("no guest", lambda: ask(scene, "shop.example/guest").backend == VICTIM)
    told = conditions(scene.run.one("httproutes", "guest", "guest")["status"])
    assert ("Accepted", "False", "NotAllowedByListeners") in [
        (c["type"], c["status"], c["reason"]) for c in told
    ]


def test_the_attacks_are_as_many_as_we_say():
    names = {attack.name for attack in ATTACKS}
    assert len(names) == len(ATTACKS)
    others = 6  # between pods, a grant that is taken back, a label that is lost
    tell("attacks of tenants", len(ATTACKS) + others)
    assert len(ATTACKS) + others >= 40
