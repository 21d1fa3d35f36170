"""How long to wait before the next try."""

from random import Random
from typing import Final

_FIRST: Final = 0.1
_FACTOR: Final = 2.0
_MOST: Final = 2.0
"""Seconds; short, since a server that is back shall be noticed within moments."""
_MOST_ASKED: Final = 30.0
"""Seconds that a server may ask for."""


class Backoff:
    """Pauses that double, less up to half of each by chance, so that many clients spread.

    Args:
        random: Whose chance it is.
        most: Seconds of the longest pause.
    """

    def __init__(self, random: Random, most: float = _MOST) -> None:
        self._random = random
        self._most = most
        self._next = _FIRST

    def reset(self) -> None:
        """It went well."""
        self._next = _FIRST

    def pause(self, asked: float | None = None) -> float:
        """Seconds to wait now.

        Args:
            asked: seconds that the server asked for (Retry-After).
        """
        chosen = self._next * (0.5 + self._random.random() / 2)
        self._next = min(self._next * _FACTOR, self._most)
        return max(chosen, min(asked or 0.0, _MOST_ASKED))
