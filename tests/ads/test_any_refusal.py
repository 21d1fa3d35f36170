"""Random culprits of every type, while answers, streams and processes come and go at random."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from ads.any_machine import AnyMachine
from ads.link import cluster, endpoints, listener, routes
from fairlead.ads import type_url

C, E, R, L = type_url.CLUSTER, type_url.ENDPOINTS, type_url.ROUTES, type_url.LISTENER

TEXTS = st.sampled_from(["eds 1", "eds 2", "eds 3", "eds BAD 1", "eds BAD 2"])
HOSTS = st.dictionaries(
    st.sampled_from([f"h{n}" for n in range(6)]), st.sampled_from(["a", "b", "c", "BAD1", "BAD2"])
)
world = st.fixed_dictionaries(
    {
        "clusters": st.dictionaries(st.sampled_from(["x", "y", "z"]), TEXTS),
        "endpoints": st.dictionaries(st.sampled_from(["x", "y", "z"]), TEXTS),
        "tables": st.dictionaries(st.sampled_from(["t", "u"]), HOSTS),
        "listeners": st.dictionaries(
            st.sampled_from(["l0", "l1", "l2"]), st.sampled_from(["t", "u", "BAD"])
        ),
    }
)


def build(shape):
    made = [cluster(name) for name in "ab"] + [endpoints(name) for name in "ab"]
    if any("c" in hosts.values() for hosts in shape["tables"].values()):
        made += [cluster("c", "other")]
    made += [cluster(name, text) for name, text in shape["clusters"].items()]
    made += [endpoints(name, shape["endpoints"].get(name, "eds 1")) for name in shape["clusters"]]
    made += [routes(name, shape["tables"].get(name, {})) for name in "tu"]
    made += [listener(name, table) for name, table in shape["listeners"].items()]
    return {(r.type_url, r.name): r for r in made}


class AnyRefusal(AnyMachine):
    """Whatever the order, the culprits are found, nobody else suffers, and the search ends."""

    @rule(shape=world)
    def change(self, shape):
        self.become(build(shape))

    @rule()
    def settle(self):
        # Past every wait and then every removal, and before the 20th try of a listener.
        for _ in range(8):
            self.link.exchange()
            self.link.now += 1.1
        self.link.exchange()
        assert self.link.machine.session.trials == 0
        rejected = {
            (r.type_url, r.name, r.part) for r in self.link.machine.state(self.link.now).rejections
        }
        envoy = self.link.envoy
        asked = {
            C: self.world.keys(),
            L: self.world.keys(),
            E: {(E, name) for name in envoy.watched[E]},
            R: {(R, name) for name in envoy.watched[R]},
        }
        assert {(L, name) for name in envoy.active[L]} <= self.world.keys()
        left = {name for name in envoy.active[C] if (C, name) not in self.world}
        assert left <= envoy.used_clusters(), "only a last good version keeps a cluster"
        for (url, name), wanted in self.world.items():
            if (url, name) not in asked[url]:
                continue
            active = envoy.active[url].get(name, "")
            for part in wanted.parts:
                text = part.body.decode()
                if "BAD" in text:
                    assert (url, name, part.key) in rejected
                else:
                    assert text in active
                    assert (url, name, part.key) not in rejected

    @invariant()
    def nothing_bad_serves(self):
        for table in self.link.envoy.active.values():
            assert not [name for name, text in table.items() if "BAD" in text]


TestAnyRefusal = AnyRefusal.TestCase
TestAnyRefusal.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, report_multiple_bugs=False
)
