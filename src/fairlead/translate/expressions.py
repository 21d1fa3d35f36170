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
    options = re2.Options()
    options.log_errors = False
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        return f"{pattern!r} is not an RE2 regular expression ({_words(error)})"
    if program.programsize > MAX_REGEX_PROGRAM_SIZE:
        return (
            f"{pattern!r} needs an RE2 program of {program.programsize} instructions, more than "
            f"the {MAX_REGEX_PROGRAM_SIZE} that proxies take; use fewer or smaller repetitions"
        )
    return ""


def _words(error: re2.error) -> str:
    """RE2's own words; it raises bytes."""
    text: object = error.args[0] if error.args else "bad expression"
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
