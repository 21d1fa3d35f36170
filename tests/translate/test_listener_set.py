"""ListenerSets: who may add listeners to a Gateway, who wins a port, and what owners are told.

The cases are those of the conformance tests ListenerSet*, and what they leave out.
"""

import json

import pytest

from fairlead.ir.origin import Origin
from fairlead.ir.proxy_status import ProxyStatus, Rejection
from support.certificates import CA, tls_secret
from translate.world import CLASS, World

PROXY = "gateway/default/gate"
HTTP_80 = f"{PROXY}/http-80"
CERTIFICATE = CA("test").issue(dns=["a.example"])


def flow(value):
    """A value as YAML takes it inside a line."""
    return json.dumps(value)


def http(name, hostname=None, port=80, **more):
    found = {"name": name, "port": port, "protocol": "HTTP", **more}
    return {**found, "hostname": hostname} if hostname else found


def tcp(name, port):
    return {"name": name, "port": port, "protocol": "TCP"}


def gateway(*listeners, allowed="Same", name="gate", **spec):
    spec = {
        "gatewayClassName": "fairlead",
        "listeners": listeners or [http("own", "own.example")],
        "allowedListeners": {
            "namespaces": allowed if isinstance(allowed, dict) else {"from": allowed}
        },
        **spec,
    }
    if allowed == "default":
        del spec["allowedListeners"]
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec: {flow(spec)}
"""


def listener_set(name, *listeners, namespace="default", created="", parent="gate"):
    metadata = {"name": name, "namespace": namespace, "generation": 4}
    if created:
        metadata["creationTimestamp"] = created
    spec = {"parentRef": {"name": parent, "namespace": "default"}, "listeners": listeners}
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {flow(metadata)}
spec: {flow(spec)}
"""


def namespace(name, **labels):
    return f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {name}, labels: {flow(labels)}}}
"""


def route(name, *parents, namespace="default", hostnames=()):
    spec = {
        "parentRefs": parents,
        "hostnames": hostnames,
        "rules": [{"backendRefs": [{"name": "backend", "port": 80}]}],
    }
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec: {flow(spec)}
"""


def to_set(name, section=None, **more):
    ref = {"kind": "ListenerSet", "name": name, **more}
    return {**ref, "sectionName": section} if section else ref


def told(world, name, namespace="default"):
    """{condition: (status, reason)} of a ListenerSet."""
    report = world.report("ListenerSet", name, namespace)
    return {each.type: (each.status, each.reason) for each in report.conditions}


def listener(world, name, section, namespace="default"):
    """The report of one listener and {condition: (status, reason)}."""
    report = world.report("ListenerSet", name, namespace)
    found = next(each for each in report.listeners if each.name == section)
    return found, {each.type: (each.status, each.reason) for each in found.conditions}


def attached_sets(world, name="gate"):
    return world.report("Gateway", name).attached_listener_sets


def acknowledge(world, *names):
    world.apply(ProxyStatus(PROXY, connected=True, listeners=names))


REFUSED = {
    "Accepted": ("False", "NotAllowed"),
    "Programmed": ("False", "NotAllowed"),
}
ACCEPTED = {
    "Accepted": ("True", "Accepted"),
    "Programmed": ("True", "Programmed"),
}
LOST = {
    "Accepted": ("False", "ListenersNotValid"),
    "Programmed": ("False", "ListenersNotValid"),
}


@pytest.mark.parametrize("allowed", ["default", "None"])
def test_a_gateway_takes_no_sets_unless_it_says_so(allowed):
    world = World(gateway(allowed=allowed), listener_set("set", http("one", "one.example")))
    assert told(world, "set") == REFUSED
    assert attached_sets(world) == 0
    assert world.gateway()["Accepted"].status == "True"
    message = world.report("ListenerSet", "set").conditions[0].message
    assert "allowedListeners" in message


def test_a_gateway_takes_sets_of_its_own_namespace():
    world = World(
        gateway(allowed="Same"),
        listener_set("here", http("one", "one.example")),
        listener_set("there", http("two", "two.example"), namespace="other"),
    )
    acknowledge(world, "http-80")
    assert told(world, "here") == ACCEPTED
    assert told(world, "there", "other") == REFUSED
    assert attached_sets(world) == 1
    assert {
        each.observed_generation for each in world.report("ListenerSet", "here").conditions
    } == {4}


