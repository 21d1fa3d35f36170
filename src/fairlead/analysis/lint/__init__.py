"""Lint: what is wrong with manifests, or is not what their owner may think.

In: objects, and what translation makes of them (`Facts`). Out: remarks with codes, which
docs/lint.md explains. What the status of an object would say is taken from its conditions, and what
proxies would do from the IR; nothing is decided a second time.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from fairlead.analysis.lint import (
    certificates,
    conditions,
    containers,
    destination_rules,
    overlaps,
    plain_text,
    retries,
    service_parents,
    services,
    weights,
)
from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.places import Places
from fairlead.analysis.lint.remark import Remark

RemarksOf: TypeAlias = Callable[[Facts], Iterator[Remark]]

OF_OBJECTS: Final[tuple[RemarksOf, ...]] = (
    conditions.remarks,
    retries.remarks,
    weights.remarks,
    containers.remarks,
    services.remarks,
    service_parents.remarks,
    destination_rules.remarks,
    certificates.remarks,
)
"""Rules about objects and their reports."""
OF_HOSTS: Final[tuple[RemarksOf, ...]] = (overlaps.remarks, plain_text.remarks)
"""Rules about what is served, once every listener is."""

__all__ = ["OF_HOSTS", "OF_OBJECTS", "Facts", "Places", "Remark", "RemarksOf"]
