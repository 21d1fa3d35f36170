"""Rules of ListenerSet: those of a Gateway's listeners."""

from collections.abc import Iterator

from fairlead.api.finding import Finding
from fairlead.api.listener_set import ListenerSet
from fairlead.api.rules.listener import listeners


def listener_set(obj: ListenerSet) -> Iterator[Finding]:
    """ListenerSetSpec's validations, experimental channel of Gateway API v1.7.0."""
    yield from listeners(("spec", "listeners"), obj.spec.listeners)
