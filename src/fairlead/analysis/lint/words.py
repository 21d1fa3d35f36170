"""Messages of conditions, taken apart: which field, what is wrong, what to do.

The messages are those of `translate.finding.sentence` and its like: ``FIELD: WHAT; REMEDY``, one
after the other. So that what lint says is what the status says, word by word.
"""

import re
from typing import Final

import msgspec

from fairlead.api.finding import Path

_FIELD: Final = re.compile(
    r'^((?:spec|parentRefs|tls|allowedRoutes)(?:[.\[][\w.\[\]"/-]*)?|[a-z]\w*\.[\w.\[\]]+): '
)
_DROPPED: Final = re.compile(r"^Dropped Rule [^:]+: (?=spec\.)")
_SOMEWHERE: Final = re.compile(r"\bspec\.[A-Za-z]+\[\d+\][\w.\[\]]*\w\]?")
_PART: Final = re.compile(r'\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\["?([^"\]]+)"?\]')


class Said(msgspec.Struct, frozen=True):
    """One thing that a message says."""

    path: Path
    """As it is written there; empty if no field is named."""
    message: str
    remedy: str = ""


def said(message: str) -> tuple[Said, ...]:
    """Take a condition's message apart."""
    found: list[Said] = []
    for part in message.split("; "):
        piece = _DROPPED.sub("", part)
        named = _FIELD.match(piece)
        if named:
            found.append(Said(path(named[1]), piece[named.end() :]))
        elif not found:
            somewhere = _SOMEWHERE.search(piece)
            found.append(Said(path(somewhere[0]) if somewhere else (), piece))
        else:
            last = found[-1]
            remedy = f"{last.remedy}; {piece}" if last.remedy else piece
            found[-1] = msgspec.structs.replace(last, remedy=remedy)
    return tuple(found)


def path(text: str) -> Path:
    """The path that `api.finding.field` writes as `text`."""
    return tuple(int(part[2]) if part[2] else (part[1] or part[3]) for part in _PART.finditer(text))