def test_a_gateway_takes_sets_of_selected_namespaces_as_their_labels_change():
    selector = {"from": "Selector", "selector": {"matchLabels": {"sets": "yes"}}}
    world = World(
        gateway(allowed=selector),
        namespace("good", sets="yes"),
        namespace("bad"),
        listener_set("set", http("one", "one.example"), namespace="good"),
        listener_set("set", http("two", "two.example"), namespace="bad"),
    )
    acknowledge(world, "http-80")
    assert told(world, "set", "good") == ACCEPTED
    assert told(world, "set", "bad") == REFUSED
    world.apply(namespace("bad", sets="yes"), namespace("good"))
    assert told(world, "set", "good") == REFUSED
    assert told(world, "set", "bad") == ACCEPTED
    assert attached_sets(world) == 1


def test_all_namespaces_may_be_allowed():
    world = World(gateway(allowed="All"), listener_set("set", http("a"), namespace="other"))
    acknowledge(world, "http-80")
    assert told(world, "set", "other") == ACCEPTED


def hostname_world(make):
    """The scene of ListenerSetHostnameConflict and ListenerSetProtocolConflict."""
    with_gateway, with_set = make("with-gateway", "g.example"), make("with-set", "s.example")
    return World(
        gateway(http("own"), http("with-gateway", "g.example")),
        listener_set(
            "set-1", http("one", "one.example"), with_gateway, http("with-set", "s.example")
        ),
        listener_set("set-2", with_gateway),
        listener_set("set-3", http("two", "two.example"), with_set),
        listener_set("set-4", with_set),
    )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (http, "HostnameConflict"),
        (lambda name, _hostname: tcp(name, 80), "ProtocolConflict"),
    ],
)
def test_the_gateway_wins_then_the_first_set(make, reason):
    world = hostname_world(make)
    acknowledge(world, "http-80")
    lost = {
        "Accepted": ("False", reason),
        "Programmed": ("False", reason),
        "ResolvedRefs": ("True", "ResolvedRefs"),
        "Conflicted": ("True", reason),
    }
    assert world.listener("with-gateway")[1]["Programmed"].status == "True"
    for name in ("set-1", "set-3"):
        assert told(world, name) == {
            "Accepted": ("True", "ListenersNotValid"),
            "Programmed": ("True", "Programmed"),
        }
    for name in ("set-2", "set-4"):
        assert told(world, name) == LOST
    for name, section in [
        ("set-1", "with-gateway"),
        ("set-2", "with-gateway"),
        ("set-3", "with-set"),
        ("set-4", "with-set"),
    ]:
        assert listener(world, name, section)[1] == lost
    won = listener(world, "set-1", "with-set")[1]
    assert won["Programmed"] == ("True", "Programmed")
    assert won["Conflicted"] == ("False", "NoConflicts")
    assert attached_sets(world) == 2


def test_the_older_set_wins_and_when_it_goes_the_next_takes_over():
    world = World(
        gateway(allowed="All"),
        listener_set("young", http("x", "x.example"), created="2026-03-01T00:00:00Z"),
        listener_set("old", http("x", "x.example"), created="2026-01-01T00:00:00Z"),
        listener_set("ageless", http("x", "x.example"), namespace="a"),
        route("young", to_set("young")),
        route("old", to_set("old")),
    )
    acknowledge(world, "http-80")
    assert told(world, "old") == ACCEPTED
    assert told(world, "young") == told(world, "ageless", "a") == LOST
    assert world.hosts(HTTP_80)["x.example"] == ["default/old/0/0"]
    assert world.parent("young")["Accepted"].status == "True"  # it may wait for its turn
    assert (
        "see the status of ListenerSet default/young" in world.parent("young")["Accepted"].message
    )
    world.remove("ListenerSet", "old")
    assert told(world, "young") == ACCEPTED
    assert world.hosts(HTTP_80)["x.example"] == ["default/young/0/0"]
    world.remove("ListenerSet", "young")
    assert told(world, "ageless", "a") == ACCEPTED


