"""JSON that is nested very deep: what an API server stores, `msgspec` may refuse to walk.

Anybody who may write an object can make it so, as in `managedFields`; nothing of it is in a model.
"""

import re
import sys
from typing import Final

import msgspec

UNDECODABLE: Final = (msgspec.MsgspecError, RecursionError)
"""What decoding raises where an answer is cut short, of another kind, or nested too deep."""
_FRAMES: Final = 12_000
"""An API server takes 10,000 levels. These need 4 of the 8 MiB of stack that threads have."""
_KEPT: Final = 100
"""Levels that are kept of what is nested too deep: far more than any model has."""
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


def allow() -> None:
    """Let this process decode what an API server takes; Python 3.12 and later set limits below."""
    sys.setrecursionlimit(max(_FRAMES, sys.getrecursionlimit()))


def shallow(text: bytes) -> bytes:
    """The same JSON with null where it is nested deeper than what anybody reads."""
    if text.count(b"{") + text.count(b"[") <= _KEPT:
        return text
    kept: list[bytes] = []
    level = begin = 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case b"{" | b"[":
                level += 1
                if level == _KEPT + 1:
                    kept += text[begin : token.start()], b"null"
                    begin = len(text)
            case b"}" | b"]":
                if level == _KEPT + 1:
                    begin = token.end()
                level -= 1
            case _:
                pass
    return b"".join((*kept, text[begin:]))
