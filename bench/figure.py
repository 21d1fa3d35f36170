"""The lines of `make bench`."""

import dataclasses
import json
import sys
from collections.abc import Iterable
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """A measured value; `target` is None where it only informs."""

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["lower", "higher"] = "lower"

    @property
    def reached(self) -> bool:
        """Whether the target holds."""
        if self.target is None:
            return True
        if self.better == "lower":
            return self.value <= self.target
        return self.value >= self.target

    def line(self) -> str:
        """The JSON object that `make bench` prints."""
        value = round(self.value, 4)
        return json.dumps({**dataclasses.asdict(self), "value": value})


def tell(figures: Iterable[Figure]) -> None:
    """Print each figure as it is known; missed targets are told on stderr at the end."""
    missed: list[Figure] = []
    for figure in figures:
        print(figure.line(), flush=True)
        missed += [] if figure.reached else [figure]
    for figure in missed:
        print(
            f"bench: {figure.name} is {figure.value:.4g} {figure.unit}, target {figure.target}",
            file=sys.stderr,
        )
