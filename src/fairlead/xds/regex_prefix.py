"""What every text that a regular expression (RE2) matches whole must begin with."""

from typing import Final

_PLAIN: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_~%=&@:,;!'\"<>-"
)
_REPEATS: Final = frozenset("*+?{")
_NO_LITERAL: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
"""Characters that mean something else, or nothing certain, after a backslash."""


def literal_prefix(expression: str) -> str:
    """A text that all matches begin with; the empty one where that isn't certain."""
    if "|" in expression and _alternatives(expression):
        return ""
    found: list[str] = []
    position = 1 if expression.startswith("^") else 0
    while position < len(expression):
        char = expression[position]
        if char == "\\":
            char = expression[position + 1 : position + 2]
            if not char or char in _NO_LITERAL:
                break
            position += 1
        elif char not in _PLAIN:
            if char in _REPEATS and found:
                found.pop()
            break
        found.append(char)
        position += 1
    return "".join(found)


def _alternatives(expression: str) -> bool:
    """Whether there is a choice outside of all groups; true as well where that isn't certain."""
    depth = position = 0
    while position < len(expression):
        match expression[position]:
            case "\\":
                position += 1
            case "[":
                return True
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case "|" if depth <= 0:
                return True
            case _:
                pass
        position += 1
    return False
