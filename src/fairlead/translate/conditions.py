"""Conditions of one object or parent, all with the generation that they were decided on."""

from dataclasses import dataclass

from fairlead.translate.report import Condition


@dataclass(frozen=True, slots=True)
class Conditions:
    """Makes conditions that carry one `observedGeneration`."""

    generation: int

    def true(self, kind: str, reason: str, message: str = "") -> Condition:
        """A condition of type `kind` that holds."""
        return Condition(kind, "True", reason, message, self.generation)

    def false(self, kind: str, reason: str, message: str) -> Condition:
        """A condition of type `kind` that does not hold."""
        return Condition(kind, "False", reason, message, self.generation)

    def negative(self, kind: str, refused: tuple[str, str]) -> Condition:
        """A condition that does not hold, from (reason, message)."""
        return self.false(kind, *refused)
