"""Virtual addresses of Services: honoured, stable, never given twice."""

from ipaddress import ip_address, ip_network

import pytest

from translate.mesh_world import World


def service(name, namespace="default", spec="{ports: [{port: 80}]}"):
    return f"kind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}"


def address(world, name, namespace="default"):
    found = world.mesh.addresses.get((namespace, name))
    return found.address if found else None


def test_a_written_address_is_honoured():
    world = World()
    world.apply(service("a", spec="{clusterIP: 10.1.2.3, ports: [{port: 80}]}"))
    assert address(world, "a") == "10.1.2.3"


def test_an_address_is_in_the_range_and_does_not_depend_on_other_services():
    alone, crowd = World(), World()
    alone.apply(service("a"))
    crowd.apply(*(service(f"s{number}") for number in range(50)), service("a"))
    assert ip_address(address(alone, "a")) in ip_network("10.96.0.0/12")
    assert address(alone, "a") == address(crowd, "a")


@pytest.mark.parametrize(
    "spec",
    ["{clusterIP: None, ports: [{port: 80}]}", "{type: ExternalName, externalName: example.com}"],
)
def test_headless_services_and_external_names_have_none(spec):
    world = World()
    world.apply(service("a", spec=spec))
    assert address(world, "a") is None


def test_services_that_meet_in_a_small_range_still_differ_in_any_order_of_arrival():
    names = [f"s{number}" for number in range(12)]
    forth, back = World(service_cidr="10.0.0.0/27"), World(service_cidr="10.0.0.0/27")
    for name in names:
        forth.apply(service(name))
    back.apply(*(service(name) for name in reversed(names)))
    given = [address(forth, name) for name in names]
    first = {address_alone(name) for name in names}
    assert len(first) < len(names), "nobody met: the range is too large for this test"
    assert len(set(given)) == len(names)
    assert None not in given
    assert given == [address(back, name) for name in names]


def address_alone(name):
    world = World(service_cidr="10.0.0.0/27")
    world.apply(service(name))
    return address(world, name)


def test_a_written_address_is_never_given_to_another():
    taken = address_alone("a")
    world = World(service_cidr="10.0.0.0/27")
    world.apply(service("a"), service("z", spec=f"{{clusterIP: {taken}, ports: [{{port: 80}}]}}"))
    assert address(world, "z") == taken
    assert address(world, "a") not in {taken, None}


def test_of_two_that_write_the_same_the_first_keeps_it_and_the_other_is_told():
    world = World()
    spec = "{clusterIP: 10.1.2.3, ports: [{port: 80}]}"
    world.apply(service("b", spec=spec), service("a", spec=spec))
    assert address(world, "a") == "10.1.2.3"
    moved = address(world, "b")
    assert moved not in {"10.1.2.3", None}
    assert world.condition("services", ("default", "b"), "Warning") == (
        "True",
        "Warning",
        f"spec.clusterIP: 10.1.2.3 is taken or no address; it answers on {moved}",
    )
    world.remove(world.sources.services, ("default", "a"))
    assert address(world, "b") == "10.1.2.3"


def test_in_a_cluster_only_what_is_written_counts():
    world = World(standalone=False)
    world.apply(service("a"), service("b", spec="{clusterIP: 10.1.2.3, ports: [{port: 80}]}"))
    assert address(world, "a") is None
    assert address(world, "b") == "10.1.2.3"
