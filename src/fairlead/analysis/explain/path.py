"""What proxies make of a path before rules see it (`normalize_path` and what goes with it).

Dot segments lose their parameters (``..;v=1``) and are resolved as browsers do it (WHATWG URL),
escapes that stand for letters, digits and ``-._~`` are undone, backslashes become slashes. The
query is never touched.
"""

import re
from typing import Final

_ESCAPED_SLASH: Final = re.compile(r"%(?:2[Ff]|5[Cc])")
_DOTS_WITH_PARAMETERS: Final = re.compile(r"(?<=/)(\.\.?);[^/]*")
"""A dot segment with parameters; what is escaped, or follows a backslash, does not count as one."""
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPED: Final = frozenset(' "#<>?`{|}^\x7f') | frozenset(map(chr, range(0x20)))
"""Characters that are written as escapes."""
_SLASHES: Final = "/\\"


def split(path: str) -> tuple[str, str]:
    """Path without query, and the query with its question mark."""
    end = path.find("?")
    return (path, "") if end < 0 else (path[:end], path[end:])


def unescape_slashes(path: str) -> str:
    """`path` with ``%2F`` and ``%5C`` undone, outside of the query."""
    plain, query = split(path)
    plain = _ESCAPED_SLASH.sub(lambda found: "/" if found[0][1] == "2" else "\\", plain)
    return plain + query


def canonical(path: str) -> str | None:
    """`path` with dot segments resolved and idle escapes undone; None for one that is refused."""
    plain, query = split(path)
    made = _Canonical(_DOTS_WITH_PARAMETERS.sub(r"\1", plain))
    return None if made.refused else made.text + query


def merge_slashes(path: str) -> str:
    """`path` with one slash where there are several, outside of the query."""
    plain, query = split(path)
    if "//" not in plain:
        return path
    first = "/" if plain.startswith("/") else ""
    last = "/" if plain.endswith("/") else ""
    return first + "/".join(filter(None, plain.split("/"))) + last + query


class _Canonical:
    """Writes the canonical form of a path from left to right."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._made: list[str] = []
        self._place: int = 0
        self._invalid_percent: int = 0
        self.refused = False
        if not source or source[0] not in _SLASHES:
            self._made.append("/")
        while self._place < len(source):
            self._step()
        self.text = "".join(self._made)

    def _step(self) -> None:
        char = self._source[self._place]
        dot = self._dot(self._place)
        if dot:
            self._write_dot(dot)
        elif char == "%":
            self._write_escape()
        else:
            self._made.extend(_written(char))
            self._place += 1

    def _dot(self, place: int) -> int:
        """Length of the dot at `place`, escaped or not; 0 if there is none."""
        if self._source.startswith(".", place):
            return 1
        return 3 if self._source[place : place + 3].lower() == "%2e" else 0

    def _write_dot(self, length: int) -> None:
        after = self._place + length
        if not (self._made and self._made[-1] == "/"):
            self._made.append(".")
            self._place = after
            return
        second = self._dot(after)
        if self._ends_segment(after):
            self._place = after + 1
        elif second and self._ends_segment(after + second):
            self._go_up()
            self._place = after + second + 1
        else:
            self._made.append(".")
            self._place = after

    def _ends_segment(self, place: int) -> bool:
        return place >= len(self._source) or self._source[place] in _SLASHES

    def _go_up(self) -> None:
        """Take the last segment back; what ends in a slash still does so."""
        if len(self._made) > 1:
            self._made.pop()
            while self._made[-1] != "/":
                self._made.pop()
        if self._invalid_percent >= len(self._made):
            self._invalid_percent = 0

    def _write_escape(self) -> None:
        digits = self._source[self._place + 1 : self._place + 3]
        if len(digits) < 2 or not _HEX.issuperset(digits):  # noqa: PLR2004 - of one byte
            self._invalid_percent = len(self._made)
            self._made.append("%")
            self._place += 1
            return
        char = chr(int(digits, 16))
        self._place += 3
        if char in _UNRESERVED:
            self._made.append(char)
            if self._invalid_percent and self._invalid_percent >= len(self._made) - 3:
                self._escape_again()
            return
        self._made.extend(("%", *digits))
        self.refused = self.refused or char == "\0"

    def _escape_again(self) -> None:
        """What was undone must not make a new escape of a percent sign that stood alone."""
        written = self._made[self._invalid_percent + 1 :]
        following = ""
        if len(written) == 1:
            following = self._source[self._place : self._place + 1]
            if not following or ord(following) > 0x7F:  # noqa: PLR2004 - beyond ASCII
                return
        digits = "".join(written) + following
        if len(digits) == 2 and _HEX.issuperset(digits):  # noqa: PLR2004 - of one byte
            self._made.insert(self._invalid_percent + 1, "2")
            self._made.insert(self._invalid_percent + 2, "5")


def _written(char: str) -> str:
    """How a character of a path is written that is neither a dot nor a percent sign."""
    if char == "\\":
        return "/"
    if char in _ESCAPED or ord(char) > 0x7E:  # noqa: PLR2004 - beyond printable ASCII
        return "".join(f"%{byte:02X}" for byte in char.encode())
    return char
