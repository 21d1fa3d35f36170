"""One Service for each address that is asked for; those that have theirs keep it."""

import json

import pytest

from dataplane.kubernetes.makers import ANY, carried_out, give, made, proxy, stored
from fairlead.dataplane.kubernetes import live, names, plan, services
from fairlead.ir.infrastructure import AskedAddress, Deployment

A, B = AskedAddress("198.51.100.1"), AskedAddress("198.51.100.2")
INSIDE = AskedAddress(cluster=True)


def types(found):
    """{number: (type, address asked for)} of Services that there are."""
    return {
        number: (each.type, each.asked) for number, each in plan.numbered_services(P, found).items()
    }


P = proxy()


def changed(found, wanted):
    """{number: type and what it is for} of the Services that there shall be."""
    slots = services.slots(wanted, plan.numbered_services(wanted, found))
    return {each.number: (each.type, each.asked) for each in slots}


def addresses(found, wanted, nodes=()):
    numbered = plan.numbered_services(wanted, found)
    return services.addresses(wanted, services.slots(wanted, numbered), numbered, nodes)


def test_one_address_of_any_value_takes_one_load_balancer():
    found = made(P, s1="198.51.100.7")
    assert changed(found, P) == {1: ("LoadBalancer", ANY)}
    assert addresses(found, P).given == ("198.51.100.7",)


def test_several_addresses_take_several_services():
    wanted = proxy("edge", A, B, INSIDE)
    assert changed({}, wanted) == {
        1: ("LoadBalancer", A),
        2: ("LoadBalancer", B),
        3: ("ClusterIP", INSIDE),
    }


def test_an_address_stays_with_its_service_when_others_go():
    found = made(proxy("edge", A, B), s1="198.51.100.1", s2="198.51.100.2")
    assert changed(found, proxy("edge", B)) == {1: ("ClusterIP", None), 2: ("LoadBalancer", B)}
    assert addresses(found, proxy("edge", B)).given == ("198.51.100.2",)


def test_asking_by_value_for_the_address_one_has_moves_nothing():
    found = made(P, s1="198.51.100.1")
    assert changed(found, proxy("edge", A)) == {1: ("LoadBalancer", A)}
    assert changed(found, proxy("edge", B, ANY)) == {
        1: ("LoadBalancer", ANY),
        2: ("LoadBalancer", B),
    }


def test_an_address_that_was_not_asked_for_is_none():
    found = made(proxy("edge", A), s1="198.51.100.9")
    told = addresses(found, proxy("edge", A))
    assert told.given == ()
    assert told.asked == ("edge-fairlead",)


def test_host_names_of_load_balancers_are_addresses():
    found = made(P, s1="edge.lb.example.com")
    assert addresses(found, P).given == ("edge.lb.example.com",)


def test_the_clusters_own_address_is_told_apart():
    wanted = proxy("edge", ANY, INSIDE)
    found = made(wanted, s1="198.51.100.7")
    document = found["Service", "edge-fairlead-2"].document()
    document["spec"].update(clusterIP="10.96.0.9", clusterIPs=["10.96.0.9"])
    found["Service", "edge-fairlead-2"] = stored(document)
    told = addresses(found, wanted)
    assert told.given == ("198.51.100.7", "10.96.0.9")
    assert told.cluster == ("10.96.0.9",)


def test_a_certain_address_of_the_cluster_takes_a_new_service():
    certain = AskedAddress("10.96.0.77", cluster=True)
    wanted = proxy("edge", certain, deployment=Deployment(service_type="ClusterIP"))
    found = made(proxy(deployment=Deployment(service_type="ClusterIP")))
    assert changed(found, wanted) == {1: ("ClusterIP", None), 2: ("ClusterIP", certain)}
    assert (
        services.manifest(wanted, services.Slot(2, "ClusterIP", certain))["spec"]["clusterIP"]
        == "10.96.0.77"
    )


@pytest.mark.parametrize("before", ["ClusterIP", "LoadBalancer"])
def test_so_does_one_of_a_gateway_that_is_served_inside_only(before):
    """`spec.clusterIP` of a Service cannot be changed."""
    certain = AskedAddress("10.96.0.77")
    wanted = proxy("edge", certain, deployment=Deployment(service_type="ClusterIP"))
    found = made(proxy(deployment=Deployment(service_type=before)))
    assert changed(found, wanted) == {1: ("ClusterIP", None), 2: ("ClusterIP", certain)}
    assert changed({}, wanted) == {1: ("ClusterIP", certain)}


def balanced(*asked, of=""):
    return proxy("edge", *asked, deployment=Deployment(load_balancer_class=of))


