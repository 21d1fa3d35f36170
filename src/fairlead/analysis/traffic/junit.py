"""Results of traffic tests as JUnit XML, which CI systems show."""

from collections.abc import Iterable
from html import escape

import msgspec


class Result(msgspec.Struct, frozen=True):
    """What became of one test."""

    file: str
    name: str
    differences: tuple[str, ...]
    """Empty if it passed."""
    seconds: float = 0.0


def document(results: Iterable[Result]) -> str:
    """One test suite for each file, in the order of the results."""
    files: dict[str, list[Result]] = {}
    for result in results:
        files.setdefault(result.file, []).append(result)
    suites = "".join(_suite(file, found) for file, found in files.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{suites}</testsuites>\n'


def _suite(file: str, results: list[Result]) -> str:
    failed = sum(bool(result.differences) for result in results)
    seconds = sum(result.seconds for result in results)
    cases = "".join(map(_case, results))
    return (
        f'<testsuite name="{_text(file)}" tests="{len(results)}" failures="{failed}" '
        f'errors="0" time="{seconds:.3f}">\n{cases}</testsuite>\n'
    )


def _case(result: Result) -> str:
    head = (
        f'<testcase classname="{_text(result.file)}" name="{_text(result.name)}" '
        f'time="{result.seconds:.3f}"'
    )
    if not result.differences:
        return f"{head}/>\n"
    said = _text("; ".join(result.differences))
    lines = _text("\n".join(result.differences))
    return f'{head}>\n<failure message="{said}">{lines}</failure>\n</testcase>\n'


def _text(value: str) -> str:
    """Text as XML takes it; control characters have no place there."""
    printable = "".join(
        char if char >= " " or char in "\t\n" else "\N{REPLACEMENT CHARACTER}" for char in value
    )
    return escape(printable)
