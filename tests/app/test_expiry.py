"""Faults end by the clock, which only `Expiry` reads."""

from datetime import UTC, datetime, timedelta

import pytest

from fairlead.app.expiry import MOST, Expiry
from fairlead.app.pipeline import Pipeline
from fairlead.graph import Change
from fairlead.translate.sources import Settings
from support.generators import finish
from translate.world import objects

START = datetime(2030, 1, 31, 12, tzinfo=UTC)
KEY = ("default", "slow")
FACT = ("FaultInjection", *KEY)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def go_on(self, seconds):
        self.now += timedelta(seconds=seconds)


class World:
    def __init__(self):
        self.clock = Clock()
        self.pipeline = Pipeline(Settings(port_offset=20000))
        self.sources = self.pipeline.sources
        self.expiry = Expiry(self.sources, self.clock)
        self.pipeline.add_feedback(self.expiry.answer)

    def write(self, until):
        (found,) = objects(f"""
            apiVersion: fairlead.dev/v1alpha1
            kind: FaultInjection
            metadata: {{name: slow}}
            spec: {{abort: {{status: 503}}, until: "{until}"}}
            """)
        return self.apply(Change(self.sources.fault_injections, KEY, found))

    def remove(self):
        return self.apply(Change(self.sources.fault_injections, KEY, None))

    def apply(self, *changes):
        return finish(self.pipeline.apply(changes))

    def pass_on(self):
        return self.apply(*self.expiry.due())

    @property
    def expired(self):
        return self.sources.expired.get(FACT)


@pytest.fixture
def world():
    return World()


def active(effects):
    """Status and reason of the condition Active."""
    report = effects.reports["FaultInjection", *KEY]
    (condition,) = [each for each in report.conditions if each.type == "Active"]
    return condition.status, condition.reason


def test_a_fault_ends_at_its_time(world):
    effects = world.write("2030-01-31T12:00:10Z")
    assert active(effects) == ("True", "Active")
    assert world.expiry.wait() == 10
    world.clock.go_on(9.9)
    assert world.expiry.due() == []
    world.clock.go_on(0.1)
    assert active(world.pass_on()) == ("False", "Expired")
    assert world.expired == "2030-01-31T12:00:10Z"
    assert world.expiry.wait() == MOST


def test_a_fault_whose_end_has_passed_never_acts(world):
    effects = world.write("2030-01-31T13:59:59+02:00")
    assert active(effects) == ("False", "Expired")
    assert world.expiry.due() == []


def test_a_later_end_starts_it_again(world):
    world.write("2030-01-31T11:00:00Z")
    assert active(world.write("2030-01-31T13:00:00Z")) == ("True", "Active")
    assert world.expired is None
    assert world.expiry.wait() == MOST, "clocks are set and machines sleep"


def test_a_removed_fault_leaves_nothing(world):
    world.write("2030-01-31T12:00:10Z")
    world.remove()
    assert world.expiry.due() == []
    world.write("2030-01-31T11:00:00Z")
    world.remove()
    assert world.expired is None
