"""The same objects give the same state, in whatever order they come, are changed and go."""

from hypothesis import given, settings
from hypothesis import strategies as st

from translate.mesh_world import World, pod
from translate.test_destination_rule import rule
from translate.test_mesh import CONSUMER, PRODUCER, SERVICES
from translate.test_mesh_endpoints import SLICE
from translate.test_mesh_workloads import DEPLOYMENT
from translate.world import objects

VERSIONED = {
    "labels": {"app": "backend", "version": "v1"},
    "ports": (("http", 5678),),
}
ITEMS = (
    *objects(SERVICES),
    *objects(PRODUCER),
    *objects(PRODUCER.replace("split", "second").replace("weight: 90", "weight: 1")),
    *objects(CONSUMER),
    *objects(SLICE.replace("service-name: web", "service-name: backend")),
    *objects(DEPLOYMENT),
    *objects(rule("a", "prod", "backend")),
    *objects(rule("b", "prod", "backend", "ROUND_ROBIN")),
    *objects(rule("c", "shop", "*.local", "ROUND_ROBIN")),
    *objects("kind: Namespace\nmetadata: {name: shop, labels: {linkerd.io/inject: disabled}}"),
    pod("v1", "prod", ip="127.64.0.1", **VERSIONED),
    pod("v1", "prod", ip="127.64.0.1", **{**VERSIONED, "ready": False}),
    pod("client", "shop", ip="127.64.0.2"),
    pod("in", "shop", ip="127.64.0.3", labels={"istio-injection": "enabled"}),
)
STEPS = st.lists(st.tuples(st.sampled_from(range(len(ITEMS))), st.booleans()), max_size=40)


@given(STEPS)
@settings(derandomize=True, deadline=None, max_examples=60)
def test_any_history_ends_like_a_fresh_start(steps):
    lived, there = World(service_cidr="10.0.0.0/29"), {}
    for number, stays in steps:
        (change,) = lived.changes(ITEMS[number])
        place = (change.source.name, change.key)
        if stays:
            there[place] = ITEMS[number]
            lived.apply(ITEMS[number])
        else:
            there.pop(place, None)
            lived.remove(change.source, change.key)
    fresh = World(service_cidr="10.0.0.0/29")
    fresh.apply(*there.values())
    assert lived.state() == fresh.state()
    backwards = World(service_cidr="10.0.0.0/29")
    for item in reversed(there.values()):
        backwards.apply(item)
    assert backwards.state() == fresh.state()
