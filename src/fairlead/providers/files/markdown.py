"""Manifests in Markdown: the YAML and JSON in its fenced code blocks.

In: a Markdown text. Out: a YAML stream of as many lines, so that line numbers stay as they are.
"""

import itertools
import re
from typing import Final

_FENCE: Final = re.compile(r"^(?P<indent>[ \t]*)(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w-]*)")
_LANGUAGES: Final = frozenset({"yaml", "yml", "json"})
_TOP: Final = re.compile(r'^\s*\{?\s*"?(apiVersion|kind|metadata)"?\s*:', re.MULTILINE)
_KEYS: Final = 3
_MARKER: Final = "---"
_SUFFIXES: Final = (".md", ".markdown")


def is_markdown(name: str) -> bool:
    """Whether a file of this name is Markdown."""
    return name.lower().endswith(_SUFFIXES)


def manifests(text: str) -> str:
    """A YAML stream with the blocks of `text` that hold objects; all other lines are empty.

    A document without ``apiVersion``, ``kind`` and ``metadata`` is a fragment, which nobody applies
    as it is.
    """
    lines = text.split("\n")
    kept = [""] * len(lines)
    start = 0
    while start < len(lines):
        fence = _FENCE.match(lines[start])
        if fence is None:
            start += 1
            continue
        end = _end(lines, start + 1, fence["mark"])
        if fence["language"].lower() in _LANGUAGES:
            indent = len(fence["indent"])
            block = [_without(line, indent) for line in lines[start + 1 : end]]
            kept[start] = _MARKER
            kept[start + 1 : end] = _objects(block)
        start = end + 1
    return "\n".join(kept)


def _objects(block: list[str]) -> list[str]:
    """A block without the lines of documents that are fragments."""
    kept = [""] * len(block)
    starts = [index for index, line in enumerate(block) if line.startswith(_MARKER)]
    for start, end in itertools.pairwise([0, *starts, len(block)]):
        document = block[start:end]
        if len(set(_TOP.findall("\n".join(document)))) == _KEYS:
            kept[start:end] = document
    return kept


def _end(lines: list[str], start: int, mark: str) -> int:
    """Index of the line that closes a block; a block that is not closed takes all."""
    for index in range(start, len(lines)):
        line = lines[index].strip()
        if line.startswith(mark) and not line.strip(mark[0]):
            return index
    return len(lines)


def _without(line: str, indent: int) -> str:
    """A line without the indentation that its fence has."""
    spaces = len(line) - len(line.lstrip(" \t"))
    return line[min(indent, spaces) :]
