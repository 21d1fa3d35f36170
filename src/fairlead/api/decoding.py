"""Bytes or raw values in; typed objects, defaulted and validated, and problems out.

An object is let in whole or not at all, but for fields that the channel which is served does not
have. What a cluster's API server would refuse is refused here, with every reason at once and the
place of each; what it would default is defaulted. A user's mistake is never an exception.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from fairlead.api.channel import Channel, as_served
from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path, field
from fairlead.api.identity import Identity, identify
from fairlead.api.kinds import Kind, Object
from fairlead.api.problem import Problem
from fairlead.api.raw import Raw, is_list, is_map, share_texts
from fairlead.api.remnant import Remnant, unrelated
from fairlead.api.schema import Checker
from fairlead.api.unread import unread
from fairlead.api.validate import check
from fairlead.api.yaml_position import locate
from fairlead.api.yaml_text import Chunk, TextError, parse, split

_DROPPED = frozenset({"status"})
_DROPPED_METADATA = frozenset({"managedFields", "selfLink"})
_CORE_GROUPS = frozenset({"", "apps", "discovery.k8s.io"})
_LONGEST = 800
"""Characters that a problem may quote."""
_KEPT = 300
"""Of them on either side, where it would be longer."""
_encoder = msgspec.json.Encoder()


class Decoded(msgspec.Struct, frozen=True):
    """What some text or value holds."""

    objects: tuple[Object, ...] = ()
    """In the order of the text."""
    problems: tuple[Problem, ...] = ()
    rejected: tuple[tuple[str, str, str], ...] = ()
    """(kind, namespace, name) of objects that are there but have errors."""
    unidentified: bool = False
    """Something is there of which cannot be told which objects it holds."""


class _Entry(msgspec.Struct, frozen=True):
    """One object of a document, let in or not."""

    path: Path
    identity: Identity
    obj: Object | None
    findings: tuple[Finding, ...]


def decode(
    data: bytes | str | Mapping[str, Any], file: str = "", channel: Channel = "experimental"
) -> Decoded:
    """Objects and problems of a YAML or JSON stream, or of one raw object.

    Args:
        data: UTF-8 text, of one or many documents and `List`s, or what a parser made of it.
        file: name that problems carry.
        channel: of Gateway API, see `fairlead.api.channel`.
    """
    if isinstance(data, Mapping):
        return _decoded(_entries(dict(data), channel), "", file)
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8"
        problem = Problem(severity="error", code=Code.UNREADABLE, message=message, file=file)
        return Decoded(problems=(problem,), unidentified=True)
    return join(shift(decode_chunk(chunk, channel), chunk.line, file) for chunk in split(text))


def decode_chunk(chunk: Chunk, channel: Channel = "experimental") -> Decoded:
    """Objects and problems of one document; lines count from its own first line."""
    try:
        return _decoded(_entries(parse(chunk.text), channel), chunk.text, "")
    except TextError as error:
        problem = Problem(
            severity="error",
            code=error.code,
            message=error.message,
            remedy=error.remedy,
            line=error.line,
            column=error.column,
        )
    except RecursionError:
        message = "the document is nested too deeply"
        problem = Problem(severity="error", code=Code.REFUSED_YAML, message=message, line=1)
    return Decoded(problems=(problem,), unidentified=True)


def shift(decoded: Decoded, line: int, file: str) -> Decoded:
    """`decoded` with problems in `file`, whose line `line` is the document's first."""
    if not decoded.problems:
        return decoded
    moved = tuple(
        msgspec.structs.replace(each, file=file, line=max(each.line, 1) + line - 1)
        for each in decoded.problems
    )
    return msgspec.structs.replace(decoded, problems=moved)


def join(parts: Iterable[Decoded]) -> Decoded:
    """All of `parts` as one."""
    all_parts = tuple(parts)
    return Decoded(
        objects=tuple(obj for part in all_parts for obj in part.objects),
        problems=tuple(problem for part in all_parts for problem in part.problems),
        rejected=tuple(key for part in all_parts for key in part.rejected),
        unidentified=any(part.unidentified for part in all_parts),
    )


def _decoded(entries: Iterable[_Entry], text: str, file: str) -> Decoded:
    entries = tuple(entries)
    bad = [entry for entry in entries if entry.findings]
    if not bad:
        return Decoded(objects=tuple(entry.obj for entry in entries if entry.obj is not None))
    paths = {(*entry.path, *found.path) for entry in bad for found in entry.findings}
    places = locate(text, paths) if text else {}
    problems = [
        _problem(entry, found, places.get((*entry.path, *found.path), (0, 0)), file)
        for entry in bad
        for found in entry.findings
    ]
    refused = [each for each in bad if each.obj is None and _is_error(each.findings)]
    return Decoded(
        objects=tuple(entry.obj for entry in entries if entry.obj is not None),
        problems=tuple(sorted(problems, key=lambda each: (each.line, each.column))),
        rejected=tuple(
            (each.identity.kind.kind, each.identity.namespace, each.identity.name)
            for each in refused
            if each.identity.kind is not None and each.identity.name
        ),
        unidentified=any(not each.identity.complete for each in refused),
    )


def _problem(entry: _Entry, found: Finding, place: tuple[int, int], file: str) -> Problem:
    return Problem(
        severity=found.severity,
        code=found.code,
        message=printable(found.message),
        remedy=found.remedy,
        kind=printable(entry.identity.kind_name),
        namespace=printable(entry.identity.namespace),
        name=printable(entry.identity.name),
        field=printable(field(found.path)),
        file=file,
        line=place[0],
        column=place[1],
    )