def test_of_one_age_the_first_set_by_namespace_slash_name_wins():
    sets = [listener_set("set", http("web", "a.example"), namespace=each) for each in ("a", "a-b")]
    world = World(gateway(allowed="All"), *sets)
    assert told(world, "set", "a-b")["Accepted"] == ("True", "Accepted")
    assert told(world, "set", "a")["Accepted"] == ("False", "ListenersNotValid")
    world.remove("ListenerSet", "set", "a-b")
    assert told(world, "set", "a")["Accepted"] == ("True", "Accepted")


def test_of_equal_listeners_in_one_set_none_is_served():
    world = World(gateway(), listener_set("set", http("a", "x.example"), http("b", "x.example")))
    for section in ("a", "b"):
        assert listener(world, "set", section)[1]["Conflicted"] == ("True", "HostnameConflict")
    assert told(world, "set") == LOST


def test_a_set_that_loses_is_in_nobodys_way():
    world = World(
        gateway(http("own", port=81), allowed="All"),
        listener_set("first", tcp("t", 81), created="2026-01-01T00:00:00Z"),
        listener_set("second", http("h", "h.example", port=81), created="2026-02-01T00:00:00Z"),
    )
    assert told(world, "first") == LOST
    assert listener(world, "second", "h")[1]["Accepted"] == ("True", "Accepted")


def test_messages_tell_nothing_of_other_sets():
    world = World(
        gateway(allowed="All"),
        listener_set("secret-name", http("hidden", "x.example"), namespace="a"),
        listener_set("set", http("mine", "x.example"), namespace="b"),
    )
    found, _ = listener(world, "set", "mine", "b")
    assert "secret-name" not in str(found)
    assert "hidden" not in str(found)


def test_routes_of_the_sets_namespace_are_the_same():
    same, everyone = {"namespaces": {"from": "Same"}}, {"namespaces": {"from": "All"}}
    world = World(
        gateway(allowed="All"),
        listener_set(
            "set",
            http("same", "same.example", allowedRoutes=same),
            http("all", "all.example", allowedRoutes=everyone),
            namespace="team",
        ),
        route("mine", to_set("set"), namespace="team"),
        route("guest", to_set("set", "same", namespace="team")),
        route("visitor", to_set("set", namespace="team")),
    )
    assert listener(world, "set", "same", "team")[0].attached_routes == 1
    assert listener(world, "set", "all", "team")[0].attached_routes == 2
    assert world.parent("guest")["Accepted"].reason == "NotAllowedByListeners"
    assert world.hosts(HTTP_80) == {
        "all.example": ["default/visitor/0/0", "team/mine/0/0"],
        "same.example": ["team/mine/0/0"],
    }


def test_kinds_that_a_listener_cannot_take_are_told():
    kinds = {"kinds": [{"kind": "TLSRoute"}]}
    world = World(gateway(), listener_set("set", http("one", "one.example", allowedRoutes=kinds)))
    found, conditions = listener(world, "set", "one")
    assert conditions["ResolvedRefs"] == ("False", "InvalidRouteKinds")
    assert found.supported_kinds == ()


def https(name, secret, namespace=None, hostname="a.example"):
    ref = {"name": secret, **({"namespace": namespace} if namespace else {})}
    return {
        "name": name,
        "port": 443,
        "protocol": "HTTPS",
        "hostname": hostname,
        "tls": {"certificateRefs": [ref]},
    }


def grant(kind, from_namespace, namespace):
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {{name: grant, namespace: {namespace}}}
spec:
  from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: {from_namespace}}}]
  to: [{{group: "", kind: Secret}}]
