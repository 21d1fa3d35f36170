"""Random worlds, random orders of delivery, acknowledgement, loss and reconnection."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from ads.any_machine import AnyMachine
from ads.link import cluster, endpoints, listener, routes, scope, text
from fairlead.ads import type_url
from fairlead.ads.barrier import PATIENCE

C, E, R, L, S = (
    type_url.CLUSTER,
    type_url.ENDPOINTS,
    type_url.ROUTES,
    type_url.LISTENER,
    type_url.SCOPE,
)
NAMES = st.sampled_from(["c0", "c1", "c2", "c3", "dns"])
TABLES = st.sampled_from(["t0", "t1", "t2"])
HOSTS = st.dictionaries(st.sampled_from(["one", "two", "three"]), NAMES, max_size=3)
VERSIONS = st.integers(1, 3)

world = st.fixed_dictionaries(
    {
        "clusters": st.dictionaries(NAMES, VERSIONS),
        "endpoints": st.dictionaries(NAMES, VERSIONS),
        "tables": st.dictionaries(TABLES, HOSTS),
        "listeners": st.dictionaries(st.sampled_from(["l0", "l1"]), TABLES),
        "scopes": st.dictionaries(st.sampled_from(["s0", "s1"]), TABLES),
    }
)


def build(shape):
    """Resources of a coherent world: routes name clusters that exist, pointers tables."""
    tables = {name: {} for name in [*shape["listeners"].values(), *shape["scopes"].values()]}
    tables |= shape["tables"]
    used = {to for hosts in tables.values() for to in hosts.values()}
    made = []
    for name in sorted(used | shape["clusters"].keys()):
        version = shape["clusters"].get(name, 1)
        if name == "dns":
            made.append(cluster(name, f"other {version}"))
            continue
        made.append(cluster(name, f"eds {version}"))
        made.append(endpoints(name, f"e{shape['endpoints'].get(name, 1)}"))
    made += [routes(name, hosts) for name, hosts in tables.items()]
    made += [listener(name, table) for name, table in shape["listeners"].items()]
    made += [scope(name, table) for name, table in shape["scopes"].items()]
    return {(r.type_url, r.name): r for r in made}


class AnyOrder(AnyMachine):
    """Whatever the order, Envoy ends with what is desired, and no route leads nowhere before."""

    settled = 100.0
    """When all was well for the last time, in the link's seconds."""

    @rule(shape=world)
    def change(self, shape):
        self.become(build(shape))

    @precondition(lambda self: not self.link.envoy.out)
    @rule()
    def moment_passes(self):
        self.link.now += 0.06

    @rule()
    def settle(self):
        """However it began, it ends with Envoy serving what is desired, and nothing else."""
        self.link.settle()
        envoy = self.link.envoy
        for url in (C, S, L):
            wanted = {name: text(r) for (u, name), r in self.world.items() if u == url}
            assert envoy.active[url] == wanted
        for url in (E, R):
            for name in envoy.watched[url]:
                assert envoy.active[url].get(name) == text(self.world[url, name])
        assert not envoy.warming
        assert self.link.machine.synced
        self.settled = self.link.now

    @invariant()
    def no_route_leads_nowhere(self):
        if self.link.now < self.settled + PATIENCE:
            assert not self.link.envoy.dead_routes()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, report_multiple_bugs=False
)
