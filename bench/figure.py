"""One line of `make bench`."""

import dataclasses
import json
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
