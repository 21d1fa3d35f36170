"""Conditions of one object or parent, all with the generation that they were decided on."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from fairlead.translate.report import Condition

Refusal: TypeAlias = tuple[str, str]
"""Reason and message of a condition that does not hold, above all of ``Accepted``."""

_shared = lru_cache(maxsize=4096)(Condition)
"""Makes conditions, the same one for the same words: most routes are told the same."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Makes conditions that carry one `observedGeneration`."""

    generation: int

    def true(self, kind: str, reason: str, message: str = "") -> Condition:
        """A condition of type `kind` that holds."""
        return _shared(kind, "True", reason, message, self.generation)

    def false(self, kind: str, reason: str, message: str) -> Condition:
        """A condition of type `kind` that does not hold."""
        return _shared(kind, "False", reason, message, self.generation)

    def negative(self, kind: str, refused: Refusal) -> Condition:
        """A condition of type `kind` that does not hold."""
        return self.false(kind, *refused)