def printable(text: str) -> str:
    """`text` without what could move a terminal's cursor, nor its middle where it is long.

    It may quote a whole file.
    """
    if len(text) > _LONGEST:
        text = f"{text[:_KEPT]} … {text[-_KEPT:]}"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _is_error(findings: Iterable[Finding]) -> bool:
    return any(found.severity == "error" for found in findings)


def _entries(raw: Raw, channel: Channel) -> Iterator[_Entry]:
    """The objects of one document: itself, or the items of a list."""
    if raw is None:
        return
    if is_map(raw) and str(raw.get("kind", "")).endswith("List") and "items" in raw:
        items = raw["items"]
        kind = str(raw["kind"]).removesuffix("List")
        defaults = {"apiVersion": raw.get("apiVersion"), "kind": kind} if kind else {}
        for index, item in enumerate(items if is_list(items) else ()):
            whole = {**defaults, **item} if is_map(item) else item
            yield _entry(whole, ("items", index), channel)
        return
    yield _entry(raw, (), channel)


def _entry(raw: Raw, path: Path, channel: Channel) -> _Entry:
    identity = identify(raw)
    kind = identity.kind
    if kind is None or identity.finding is not None:
        return _Entry(path, identity, None, (identity.finding,) if identity.finding else ())
    served = as_served(_prepared(raw, identity), kind, channel)
    obj, findings = _object(served.raw, kind)
    kept = None if served.refused else obj
    return _Entry(path, identity, kept, (*findings, *served.findings))


def _prepared(raw: Raw, identity: Identity) -> Raw:
    """A copy without what others write, and with the namespace defaulted."""
    kept = {key: value for key, value in raw.items() if key not in _DROPPED}
    metadata = kept.get("metadata")
    if is_map(metadata):
        kept["metadata"] = {k: v for k, v in metadata.items() if k not in _DROPPED_METADATA}
        if isinstance(metadata.get("namespace", ""), str | None):
            kept["metadata"]["namespace"] = identity.namespace
    return kept


def _object(raw: Raw, kind: Kind) -> tuple[Object | None, tuple[Finding, ...]]:
    """The object, None if it has errors, and every finding."""
    obj: Object | None = None
    if (path := _half_a_letter(raw)) is not None:
        message = "holds half of a surrogate pair, which is no letter; write the letter itself"
        return None, (Finding(Code.WRONG_TYPE, path, message),)
    found = tuple(unread(raw, kind.model))
    share_texts(raw)
    with contextlib.suppress(msgspec.ValidationError):  # the slow way says all that is wrong
        obj = msgspec.convert(raw, kind.model)
    if obj is None or _holds_null(raw):
        obj, findings = _object_or_findings(raw, kind)
        if obj is None:
            return None, (*findings, *found)
    found = (*check(obj), *found)
    return (None if _is_error(found) else obj), found


def _half_a_letter(raw: Raw, path: Path = ()) -> Path | None:
    r"""Where a text cannot be encoded, as after ``"\ud800"`` in JSON; None if nowhere."""
    try:
        _encoder.encode(raw)
    except UnicodeEncodeError:
        inner = raw.items() if is_map(raw) else enumerate(raw) if is_list(raw) else ()
        for key, value in inner:
            if (found := _half_a_letter(value, (*path, key))) is not None:
                return found
        return path
    except (TypeError, ValueError, OverflowError):
        pass  # no JSON either, which has words of its own
    return None


def _holds_null(raw: Raw) -> bool:
    try:
        return b"null" in _encoder.encode(raw)
    except (TypeError, ValueError, OverflowError):
        return True


def _object_or_findings(raw: Raw, kind: Kind) -> tuple[Object | None, tuple[Finding, ...]]:
    """The slow way: every finding, or the object once nulls and keys are as in JSON."""
    raw = _with_string_keys(raw)
    checker = Checker(core=kind.group in _CORE_GROUPS, secret=kind.kind == "Secret")
    findings = checker.check(raw, kind.model)
    if findings:
        return None, (*findings, *_further(raw, kind, checker, findings))
    try:
        return msgspec.convert(_as_json(raw), kind.model), ()
    except msgspec.ValidationError as error:
        return None, (Finding(Code.WRONG_TYPE, (), str(error)),)


def _further(
    raw: Raw, kind: Kind, checker: Checker, findings: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """The rules that the rest of an object breaks, apart from what its schema refuses."""
    refused, rest = findings, Remnant(raw).without(findings)
    while rest is not None:
        more = checker.check(rest.raw, kind.model)
        if not more:
            break
        refused += tuple(
            msgspec.structs.replace(found, path=rest.origin(found.path)) for found in more
        )
        rest = rest.without(more)
    if rest is None:
        return ()
    try:
        obj: Object = msgspec.convert(_as_json(rest.raw), kind.model)
    except msgspec.ValidationError:
        return ()
    found = [msgspec.structs.replace(each, path=rest.origin(each.path)) for each in check(obj)]
    return tuple(unrelated(found, refused))


def _with_string_keys(raw: Raw) -> Raw:
    if is_map(raw):
        return {_key(key): _with_string_keys(value) for key, value in raw.items()}
    if is_list(raw):
        return [_with_string_keys(value) for value in raw]
    return raw


def _key(key: Raw) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _as_json(raw: Raw) -> Raw:
    """The value as kubectl would send it: nulls left out, `80.0` as the whole number it is."""
    if is_map(raw):
        return {key: _as_json(value) for key, value in raw.items() if value is not None}
    if is_list(raw):
        return [_as_json(value) for value in raw]
    return int(raw) if isinstance(raw, float) and raw.is_integer() else raw