@pytest.mark.parametrize("asked", [ANY, A])
@pytest.mark.parametrize(("before", "after"), [("", "b/y"), ("a/x", "b/y"), ("a/x", "")])
def test_another_class_of_load_balancer_takes_another_service(before, after, asked):
    """`spec.loadBalancerClass` cannot be changed, but a Service can become one without it."""
    found = made(balanced(asked, of=before), s1="198.51.100.1")
    second = balanced(asked, of=after)
    assert changed(found, second) == {1: ("ClusterIP", None), 2: ("LoadBalancer", asked)}
    assert changed(made(second), second) == {1: ("LoadBalancer", asked)}


def test_a_class_that_went_comes_back_to_the_first_service():
    first, second = balanced(ANY, of="a/x"), balanced(ANY, of="b/y")
    found = carried_out(second, made(first, s1="198.51.100.1"))
    assert types(found) == {1: ("ClusterIP", ""), 2: ("LoadBalancer", "")}
    assert changed(found, second) == {1: ("ClusterIP", None), 2: ("LoadBalancer", ANY)}
    assert types(carried_out(first, found)) == {1: ("LoadBalancer", "")}


def test_a_class_that_the_cluster_has_set_is_as_good_as_none():
    found = made(P, s1="198.51.100.1")
    document = found["Service", "edge-fairlead"].document()
    document["spec"]["loadBalancerClass"] = "cloud.example/default"
    del document["metadata"]["managedFields"]
    kept = live.live("Service", json.dumps(document).encode())
    found["Service", "edge-fairlead"] = kept
    assert changed(found, P) == {1: ("LoadBalancer", ANY)}
    assert changed(found, balanced(ANY, of="cloud.example/default")) == {1: ("LoadBalancer", ANY)}
    assert 2 in changed(found, balanced(ANY, of="b/y"))


def test_nodes_open_their_ports_once_for_all_addresses():
    wanted = proxy("edge", ANY, A, deployment=Deployment(service_type="NodePort"))
    found = made(wanted)
    assert changed(found, wanted) == {1: ("NodePort", ANY)}
    nodes = tuple(f"192.0.2.{number}" for number in range(20))
    assert addresses(found, wanted, nodes).given == nodes[: services.MOST]


def test_a_load_balancer_of_many_addresses_tells_as_many_as_a_status_takes():
    found = made(P)
    document = found["Service", "edge-fairlead"].document()
    ingress = [{"ip": f"192.0.2.{number}"} for number in range(20)]
    found["Service", "edge-fairlead"] = stored(
        document, status={"loadBalancer": {"ingress": ingress}}
    )
    assert addresses(found, P).given == tuple(each["ip"] for each in ingress[:16])


def test_nothing_that_can_be_given_is_asked_for():
    wanted = proxy("edge", ANY)
    none = type(wanted)(**{**_fields(wanted), "addresses": ()})
    assert changed({}, none) == {1: ("ClusterIP", None)}
    assert addresses({}, none) == services.Addresses()


def _fields(value):
    return {name: getattr(value, name) for name in value.__struct_fields__}


def test_a_service_that_is_being_deleted_is_not_counted_on():
    found = made(P, s1="198.51.100.1")
    document = found["Service", "edge-fairlead"].document()
    document["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    found["Service", "edge-fairlead"] = stored(document)
    assert live.service(found["Service", "edge-fairlead"]).deleting
    assert changed(found, proxy("edge", A)) == {1: ("LoadBalancer", A)}


@pytest.mark.parametrize("name", ["edge-fairlead-x", "edge-fairlead2", "other", "edge-fairlead-²"])
def test_services_of_other_names_are_left_out(name):
    some = live.service(made(P)["Service", "edge-fairlead"])
    assert services.numbered("edge", {name: some}) == {}
    assert services.numbered("edge", {names.service_name("edge", 3): some}) == {3: some}


def test_settings_of_the_way_there():
    wanted = proxy(
        deployment=Deployment(external_traffic_policy="Local", load_balancer_class="x.example/y")
    )
    slot = services.Slot(1, "LoadBalancer", B)
    spec = services.manifest(wanted, slot)["spec"]
    assert spec["externalTrafficPolicy"] == "Local"
    assert spec["loadBalancerClass"] == "x.example/y"
    assert spec["loadBalancerIP"] == "198.51.100.2"
    inside = services.manifest(wanted, services.Slot(1, "ClusterIP", None))["spec"]
    assert not {"externalTrafficPolicy", "loadBalancerClass", "loadBalancerIP"} & inside.keys()


def test_what_is_given_survives_a_change_of_all_else():
    found = made(P)
    give(found, P, 1, "198.51.100.3")
    assert types(found) == {1: ("LoadBalancer", "")}
    more = proxy("edge", ANY, ANY, A)
    assert changed(found, more) == {
        1: ("LoadBalancer", ANY),
        2: ("LoadBalancer", ANY),
        3: ("LoadBalancer", A),
    }
