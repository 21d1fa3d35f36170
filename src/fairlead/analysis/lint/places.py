"""Where in its file a field of an object stands."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from fairlead import api
from fairlead.analysis.lint.remark import Remark
from fairlead.api.decoding import printable
from fairlead.api.finding import Path, field
from fairlead.api.raw import Raw, is_list, is_map
from fairlead.api.yaml_position import locate, nodes
from fairlead.api.yaml_text import Chunk, TextError, parse, split
from fairlead.translate.sources import Key

Document: TypeAlias = tuple[str, int]
"""File, and the line that a document starts on; ("", 0) if nothing is known."""


class Places:
    """Turns remarks into problems with file, line and column.

    Args:
        texts: what files hold, by name.
        document: of an object that counts.
    """

    def __init__(self, texts: dict[str, str], document: Callable[[str, Key], Document]) -> None:
        self._texts = texts
        self._document = document
        self._chunks: dict[str, dict[int, Chunk]] = {}

    def problems(self, remarks: Iterable[Remark]) -> tuple[api.Problem, ...]:
        """The remarks with their places, in the order of files and lines."""
        by_object: dict[tuple[str, Key], list[Remark]] = {}
        for each in remarks:
            by_object.setdefault((each.kind, each.key), []).append(each)
        found: list[api.Problem] = []
        for (kind, key), those in by_object.items():
            found += self._of_object(kind, key, those)
        return tuple(sorted(found, key=lambda each: (each.file, each.line, each.column, each.code)))

    def is_placed(self, kind: str, key: Key) -> bool:
        """Whether the object is written with a namespace."""
        file, start = self._document(kind, key)
        chunk = self._chunk(file, start)
        if chunk is None:
            return True
        path = (*_item(chunk.text, kind, key), "metadata", "namespace")
        return any(node.path == path and node.plain != "" for node in nodes(chunk.text))

    def _of_object(self, kind: str, key: Key, remarks: list[Remark]) -> list[api.Problem]:
        file, start = self._document(kind, key)
        chunk = self._chunk(file, start)
        top = _item(chunk.text, kind, key) if chunk is not None else ()
        paths = {(*top, *each.finding.path) for each in remarks}
        places = locate(chunk.text, paths) if chunk is not None else {}
        found: list[api.Problem] = []
        for each in remarks:
            line, column = places.get((*top, *each.finding.path), (0, 0))
            said = each.finding
            found.append(
                api.Problem(
                    severity=said.severity,
                    code=said.code,
                    message=printable(said.message),
                    remedy=printable(said.remedy),
                    kind=kind,
                    namespace=key[0],
                    name=key[1],
                    field=printable(field(said.path)),
                    file=file,
                    line=start + max(line, 1) - 1 if start else 0,
                    column=column,
                )
            )
        return found

    def _chunk(self, file: str, start: int) -> Chunk | None:
        if file not in self._chunks:
            text = self._texts.get(file, "")
            self._chunks[file] = {chunk.line: chunk for chunk in split(text)}
        return self._chunks[file].get(start)


def _item(text: str, kind: str, key: Key) -> Path:
    """Path of an object in its document: empty, or that of an item of a List."""
    if "items" not in text:
        return ()
    try:
        raw: Raw = parse(text)
    except TextError:
        return ()
    items = raw.get("items") if is_map(raw) else None
    if not is_map(raw) or not is_list(items) or not str(raw.get("kind", "")).endswith("List"):
        return ()
    for index, item in enumerate(items):
        metadata = item.get("metadata") if is_map(item) else None
        same_kind = is_map(item) and item.get("kind", kind) == kind
        if same_kind and is_map(metadata) and metadata.get("name") == key[1]:
            namespace = metadata.get("namespace") or "default"
            if namespace == key[0] or not key[0]:
                return ("items", index)
    return ()
