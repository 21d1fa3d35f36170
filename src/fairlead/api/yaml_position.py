"""Where in a YAML or JSON text a field stands. Slow (30 us a node): for documents with problems.

It follows the parser's events instead of building a tree, so that neither deep nesting nor aliases
cost anything.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from fairlead.api.finding import Path


class Node(NamedTuple):
    """A value of the text; lines and columns count from 1, those of the key are 0 in lists."""

    path: Path
    line: int
    column: int
    key_line: int
    key_column: int
    plain: str | None
    """The text of a scalar without quotes, tag or anchor; None for all else."""
    plain_key: bool
    """Whether the key has no quotes."""


class _Frame:
    """A mapping or list that is open while events pass."""

    __slots__ = ("index", "is_map", "key", "key_column", "key_line", "path", "plain_key")

    def __init__(self, path: Path, *, is_map: bool) -> None:
        self.path = path
        self.is_map = is_map
        self.index = 0
        self.key: str | None = None
        self.key_line = 0
        self.key_column = 0
        self.plain_key = False


def nodes(text: str) -> Iterator[Node]:
    """Every value of the first document, in the order of the text; stops where it is no YAML."""
    stack: list[_Frame] = []
    try:
        events: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)
        for event in events:
            if isinstance(event, yaml.DocumentEndEvent):
                return
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            elif isinstance(event, yaml.NodeEvent):
                yield from _node(stack, event)
    except yaml.YAMLError:
        return


def _node(stack: list[_Frame], event: Any) -> Iterator[Node]:  # noqa: ANN401
    top = stack[-1] if stack else None
    scalar = event if isinstance(event, yaml.ScalarEvent) else None
    mark: Any = event.start_mark
    if top and top.is_map and top.key is None:
        top.key = str(scalar.value) if scalar else "?"
        top.key_line, top.key_column = mark.line + 1, mark.column + 1
        top.plain_key = bool(scalar and scalar.implicit[0])
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append(_Frame((*top.path, "?"), is_map=isinstance(event, yaml.MappingStartEvent)))
        return
    path, key_line, key_column, plain_key = (), 0, 0, False
    if top and top.is_map:
        path = (*top.path, top.key or "")
        key_line, key_column = top.key_line, top.key_column
        plain_key, top.key = top.plain_key, None
    elif top:
        path = (*top.path, top.index)
        top.index += 1
    plain = None
    if scalar and scalar.implicit[0] and not scalar.style and scalar.anchor is None:
        plain = str(scalar.value)
    yield Node(path, mark.line + 1, mark.column + 1, key_line, key_column, plain, plain_key)
    if isinstance(event, yaml.CollectionStartEvent):
        stack.append(_Frame(path, is_map=isinstance(event, yaml.MappingStartEvent)))


def locate(text: str, paths: set[Path]) -> dict[Path, tuple[int, int]]:
    """Line and column of the key (in lists: the entry) at each path.

    Args:
        text: one document.
        paths: paths in it; one that does not exist gets the place of its nearest parent.
    """
    wanted = {path[:length]: (0, 0) for path in paths for length in range(len(path) + 1)}
    for node in nodes(text):
        if node.path in wanted and wanted[node.path] == (0, 0):
            at_key = (node.key_line, node.key_column)
            wanted[node.path] = at_key if node.key_line else (node.line, node.column)
    found: dict[Path, tuple[int, int]] = {}
    for path in paths:
        lengths = range(len(path), -1, -1)
        found[path] = next((wanted[path[:n]] for n in lengths if wanted[path[:n]][0]), (0, 0))
    return found


def duplicate(text: str) -> tuple[int, int]:
    """Line and column of the first key that its mapping has already; (0, 0) if there is none."""
    seen: set[Path] = set()
    for node in nodes(text):
        if node.path in seen:
            return node.key_line, node.key_column
        seen.add(node.path)
    return 0, 0
