"""Several Envoys of one proxy: one desired state, a machine each, one report."""

from ads.fake_envoy import FakeEnvoy
from ads.link import changes, cluster, endpoints, listener, routes
from ads.link import text as text_of
from fairlead.ads import type_url
from fairlead.ads.served import KEPT_SECONDS, MOST_KEPT, ServedProxy

PROXY = "gateway/test/edge"
SITE = (
    cluster("one"),
    endpoints("one"),
    listener("edge", "table"),
    routes("table", {"a.example": "one", "b.example": "one"}),
)


class Pod:
    """A fake Envoy on the stream of one instance."""

    def __init__(self, served, name, now=100.0):
        self.served = served
        self.name = name
        self.envoy = FakeEnvoy()
        self.instance = served.begin(name, now)
        self.envoy.start()
        self.now = now

    def reconnect(self, served):
        self.served = served
        self.instance = served.begin(self.name, self.now)
        self.envoy.reconnect()

    def exchange(self):
        """Deliver everything in both directions; returns the names of what was sent, by type."""
        sent = []
        machine = self.instance.machine
        for _ in range(100):
            moved = False
            while self.envoy.out:
                machine.receive(self.envoy.out.popleft(), self.now)
                self.served.look(self.instance)
                moved = True
            while (data := machine.poll(self.now)) is not None:
                before = len(self.envoy.seen)
                self.envoy.take(data)
                sent += self.envoy.seen[before:]
                self.served.look(self.instance)
                moved = True
            self.served.look(self.instance)
            if not moved:
                return sent
        raise AssertionError("does not come to rest")

    def settle(self):
        sent = self.exchange()
        while (deadline := self.instance.machine.next_deadline()) is not None:
            self.now = max(self.now, deadline)
            sent += self.exchange()
        return sent


def served(*resources):
    made = ServedProxy(PROXY)
    made.update(changes(*resources), 100.0)
    made.new_status()
    return made


def test_all_envoys_get_the_same_and_every_change():
    proxy = served(*SITE)
    pods = [Pod(proxy, f"pod-{number}") for number in range(3)]
    for pod in pods:
        pod.settle()
    assert proxy.synced
    later = (routes("table", {"a.example": "two"}), cluster("two"), endpoints("two"))
    proxy.update(changes(*later), 101.0)
    assert not proxy.synced
    for pod in pods:
        pod.settle()
    held = [pod.instance.machine.session.stream.channels for pod in pods]
    assert held[0][type_url.ROUTES].acknowledged == held[2][type_url.ROUTES].acknowledged
    assert set(held[1][type_url.CLUSTER].acknowledged) == {"one", "two"}
    assert [state.instance for state in proxy.states(102.0)] == ["pod-0", "pod-1", "pod-2"]
    assert proxy.synced


def test_a_listener_is_there_when_all_that_serve_have_it():
    proxy = served(*SITE)
    first, second = Pod(proxy, "one"), Pod(proxy, "two")
    first.settle()
    second.settle()
    assert proxy.new_status().listeners == ("edge",)
    proxy.update(changes(listener("more", "table")), 101.0)
    first.settle()
    assert proxy.new_status() is None
    second.settle()
    assert proxy.new_status().listeners == ("edge", "more")


def test_an_envoy_that_starts_takes_nothing_back():
    proxy = served(*SITE)
    Pod(proxy, "one").settle()
    assert proxy.new_status().listeners == ("edge",)
    new = Pod(proxy, "two")
    new.exchange()
    assert proxy.new_status() is None
    new.settle()
    assert proxy.new_status() is None


def test_the_last_one_that_leaves_is_told_and_no_other():
    proxy = served(*SITE)
    first, second = Pod(proxy, "one"), Pod(proxy, "two")
    first.settle()
    second.settle()
    assert proxy.new_status().connected
    proxy.end(first.instance, 102.0)
    assert proxy.new_status() is None
    proxy.end(second.instance, 102.0)
    left = proxy.new_status()
    assert not left.connected
    assert left.listeners == ("edge",)
    (state,) = proxy.states(103.0)
    assert (state.instance, state.connected) == ("", False)


def test_what_one_refuses_is_reported_once_and_the_other_has_it():
    proxy = served(*SITE)
    good, bad = Pod(proxy, "good"), Pod(proxy, "bad")
    good.settle()
    bad.envoy.bad = "|b.example>one"
    bad.settle()
    good.settle()
    status = proxy.new_status()
    assert [each.part for each in status.rejections] == ["b.example"]
    assert status.listeners == ("edge",)
    third = Pod(proxy, "third")
    third.envoy.bad = "|b.example>one"
    third.settle()
    assert proxy.new_status() is None


def test_another_replica_sends_a_proxy_nothing_that_it_has():
    pod = Pod(served(*SITE), "one")
    pod.settle()
    other = served(*SITE)
    pod.reconnect(other)
    sent = pod.settle()
    assert all(not removed for _, _, removed in sent)
    assert not [names for _, names, _ in sent if names]
    assert other.new_status().listeners == ("edge",)


def test_nothing_is_told_of_one_that_comes_back_before_it_says_what_it_holds():
    pod = Pod(served(*SITE), "one")
    pod.settle()
    other = served(*SITE)
    pod.reconnect(other)
    told = None
    while told is None:
        request = pod.envoy.out.popleft()
        pod.instance.machine.receive(request, 101.0)
        other.look(pod.instance)
        told = other.new_status()
        assert (told is None) == (request.type_url != type_url.LISTENER)
    assert told.connected
    assert told.listeners == ("edge",)


def test_a_second_stream_of_an_instance_ends_the_first_and_leaves_others():
    proxy = served(*SITE)
    one, two = Pod(proxy, "one"), Pod(proxy, "two")
    identity = one.instance.stream
    again = proxy.begin("one", 101.0)
    assert again is one.instance
    assert again.stream is not identity
    assert two.instance.stream is not None


def test_those_that_have_gone_are_forgotten():
    proxy = served(*SITE)
    for number in range(MOST_KEPT + 5):
        proxy.end(proxy.begin(f"pod-{number}", 100.0 + number), 100.0 + number)
    assert len(proxy.instances) <= MOST_KEPT + 1
    proxy.begin("late", 200.0 + KEPT_SECONDS + MOST_KEPT)
    assert set(proxy.instances) == {"late"}


def test_snapshot_is_what_the_proxy_holds():
    proxy = served(*SITE)
    assert proxy.holds(None) is None
    pod = Pod(proxy, "one")
    assert proxy.holds(None) is None
    pod.settle()
    found = proxy.holds(None)
    assert {(each.type_url, each.name, each.version) for each in found} == {
        (each.type_url, each.name, each.version) for each in SITE
    }


def test_snapshot_leaves_out_what_was_refused_here_or_elsewhere():
    proxy = served(*SITE)
    pod = Pod(proxy, "one")
    pod.envoy.bad = "|b.example>one"
    pod.settle()
    rejections = proxy.new_status().rejections
    here = {each.name: each for each in proxy.holds(None)}
    elsewhere = {each.name: each for each in served(*SITE).holds(rejections)}
    for found in (here, elsewhere):
        text = text_of(found["table"])
        assert "|b.example=500" in text
        assert "|a.example>one" in text
        assert found["table"].version != SITE[3].version
        assert found["edge"].version == SITE[2].version
