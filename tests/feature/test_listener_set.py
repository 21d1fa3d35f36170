"""ListenerSets (GEP-1713): listeners that others add to a Gateway, by real requests."""

import contextlib
import http.client
import json

import pytest

from feature.harness import Instance, parent_conditions
from feature.route_scene import documents, forward, route, service
from support import tls
from support.certificates import CA, tls_secret
from support.http import exchange, send

AUTHORITY = CA("sets")
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: fairlead
  allowedListeners: {namespaces: {from: Selector, selector: {matchLabels: {sets: "yes"}}}}
  listeners:
  - name: web
    port: 80
    protocol: HTTP
    hostname: gate.example
    allowedRoutes: {namespaces: {from: All}}
  - {name: wide, port: 80, protocol: HTTP, hostname: "*.wide.example"}
"""


def namespace(name, allowed):
    labels = '{sets: "yes"}' if allowed else "{}"
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {labels}}}\n"


def listener_set(name, namespace, *listeners, created=""):
    age = f", creationTimestamp: '{created}'" if created else ""
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {{name: {name}, namespace: {namespace}{age}}}
spec:
  parentRef: {{name: gate, namespace: default}}
  listeners: [{", ".join(listeners)}]
"""


def listener(name, host, port=80, protocol="HTTP", more=""):
    hostname = f", hostname: {host}" if host else ""
    return f"{{name: {name}, port: {port}, protocol: {protocol}{hostname}{more}}}"


def to_set(name, section="", space=""):
    where = f", namespace: {space}" if space else ""
    which = f", sectionName: {section}" if section else ""
    return f"{{kind: ListenerSet, name: {name}{where}{which}}}"


CERT = ", tls: {certificateRefs: [{name: cert}]}"
ALL = ", allowedRoutes: {namespaces: {from: All}}"
BOTH = f"{{name: gate, namespace: default, sectionName: shop}}, {to_set('shop', 'more')}"
FILES = {
    "gateway.yaml": documents(
        GATEWAY, namespace("team", allowed=True), namespace("rival", allowed=True)
    ),
    "guests.yaml": namespace("guests", allowed=False),
    "sets.yaml": documents(
        listener_set(
            "shop",
            "team",
            listener("web", "shop.example"),
            listener("everyone", "open.example", more=ALL),
            listener("more", "", 18180),
            listener("secure", "shop.example", 443, "HTTPS", CERT),
        ),
        listener_set("uninvited", "guests", listener("web", "guests.example")),
    ),
    "cert.yaml": tls_secret("cert", AUTHORITY.issue(dns=["shop.example"]), namespace="team"),
    "routes.yaml": documents(
        route("gate", forward("v1"), parents="{name: gate}"),
        route("wide", forward("v1"), parents="{name: gate, sectionName: wide}"),
        route("shop", forward("v2"), parents=to_set("shop"), namespace="team"),
        route("visitor", forward("v3"), parents=to_set("shop", "everyone", "team")),
        route("turned-away", forward("v3"), parents=to_set("shop", "web", "team")),
        route("both", forward("v3"), parents=BOTH, namespace="team"),
        route("guests", forward("v2"), parents=to_set("uninvited"), namespace="guests"),
    ),
}  # fmt: skip


class Scene:
    """The instance, and ways to ask its Gateway."""

    def __init__(self, run):
        self.run = run

    def place(self, port=80):
        address, _, bound = self.run.url("gate", port=port).removeprefix("http://").rpartition(":")
        return address, int(bound)

    def backend(self, host, port=80):
        """The backend that answers, or the status."""
        answer = send(self.place(port), "/", host)
        return named(answer)

    def told(self, name, space, section=""):
        """Type to (status, reason) of a ListenerSet, or of a listener of it."""
        found = self.run.one("listenersets", name, space)["status"]
        if section:
            (found,) = (each for each in found["listeners"] if each["name"] == section)
        return {each["type"]: (each["status"], each["reason"]) for each in found["conditions"]}

    def until(self, what, check):
        self.run.until(what, check)


def named(answer):
    """The backend that answered, or the status."""
    return json.loads(answer.body)["backend"] if answer.status == 200 else answer.status


@pytest.fixture(scope="module")
def scene(echo, tmp_path_factory):
    names, spaces = ("v1", "v2", "v3"), ("default", "team", "rival", "guests")
    services = [service(n, echo.port(n), namespace=space) for n in names for space in spaces]
    files = FILES | {"services.yaml": documents(*services)}
    instance = Instance(tmp_path_factory.mktemp("sets"), files)
    try:
        yield Scene(instance.start())
    finally:
        instance.stop()


def test_routes_of_a_set_are_served_by_its_own_listeners(scene):
    assert scene.backend("gate.example") == "v1"
    assert scene.backend("shop.example") == "v2"
    assert scene.backend("open.example") in {"v2", "v3"}
    assert scene.backend("any.example", 18180) in {"v2", "v3"}
    assert scene.backend("unknown.example") == 404
    told = scene.told("shop", "team")
    assert told == {"Accepted": ("True", "Accepted"), "Programmed": ("True", "Programmed")}
    for section in ("web", "everyone", "more", "secure"):
        assert scene.told("shop", "team", section)["Programmed"] == ("True", "Programmed")
    assert scene.run.one("gateways", "gate")["status"]["attachedListenerSets"] == 1


def test_a_set_s_certificate_comes_from_its_own_namespace(scene):
    answer = tls.get(scene.place(443), "shop.example", context=AUTHORITY.client_context())
    assert named(answer) == "v2"


