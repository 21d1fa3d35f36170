"""YAML and JSON text to plain values, read as kubectl reads them.

The parser (yaml-rs) speaks YAML 1.2 and kubectl's YAML 1.1, so what they would read differently is
either given kubectl's meaning (`on`, `no`, `012`) or refused (`<<`, tabs in indentation).
A stream is split at its document markers first: one broken document leaves the others readable.
"""

import itertools
import re

import msgspec
import yaml
import yaml_rs

from fairlead.api.codes import Code
from fairlead.api.finding import Path
from fairlead.api.raw import Raw
from fairlead.api.yaml_position import duplicate, nodes

_MARKER = re.compile(r"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_CONTENT = re.compile(r"^(?!---|\.\.\.|%|[ \t]*#|[ \t\r]*$).", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_TAB = re.compile(r"^ *\t", re.MULTILINE)
_POSITION = re.compile(r"line (\d+), column (\d+)")
_YAML11 = re.compile(
    r"[yYnNoO0](?<=[ \t\[][yYnNoO0])(?:es|ES|o|O|n|N|ff|FF|[0-7]+)?[ \t]*(?:[,\]}#\r\n]|\Z)"
)
"""Finds every plain scalar that YAML 1.1 may read otherwise, and some more; fast."""
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})
_OCTAL = re.compile(r"0[0-7]+")


class Chunk(msgspec.Struct, frozen=True):
    """The text of one document, and the line of its file that it starts on (from 1)."""

    text: str
    line: int


class TextError(Exception):
    """A document that cannot be read.

    Attributes:
        code: one of `fairlead.api.codes`.
        message: what is wrong.
        remedy: what to do about it; may be empty.
        line: from 1, in the document; 0 if unknown.
        column: from 1; 0 if unknown.
    """

    def __init__(
        self, code: str, message: str, remedy: str = "", line: int = 0, column: int = 0
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.line = line
        self.column = column


def split(text: str) -> tuple[Chunk, ...]:
    """The documents of a stream, without those that are empty or hold comments only.

    Markers stand at the start of a line and nowhere else (YAML 1.2, 9.1.2), so that no parsing is
    needed to find them.
    """
    starts = [0, *(match.start() for match in _MARKER.finditer(text)), len(text)]
    chunks: list[Chunk] = []
    line = 1
    for start, end in itertools.pairwise(starts):
        part = text[start:end]
        if part.startswith("..."):
            part = "   " + part[3:]
        if _CONTENT.search(part) or _inline(part):
            chunks.append(Chunk(part, line))
        line += part.count("\n")
    return tuple(chunks)


def _inline(part: str) -> bool:
    """Whether a document starts on the line of its own marker."""
    rest = part[3:].split("\n", 1)[0].strip() if part.startswith("---") else ""
    return bool(rest) and not rest.startswith("#")


def parse(text: str) -> Raw:
    """The value of one document.

    Raises:
        TextError: the document is no YAML, or uses what kubectl would read otherwise.
    """
    _refuse_characters(text)
    try:
        raw: Raw = yaml_rs.loads(text, parse_datetime=False)
    except yaml_rs.YAMLDecodeError as error:
        raise _syntax_error(str(error), text) from None
    except RecursionError:
        raise TextError(Code.REFUSED_YAML, "the document is nested too deeply") from None
    if "<<" in text:
        _refuse_merge(text)
    return _as_kubectl_reads(raw, text) if _YAML11.search(text) else raw


def _refuse_characters(text: str) -> None:
    control = _CONTROL.search(text)
    if control:
        line, column = _line_column(text, control.start())
        raise TextError(
            Code.STRUCTURE,
            f"the control character U+{ord(control[0]):04X} may not stand in YAML",
            "remove it, or write it as an escape in double quotes",
            line,
            column,
        )
    if "\t" not in text or not _TAB.search(text):
        return
    try:
        for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if mark and text[mark.index : mark.index + 1] == "\t":
            raise TextError(
                Code.STRUCTURE,
                "a tab stands where YAML takes spaces only",
                "indent with spaces",
                mark.line + 1,
                mark.column + 1,
            ) from None
    except yaml.YAMLError:
        return  # the parser that reads the document says what is wrong, and where


def _syntax_error(error: str, text: str) -> TextError:
    reason = error.strip().splitlines()[-1]
    if reason.startswith("duplicate mapping key"):
        key = reason.partition(": ")[2].strip("'")
        line, column = duplicate(text)
        return TextError(
            Code.DUPLICATE_KEY,
            f"`{key}` stands twice in one mapping",
            "keep one of them",
            line,
            column,
        )
    position = _POSITION.search(error)
    line, column = (int(position[1]), int(position[2])) if position else (0, 0)
    remedy = "check the indentation and the colons of this line and the one above"
    return TextError(Code.STRUCTURE, f"the YAML cannot be read: {reason}", remedy, line, column)


def _refuse_merge(text: str) -> None:
    for node in nodes(text):
        if node.path and node.path[-1] == "<<" and node.plain_key:
            raise TextError(
                Code.REFUSED_YAML,
                "merge keys (`<<`) are not read",
                "write the merged fields out",
                node.key_line,
                node.key_column,
            )


def _as_kubectl_reads(raw: Raw, text: str) -> Raw:
    """`raw` with plain scalars that YAML 1.1 takes for booleans and octal numbers as such."""
    for node in nodes(text):
        if node.plain is None:
            continue
        if node.plain in _TRUE or node.plain in _FALSE:
            raw = _replaced(raw, node.path, node.plain in _TRUE)
        elif _OCTAL.fullmatch(node.plain):
            raw = _replaced(raw, node.path, int(node.plain, 8))
    return raw


def _replaced(raw: Raw, path: Path, value: bool | int) -> Raw:  # noqa: FBT001
    if not path:
        return value
    *parents, last = path
    place = raw
    try:
        for part in parents:
            place = place[part]
        place[last] = value
    except (KeyError, IndexError, TypeError):
        return raw  # under a key that is no string; the schema check refuses such keys anyway
    return raw


def _line_column(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1
