"""Regular expressions of matches: RE2 syntax, and the size of program that Envoy takes."""

from functools import lru_cache

import re2

from fairlead.ir.match import MAX_REGEX_PROGRAM_SIZE


@lru_cache(maxsize=4096)
def fault(pattern: str) -> str:
    """Why a proxy would refuse `pattern`; empty if it would not.

    RE2 has no look-around and no back-references. The size bound counts RE2 instructions and
    is `MAX_REGEX_PROGRAM_SIZE`, which the proxies are started with.
    """
    if not pattern:
        return "an empty regular expression matches nothing useful; write one, or use Exact"
    try:
        program = compiled(pattern)
    except re2.error as error:
        return f"{pattern!r} is not an RE2 regular expression ({_words(error)})"
    if program.programsize > MAX_REGEX_PROGRAM_SIZE:
        return (
            f"{pattern!r} needs an RE2 program of {program.programsize} instructions, more than "
            f"the {MAX_REGEX_PROGRAM_SIZE} that proxies take; use fewer or smaller repetitions"
        )
    return ""


def compiled(pattern: str) -> "re2.Pattern":
    """The program of an expression, to be matched with bytes.

    Envoy has RE2 read an expression as a text of bytes (Latin-1): what is not ASCII in it stands
    for the bytes of its UTF-8, one by one.

    Raises:
        re2.error: It is no expression.
    """
    options = re2.Options()
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern.encode(), options)


def _words(error: re2.error) -> str:
    """RE2's own words; it raises bytes."""
    text: object = error.args[0] if error.args else "bad expression"
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