"""


def test_references_count_in_the_sets_namespace():
    world = World(
        gateway(allowed="All"),
        tls_secret("cert", CERTIFICATE, namespace="keys"),
        grant("Gateway", "default", "keys"),  # what the Gateway may do is not inherited
        listener_set("set", https("secure", "cert", "keys"), namespace="team"),
    )
    conditions = listener(world, "set", "secure", "team")[1]
    assert conditions["ResolvedRefs"] == ("False", "RefNotPermitted")
    assert conditions["Programmed"] == ("False", "Invalid")
    assert conditions["Accepted"] == ("True", "Accepted")
    assert told(world, "set", "team") == LOST
    assert attached_sets(world) == 0
    world.apply(grant("ListenerSet", "team", "keys"))
    acknowledge(world, "http-80", "tls-443")
    assert told(world, "set", "team") == ACCEPTED
    assert attached_sets(world) == 1
    chain = world.outputs.chains.get((PROXY, "tls-443", "a.example"))
    assert chain.tls.certificates == ("certificate/keys/cert",)
    assert chain.origin == Origin("ListenerSet", "team", "set", field="spec.listeners[0]")
    own = World(
        gateway(allowed="All"),
        tls_secret("cert", CERTIFICATE, namespace="team"),
        listener_set("set", https("secure", "cert"), namespace="team"),
    )
    assert listener(own, "set", "secure", "team")[1]["ResolvedRefs"] == ("True", "ResolvedRefs")


def test_parents_are_independent_of_each_other():
    world = World(
        gateway(http("gate-listener", "gate.example")),
        listener_set("set", http("set-listener", "set.example")),
        route("both", {"name": "gate"}, to_set("set")),
        route(
            "one", {"name": "gate", "sectionName": "set-listener"}, to_set("set", "set-listener")
        ),
        route("only-gate", {"name": "gate"}),
        route("only-set", to_set("set")),
    )
    assert [world.parent("both", index)["Accepted"].status for index in (0, 1)] == ["True", "True"]
    assert world.parent("one", 0)["Accepted"].reason == "NoMatchingParent"
    assert world.parent("one", 1)["Accepted"].status == "True"
    assert len(world.report("HTTPRoute", "only-gate").parents) == 1
    assert world.report("HTTPRoute", "only-set").parents[0].parent_ref.kind == "ListenerSet"
    assert world.hosts(HTTP_80) == {
        "gate.example": ["default/both/0/0", "default/only-gate/0/0"],
        "set.example": ["default/both/0/0", "default/one/0/0", "default/only-set/0/0"],
    }
    assert listener(world, "set", "set-listener")[0].attached_routes == 3
    assert world.listener("gate-listener")[0].attached_routes == 2


def test_equal_names_in_several_objects_are_different_listeners():
    world = World(
        gateway(http("web", "gate.example")),
        listener_set("a", http("web", "a.example")),
        listener_set("b", http("web", "b.example")),
        route("a", to_set("a", "web")),
    )
    assert world.hosts(HTTP_80) == {"a.example": ["default/a/0/0"]}
    assert listener(world, "a", "web")[0].attached_routes == 1
    assert listener(world, "b", "web")[0].attached_routes == 0
    assert world.listener("web")[0].attached_routes == 0


def test_listeners_are_isolated_from_each_other_whoever_wrote_them():
    world = World(
        gateway(http("wide", "*.example.com")),
        route("wide", {"name": "gate"}),
        route("exact", {"name": "gate"}, hostnames=["x.example.com"]),
    )
    assert set(world.hosts(HTTP_80)) == {"*.example.com", "x.example.com"}
    world.apply(listener_set("set", http("narrow", "x.example.com")))
    assert world.hosts(HTTP_80) == {"*.example.com": ["default/wide/0/0"], "x.example.com": []}
    assert world.parent("exact")["Accepted"].status == "True"
    world.apply(route("own", to_set("set")))
    assert world.hosts(HTTP_80)["x.example.com"] == ["default/own/0/0"]
    world.remove("ListenerSet", "set")
    assert world.hosts(HTTP_80) == {
        "*.example.com": ["default/wide/0/0"],
        "x.example.com": ["default/exact/0/0", "default/wide/0/0"],
    }


def test_a_set_brings_ports_and_proxies_of_its_own():
    world = World(gateway(tcp("a", 80), tcp("b", 80)), listener_set("set", http("web", port=8080)))
    assert world.gateway()["Accepted"].reason == "ListenersNotValid"
    assert world.gateway()["Accepted"].status == "True"
    assert list(world.outputs.listeners.keys()) == [(PROXY, "http-8080")]
    assert list(world.outputs.fleet.keys()) == [PROXY]
    assert world.outputs.listeners.get((PROXY, "http-8080")).origins == (
        Origin("Gateway", "default", "gate"),
    )
    world.remove("ListenerSet", "set")
    assert world.gateway()["Accepted"].status == "False"
    assert not world.outputs.fleet.keys()


def test_without_its_gateway_a_set_is_told_so():
    world = World(listener_set("set", http("web")))
    assert told(world, "set")["Accepted"] == ("False", "ParentNotAccepted")
    assert "does not exist" in world.report("ListenerSet", "set").conditions[0].message
    refused = gateway(addresses=[{"type": "Hostname", "value": "a.example"}])
    world.apply(refused)
    assert told(world, "set")["Accepted"] == ("False", "ParentNotAccepted")
    assert attached_sets(world) == 0
    world.apply(gateway())
    assert told(world, "set")["Accepted"] == ("True", "Accepted")


def test_in_a_cluster_sets_of_other_controllers_are_left_alone():
    world = World(gateway(), listener_set("set", http("web")), standalone=False)
    assert world.report("Gateway", "gate") is None  # nobody has said whose the class is
    world.apply(CLASS)
    assert world.report("Gateway", "gate").kind == "Gateway"
    foreign = gateway(name="foreign").replace('"fairlead"', '"someone-else"')
    world.apply(foreign, listener_set("theirs", http("web"), parent="foreign"))
    assert world.report("ListenerSet", "theirs") is None
    world.apply(listener_set("lost", http("web"), parent="nowhere"))
    assert world.report("ListenerSet", "lost") is None


def test_a_set_waits_for_the_proxy_as_its_gateway_does():
    world = World(gateway(), listener_set("set", http("web", port=8080)))
    assert told(world, "set")["Programmed"] == ("False", "Pending")
    acknowledge(world, "http-80")
    assert told(world, "set")["Programmed"] == ("False", "Pending")
    acknowledge(world, "http-80", "http-8080")
    assert told(world, "set")["Programmed"] == ("True", "Programmed")
    origin = Origin("ListenerSet", "default", "set", field="spec.listeners[0]")
    refused = Rejection("listener", "http-8080", "chain", "no such thing", (origin,))
    world.apply(
        ProxyStatus(
            PROXY, connected=True, listeners=("http-80", "http-8080"), rejections=(refused,)
        )
    )
    assert told(world, "set")["Programmed"] == ("False", "Invalid")
    assert "no such thing" in str(listener(world, "set", "web")[0])
    assert world.gateway()["Programmed"].status == "True"


def test_a_route_to_a_set_that_is_not_there_is_told_so():
    world = World(gateway(), route("lost", to_set("nowhere")))
    accepted = world.parent("lost")["Accepted"]
    assert (accepted.reason, accepted.message) == (
        "NoMatchingParent",
        "ListenerSet default/nowhere does not exist",
    )


def test_a_route_to_a_set_without_gateway_is_not_told_that_its_listener_is_missing():
    world = World(listener_set("set", http("web")), route("app", to_set("set", "web")))
    accepted = world.parent("app")["Accepted"]
    assert (accepted.reason, accepted.message) == (
        "NoMatchingParent",
        "ListenerSet default/set has no Gateway to serve it; see its status",
    )
    world.apply(gateway())
    assert world.parent("app")["Accepted"].status == "True"
    world.remove("Gateway", "gate")
    assert world.parent("app")["Accepted"] == accepted


def work(number):
    """Function runs that a new set, its route, and their end cost beside `number` sets."""
    texts = []
    for each in range(number):
        space = f"team{each}"
        texts.append(
            listener_set(
                "set", http("web", f"h{each}.example"), namespace=space, created="2026-01-01"
            )
        )
        texts.append(route("app", to_set("set"), namespace=space))
    world = World(gateway(allowed="All"), *texts)

    def runs():
        return sum(each.runs for each in world.graph.dump().collections)

    counted = []
    new = listener_set("set", http("web", "new.example"), namespace="late", created="2026-02-01")
    for change in (
        lambda: world.apply(new),
        lambda: world.apply(route("app", to_set("set"), namespace="late")),
        lambda: world.remove("ListenerSet", "set", "late"),
    ):
        before = runs()
        assert change()
        counted.append(runs() - before)
    return counted


def test_a_set_costs_the_same_beside_few_and_beside_many():
    assert work(40) == work(2)
