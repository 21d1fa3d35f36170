"""The rules of a Lease: never two leaders, whatever clocks say and whatever gets lost."""

import random

from hypothesis import given
from hypothesis import strategies as st

from fairlead.app.election import Election, Lease, LeaseSpec, Timing

TIMING = Timing()


class Server:
    """A Lease as the API server keeps it: changes need the version that is current."""

    def __init__(self):
        self.version = 0
        self.lease = None

    def write(self, spec, version):
        if version != self.version:
            return None
        self.version += 1
        metadata = Lease().metadata.__class__(resource_version=str(self.version))
        self.lease = Lease(metadata, spec)
        return self.lease


class Replica:
    """Follows `Election`, over a server that may be away; clocks may start anywhere."""

    def __init__(self, name, server, skew=0.0, rate=1.0):
        self.name = name
        self.server = server
        self.skew, self.rate = skew, rate
        self.election = Election(name, TIMING)
        self.due = 0.0
        self.renewals = 0

    def clock(self, now):
        return self.skew + now * self.rate

    def leads(self, now):
        return self.election.leading(self.clock(now))

    def run(self, now, *, reachable=True, lost=False):
        """One try; with `lost` the server carries it out and the answer never comes."""
        own = self.clock(now)
        if reachable:
            step = self.election.step(own)
            if step == "read":
                self.election.read(self.server.lease, own)
                step = self.election.step(own)
            if step != "read":
                self.renewals += 1
                known = self.election.lease
                version = int(known.metadata.resource_version) if known else 0
                spec = LeaseSpec(self.name, renew_time=f"{self.name} {self.renewals}")
                written = self.server.write(spec, version)
                if not lost:
                    if written is None:
                        self.election.refused()
                    else:
                        self.election.wrote(written, own)
        self.due = now + (self.election.next(own) - own) / self.rate


def play(replicas, until, reachable=lambda _name, _now: True):
    """Let replicas try when they are due; yields the time after each try."""
    while True:
        replica = min(replicas, key=lambda each: (each.due, each.name))
        now = replica.due
        if now > until:
            return
        replica.run(now, reachable=reachable(replica.name, now))
        yield now


def leaders(replicas, now):
    return [each.name for each in replicas if each.leads(now)]


def test_the_first_one_leads_and_goes_on():
    replicas = [Replica("a", Server()), Replica("b", None)]
    replicas[1].server = replicas[0].server
    for now in play(replicas, 120):
        assert leaders(replicas, now) == ["a"]


def test_a_leader_that_is_gone_is_followed_within_twenty_seconds():
    server = Server()
    gone, next_one = Replica("a", server), Replica("b", server, skew=1e6)
    for _ in play([gone, next_one], 60):
        pass
    gone.due = float("inf")
    taken = next(now for now in play([gone, next_one], 100) if next_one.leads(now))
    assert 75 - TIMING.retry <= taken < 60 + 20


def test_a_lease_that_was_let_go_is_taken_at_the_next_try():
    server = Server()
    first, second = Replica("a", server), Replica("b", server)
    for _ in play([first, second], 20):
        pass
    first.election.gave_up()
    first.due = float("inf")
    server.write(LeaseSpec(None, renew_time="let go"), server.version)
    assert not first.leads(20)
    now = second.due
    second.run(now)
    assert second.leads(now)
    assert now <= 20 + TIMING.retry


def test_a_holder_that_reaches_nobody_stops_before_the_lease_can_be_taken():
    server = Server()
    cut_off, other = Replica("a", server), Replica("b", server, skew=-500)
    for _ in play([cut_off, other], 30):
        pass
    stopped = None
    for now in play([cut_off, other], 90, lambda name, _now: name == "b"):
        assert len(leaders([cut_off, other], now)) <= 1
        if stopped is None and not cut_off.leads(now):
            stopped = now
    assert stopped is not None
    assert stopped <= 30 + TIMING.renewal
    assert other.leads(90)


def test_all_of_them_cut_off_nobody_leads_and_the_holder_is_back_at_once():
    server = Server()
    replicas = [Replica("a", server), Replica("b", server)]
    for now in play(replicas, 300, lambda _name, now: not 30 < now < 250):
        if 45 < now < 250:
            assert leaders(replicas, now) == []
        if now > 250 + TIMING.retry:
            assert leaders(replicas, now)
        assert len(leaders(replicas, now)) <= 1


def test_a_process_that_comes_back_under_its_name_goes_on_at_once():
    server = Server()
    for _ in play([Replica("a", server)], 30):
        pass
    again = Replica("a", server)
    again.run(31)
    assert again.leads(31)


def test_a_lease_that_somebody_removes_is_made_again():
    server = Server()
    replica = Replica("a", server)
    for _ in play([replica], 10):
        pass
    server.lease, server.version = None, 0
    for _ in play([replica], 20):
        pass
    assert replica.leads(20)
    assert server.lease.holder == "a"


@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0.85, 1.15)), min_size=2, max_size=4),
)
def test_never_two(seed, clocks):
    """Frozen, cut off, answers lost, clocks anywhere and at other rates."""
    dice = random.Random(seed)
    server = Server()
    replicas = [
        Replica(f"r{index}", server, skew, rate) for index, (skew, rate) in enumerate(clocks)
    ]
    now = 0.0
    for _ in range(400):
        replica = min(replicas, key=lambda each: (each.due, each.name))
        for step in range(5):
            between = now + (replica.due - now) * step / 5
            assert len(leaders(replicas, between)) <= 1
        now = max(now, replica.due)
        match dice.randrange(12):
            case 0:
                replica.due = now + dice.uniform(0, 40)
            case 1:
                replica.run(now, reachable=False)
            case 2:
                replica.run(now, lost=True)
            case _:
                replica.run(now)
        assert len(leaders(replicas, now)) <= 1
