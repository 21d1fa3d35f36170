"""Texts of files in, changes of objects out: a machine without I/O.

Invariants: an object serves from exactly one file, the first in sorted order that holds it; an
object that turns bad keeps its last good version for as long as its file names it, and if it can't
be told what a file names, everything it held before stays. Work is in proportion to the documents
that changed, not to the file's or the directory's size.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TypeAlias
from uuid import UUID, uuid5

import msgspec

from fairlead import api
from fairlead.api.decoding import decode_chunk, join, shift
from fairlead.api.yaml_position import locate
from fairlead.api.yaml_text import Chunk, split
from fairlead.providers.batch import Batch, FileProblems, Key, ObjectChange

_Id: TypeAlias = tuple[str, Key]
"""Kind and key of an object."""

_UID_SPACE = UUID("6f6b0c5e-4b1a-5d57-9a3e-0f4f8f0c7a11")


class _Held:
    """An object of a file, and the line its document starts on; 0 if it is there no longer."""

    __slots__ = ("line", "obj")

    def __init__(self, obj: api.Object, line: int) -> None:
        self.obj = obj
        self.line = line


class _File:
    """What one file holds, and what was made of its documents."""

    __slots__ = ("cache", "held", "problems", "repeated")

    def __init__(self) -> None:
        self.held: dict[_Id, _Held] = {}
        self.cache: dict[bytes, api.Decoded] = {}
        self.problems: tuple[api.Problem, ...] = ()
        self.repeated: list[tuple[_Id, Chunk]] = []


class Store:
    """All files of a provider. Call `put` for what changed, then `flush` once.

    Args:
        channel: of Gateway API, which decides which fields count.
    """

    def __init__(self, channel: api.Channel = "experimental") -> None:
        self._channel: api.Channel = channel
        self._files: dict[str, _File] = {}
        self._claims: dict[_Id, list[str]] = {}
        self._served: dict[_Id, api.Object] = {}
        self._touched: set[_Id] = set()
        self._unreported: set[str] = set()
        self._reported: dict[str, tuple[api.Problem, ...]] = {}

    def put(self, file: str, data: bytes, *, keep: bool = False) -> bool:
        """Replace what `file` holds.

        Args:
            file: name as problems show it.
            data: the file's content.
            keep: objects that the content no longer has stay for now, since it may be half
                written; the caller reads again a little later and calls without `keep`.

        Returns:
            Whether objects stayed because of `keep`.
        """
        state = self._files.setdefault(file, _File())
        before = state.held
        decoded, held = self._read(state, file, data)
        rejected = {(kind, (namespace, name)) for kind, namespace, name in decoded.rejected}
        gone = [each for each in before if each not in held]
        lost = [each for each in gone if each not in rejected and not decoded.unidentified]
        for each in gone:
            if keep or each in rejected or decoded.unidentified:
                held[each] = _Held(before[each].obj, 0)
        state.held, state.problems = held, decoded.problems
        self._unreported.add(file)
        self._claim(file, before, held)
        return keep and bool(lost)

    def fail(self, file: str, reason: str) -> None:
        """`file` cannot be read; what it held stays."""
        state = self._files.setdefault(file, _File())
        problem = api.Problem(severity="error", code=api.Code.UNREADABLE, message=reason, file=file)
        state.problems = (problem,)
        self._unreported.add(file)

    def remove(self, file: str) -> None:
        """`file` is gone, and its objects with it."""
        state = self._files.pop(file, None)
        if state is not None:
            self._claim(file, state.held, {})
            self._unreported.add(file)

    def flush(self) -> Batch:
        """What has changed since the last call."""
        changes = [change for each in sorted(self._touched) for change in self._change(each)]
        self._touched.clear()
        problems = [each for file in sorted(self._unreported) for each in self._report(file)]
        self._unreported.clear()
        return Batch(tuple(changes), tuple(problems))

    def problems(self) -> tuple[api.Problem, ...]:
        """Problems of all files, by file and line, as of the last `flush`."""
        return tuple(each for name in sorted(self._reported) for each in self._reported[name])

    def files(self) -> frozenset[str]:
        """Names of the files that are held."""
        return frozenset(self._files)

    def place(self, kind: str, key: Key) -> tuple[str, int]:
        """File of the object that counts, and the line its document starts on; ("", 0) if none."""
        claims = self._claims.get((kind, key))
        return (claims[0], self._files[claims[0]].held[kind, key].line) if claims else ("", 0)

    def _read(self, state: _File, file: str, data: bytes) -> tuple[api.Decoded, dict[_Id, _Held]]:
        """Decode the documents that are new; the others are as they were."""
        held: dict[_Id, _Held] = {}
        state.repeated = []
        try:
            chunks = split(data.decode("utf-8-sig"))
        except UnicodeDecodeError:
            return api.decode(data, file, self._channel), held
        cache: dict[bytes, api.Decoded] = {}
        parts: list[api.Decoded] = []
        for chunk in chunks:
            digest = blake2b(chunk.text.encode(), digest_size=16).digest()
            part = cache.get(digest) or state.cache.get(digest) or self._decode(chunk)
            cache[digest] = part
            for obj in part.objects:
                each = (obj.kind, obj.key)
                if each in held:
                    state.repeated.append((each, chunk))
                else:
                    held[each] = _Held(obj, chunk.line)
            if part.problems:
                parts.append(shift(part, chunk.line, file))
        state.cache = cache
        return join(parts), held

    def _decode(self, chunk: Chunk) -> api.Decoded:
        return decode_chunk(chunk, self._channel)

    def _claim(self, file: str, before: dict[_Id, _Held], after: dict[_Id, _Held]) -> None:
        for each in before.keys() - after.keys():
            claims = self._claims[each]
            claims.remove(file)
            if not claims:
                del self._claims[each]
            self._touch(each)
        for each, held in after.items():
            old = before.get(each)
            if old is None:
                claims = self._claims.setdefault(each, [])
                claims.append(file)
                claims.sort()
                self._touch(each)
            elif old.obj is not held.obj:
                self._touched.add(each)

    def _touch(self, each: _Id) -> None:
        """Who serves `each` may have changed, and with it who is told to be the second."""
        self._touched.add(each)
        claims = self._claims.get(each, ())
        if len(claims) > 1 or (claims and claims[0] in self._reported):
            self._unreported.update(claims)

    def _change(self, each: _Id) -> Iterator[ObjectChange]:
        kind, key = each
        claims = self._claims.get(each)
        old = self._served.get(each)
        if not claims:
            if old is not None:
                del self._served[each]
                yield ObjectChange(kind, key, None)
            return
        new = _stamped(self._files[claims[0]].held[each].obj, old)
        if new != old:
            self._served[each] = new
            yield ObjectChange(kind, key, new)

    def _report(self, file: str) -> Iterator[FileProblems]:
        state = self._files.get(file)
        found = (*state.problems, *self._duplicates(file, state)) if state else ()
        problems = tuple(sorted(found, key=lambda each: (each.line, each.column)))
        if problems != self._reported.get(file, ()):
            self._reported[file] = problems
            if not problems:
                del self._reported[file]
            yield FileProblems(file, problems)

    def _duplicates(self, file: str, state: _File) -> Iterator[api.Problem]:
        for each, chunk in state.repeated:
            path = ("metadata", "name")
            line, column = locate(chunk.text, {path})[path]
            place = (chunk.line + max(line, 1) - 1, column)
            yield _duplicate(file, each, place, "above in this file")
        for each, held in state.held.items():
            first = self._claims[each][0]
            if first != file and held.line:
                yield _duplicate(file, each, (held.line, 1), f"in {first}")


def _stamped(obj: api.Object, old: api.Object | None) -> api.Object:
    """The object with the metadata that an API server would give it."""
    generation = 1
    if old is not None:
        same = _content(obj) == _content(old)
        generation = old.metadata.generation + (0 if same else 1)
    uid = old.metadata.uid if old else str(uuid5(_UID_SPACE, "/".join((obj.kind, *obj.key))))
    metadata = msgspec.structs.replace(
        obj.metadata, generation=generation, uid=uid, resource_version=""
    )
    return msgspec.structs.replace(obj, metadata=metadata)


def _content(obj: api.Object) -> Iterable[object]:
    """All but metadata and the version that it was written in."""
    fields = msgspec.structs.asdict(obj)
    return [value for name, value in fields.items() if name not in {"metadata", "api_version"}]


def _duplicate(file: str, each: _Id, place: tuple[int, int], where: str) -> api.Problem:
    """The problem of an object that another document holds; `place` is (line, column)."""
    kind, (namespace, name) = each
    return api.Problem(
        severity="error",
        code=api.Code.DUPLICATE_OBJECT,
        message=f"the same object is {where}, which counts",
        remedy="remove one of them",
        kind=kind,
        namespace=namespace,
        name=name,
        file=file,
        line=place[0],
        column=place[1],
    )
