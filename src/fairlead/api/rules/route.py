"""Rules that route kinds share: parentRefs, how rules are told apart, how many matches."""

from collections.abc import Iterator, Sequence
from typing import Final

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.reference import GATEWAY_GROUP, ParentReference
from fairlead.api.rules.unique import unique

_MATCHES_LIMIT: Final = 128


def parent_refs(path: Path, refs: tuple[ParentReference, ...]) -> Iterator[Finding]:
    """Each names something to attach to, and no two the same."""
    for index, ref in enumerate(refs):
        if ref.kind == "Service" and ref.group in {GATEWAY_GROUP, "core", "v1"}:
            yield Finding(
                Code.PARENT_GROUP,
                (*path, index),
                f"nobody acts on this parent: there is no kind Service in group {ref.group}",
                'write `group: ""`',
                "warning",
            )
    if len(refs) < 2:  # noqa: PLR2004 - one alone has nothing to collide with
        return
    first: dict[tuple[str, str, str, str], ParentReference] = {}
    for index, ref in enumerate(refs):
        other = first.setdefault((ref.group, ref.kind, ref.name, ref.namespace or ""), ref)
        mixed = bool(other.section_name) != bool(ref.section_name)
        if mixed or bool(other.port) != bool(ref.port):
            yield Finding(
                Code.NOT_UNIQUE,
                (*path, index),
                f"{ref.kind} `{ref.name}` is a parent more than once, "
                "and not all of its parentRefs have the same of `sectionName` and `port` set",
                "set `sectionName` or `port` in all of them",
            )
    keys = [
        (ref.group, ref.kind, ref.name, ref.namespace or "", ref.section_name, ref.port)
        for ref in refs
    ]
    message = "is the same parent as entry {first}"
    yield from unique(path, keys, message, "give them a different `sectionName` or `port`")


def rule_names(path: Path, names: Sequence[str | None]) -> Iterator[Finding]:
    """Names of rules, where they are given, differ."""
    if len(names) > 1:
        yield from unique(path, names, "rule {first} is named `{key}` too", "rename one of them")


def matches(path: Path, total: int) -> Iterator[Finding]:
    """All rules of an HTTPRoute or a GRPCRoute have a limited number of matches together."""
    if total > _MATCHES_LIMIT:
        message = f"has {total} matches in all rules, at most {_MATCHES_LIMIT} are allowed"
        yield Finding(Code.BOUNDS, path, message, "split the route")