def test_counts_and_conditions_of_routes(scene):
    listeners = scene.run.one("listenersets", "shop", "team")["status"]["listeners"]
    counts = {each["name"]: each["attachedRoutes"] for each in listeners}
    assert counts == {"web": 1, "everyone": 2, "more": 2, "secure": 1}
    of = scene.run.one
    refused = parent_conditions(of("httproutes", "turned-away"))
    assert refused["Accepted"] == ("False", "NotAllowedByListeners")
    both = of("httproutes", "both", "team")
    assert parent_conditions(both, 0)["Accepted"] == ("False", "NoMatchingParent")
    assert parent_conditions(both, 1)["Accepted"] == ("True", "Accepted")
    assert len(of("httproutes", "gate")["status"]["parents"]) == 1


def test_a_set_that_the_gateway_does_not_take_until_it_does(scene):
    refused = {"Accepted": ("False", "NotAllowed"), "Programmed": ("False", "NotAllowed")}
    assert scene.told("uninvited", "guests") == refused
    assert scene.backend("guests.example") == 404
    scene.run.write("guests.yaml", namespace("guests", allowed=True))
    scene.until("guests are served", lambda: scene.backend("guests.example") == "v2")
    scene.until(
        "and told so",
        lambda: scene.told("uninvited", "guests")["Programmed"] == ("True", "Programmed"),
    )
    assert scene.run.one("gateways", "gate")["status"]["attachedListenerSets"] == 2
    scene.run.write("guests.yaml", namespace("guests", allowed=False))
    scene.until("guests are gone", lambda: scene.backend("guests.example") == 404)


def test_the_older_set_has_the_hostname_until_it_goes(scene):
    lost = ("False", "HostnameConflict")
    young = documents(
        listener_set(
            "young", "rival", listener("web", "prize.example"), created="2026-02-01T00:00:00Z"
        ),
        route("young", forward("v3"), parents=to_set("young"), namespace="rival"),
    )
    old = documents(
        listener_set(
            "old", "team", listener("web", "prize.example"), created="2026-01-01T00:00:00Z"
        ),
        route("old", forward("v1"), parents=to_set("old"), namespace="team"),
    )
    scene.run.write("young.yaml", young)
    scene.until("the only one has it", lambda: scene.backend("prize.example") == "v3")
    scene.run.write("old.yaml", old)
    scene.until("the older one takes it", lambda: scene.backend("prize.example") == "v1")
    scene.until("who lost is told", lambda: scene.told("young", "rival", "web")["Accepted"] == lost)
    assert scene.told("young", "rival", "web")["Conflicted"] == ("True", "HostnameConflict")
    assert scene.told("young", "rival")["Accepted"] == ("False", "ListenersNotValid")
    scene.run.remove("old.yaml")
    scene.until("the younger one has it again", lambda: scene.backend("prize.example") == "v3")
    scene.run.remove("young.yaml")
    scene.until("nobody has it", lambda: scene.backend("prize.example") == 404)


def test_a_port_of_the_gateway_cannot_be_taken_by_another_protocol(scene):
    scene.run.write("thief.yaml", listener_set("thief", "rival", listener("raw", "", 80, "TCP")))
    conflict = ("True", "ProtocolConflict")

    def told():
        names = {each["metadata"]["name"] for each in scene.run.get("listenersets")}
        return "thief" in names and scene.told("thief", "rival", "raw")["Conflicted"] == conflict

    scene.until("the conflict is told", told)
    assert scene.backend("gate.example") == "v1"
    scene.run.remove("thief.yaml")


def test_listeners_of_sets_are_isolated_from_wider_ones(scene):
    assert scene.backend("inner.wide.example") == "v1"
    inner = listener_set("inner", "team", listener("web", "inner.wide.example"))
    scene.run.write("inner.yaml", inner)
    scene.until("its host is its own", lambda: scene.backend("inner.wide.example") == 404)
    assert scene.backend("other.wide.example") == "v1"
    scene.run.write(
        "inner-route.yaml",
        route("inner", forward("v2"), parents=to_set("inner"), namespace="team"),
    )
    scene.until("its route serves it", lambda: scene.backend("inner.wide.example") == "v2")
    scene.run.remove("inner.yaml")
    scene.until("the wider one has it again", lambda: scene.backend("inner.wide.example") == "v1")
    scene.run.remove("inner-route.yaml")


def test_a_set_that_comes_and_goes_disturbs_no_connection(scene):
    more = listener_set("brief", "team", listener("tls", "brief.example", 443, "HTTPS", CERT))
    context = AUTHORITY.client_context()
    plain = contextlib.closing(http.client.HTTPConnection(*scene.place(), timeout=20))
    kept = tls.connection(scene.place(443), "shop.example", context)

    def closed():
        try:
            tls.handshake(scene.place(443), "brief.example", unchecked)
        except OSError:
            return True
        return False

    unchecked = AUTHORITY.client_context()
    unchecked.check_hostname = False
    with plain as one, kept as two:
        for connection, host in ((one, "gate.example"), (two, "shop.example")):
            assert exchange(connection, "/", host).status == 200
        scene.run.write("brief.yaml", more)
        scene.until("the new one serves", lambda: not closed())
        scene.run.remove("brief.yaml")
        scene.until("it is gone", closed)
        for connection, host in ((one, "gate.example"), (two, "shop.example")):
            assert connection.sock is not None
            assert exchange(connection, "/", host).status == 200
