"""Channels of Gateway API v1.7.0: what a cluster with the standard one would lose, or refuse.

In: a raw object of a known kind. Out: a finding for each thing in it that only the experimental
channel has, and the object as an API server with the channel that is served would store it. The
tables are the difference between the schemas of the two channels' CRDs. Old versions are told of
here too, since channels differ in those they serve.
"""

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, Literal, TypeAlias

import msgspec

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.kinds import Kind
from fairlead.api.problem import Severity
from fairlead.api.raw import Raw, is_list, is_map
from fairlead.api.reference import EXPERIMENTAL_GROUP

Channel: TypeAlias = Literal["standard", "experimental"]

_REMEDY: Final = "install the experimental CRDs in clusters that shall have it"
_ROUTE: Final[tuple[str, ...]] = ("spec.useDefaultGateways",)

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Gateway": ("spec.addresses[].routability", "spec.defaultScope", "spec.listeners[].filters"),
    "ListenerSet": ("spec.listeners[].filters",),
    "HTTPRoute": (*_ROUTE, "spec.rules[].sessionPersistence"),
    "GRPCRoute": (*_ROUTE, "spec.rules[].sessionPersistence"),
    "TLSRoute": _ROUTE,
    "TCPRoute": _ROUTE,
    "UDPRoute": _ROUTE,
}
"""By kind: fields that the standard channel drops; `[]` stands for every entry of a list."""

VALUES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "HTTPRoute": (
        ("spec.rules[].filters[].type", "ExternalAuth"),
        ("spec.rules[].backendRefs[].filters[].type", "ExternalAuth"),
    ),
}
"""By kind: (field, value) that the standard channel refuses, and with it the whole object."""

VERSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "BackendTLSPolicy": ("v1alpha3",),
    "TLSRoute": ("v1alpha3", "v1alpha2"),
    "TCPRoute": ("v1alpha2",),
    "UDPRoute": ("v1alpha2",),
}
"""By kind: versions that the standard channel does not serve."""

_ALIKE: Final = frozenset({"DestinationRule"})
"""Kinds all of whose versions are alike, and none on its way out."""


class Served(msgspec.Struct, frozen=True):
    """An object as a channel's API server takes it."""

    raw: Raw
    """Without the fields that the channel does not have."""
    findings: tuple[Finding, ...] = ()
    refused: bool = False
    """Whether the server would not store it at all."""


class _Use(msgspec.Struct, frozen=True):
    """Something that the standard channel does not have."""

    path: Path
    message: str
    drops: bool = False
    """Whether the field alone is lost; else the object is refused."""


def as_served(raw: Raw, kind: Kind, channel: Channel) -> Served:
    """What a cluster with `channel` makes of an object that is applied with `--validate=false`.

    Args:
        raw: the object, whatever is wrong with it; it stays as it is.
        kind: its kind.
        channel: `experimental` serves all, and findings (warnings where something would be lost
            without a word) say what `standard` would not; with `standard` they are errors.
    """
    uses = tuple(_uses(raw, kind))
    old = tuple(_old_version(raw, kind))
    if channel == "standard":
        refused = any(not use.drops for use in uses)
        findings = tuple(_finding(use, "error") for use in uses)
        return Served(_without(raw, uses), (*old, *findings), refused)
    findings = tuple(
        _finding(use, "warning" if use.drops else "info")
        for use in uses
        if not old or use.path != old[0].path
    )
    return Served(raw, (*old, *findings))


def _finding(use: _Use, severity: Severity) -> Finding:
    tail = "drops it" if use.drops else "refuses the object"
    return Finding(
        Code.CHANNEL,
        use.path,
        f"{use.message} is only in the experimental channel, the standard one {tail}",
        _REMEDY,
        severity,
    )


def _old_version(raw: Raw, kind: Kind) -> Iterator[Finding]:
    version = raw["apiVersion"].rpartition("/")[2]
    if version != kind.versions[0] and kind.kind not in _ALIKE:
        only = version in VERSIONS.get(kind.kind, ())
        tail = ", which the standard channel does not serve" if only else ""
        message = f"{version} is an old version of {kind.kind}{tail}"
        remedy = f"write `apiVersion: {kind.api_versions[0]}`"
        yield Finding(Code.OLD_VERSION, ("apiVersion",), message, remedy, "info")


def _uses(raw: Raw, kind: Kind) -> Iterator[_Use]:
    version = raw["apiVersion"].rpartition("/")[2]
    if kind.group == EXPERIMENTAL_GROUP:
        yield _Use(("kind",), f"kind {kind.kind}")
    if version in VERSIONS.get(kind.kind, ()):
        yield _Use(("apiVersion",), f"{version} of {kind.kind}")
    for pattern in FIELDS.get(kind.kind, ()):
        for path, _ in _places(raw, pattern):
            yield _Use(path, f"`{path[-1]}`", drops=True)
    for pattern, value in VALUES.get(kind.kind, ()):
        for path, held in _places(raw, pattern):
            if held == value:
                yield _Use(path, f"{path[-1]} {value}")


def _without(raw: Raw, uses: tuple[_Use, ...]) -> Raw:
    if not any(use.drops for use in uses):
        return raw
    kept = copy.deepcopy(raw)
    for use in uses:
        if use.drops:
            holder = kept
            for part in use.path[:-1]:
                holder = holder[part]
            del holder[use.path[-1]]
    return kept


def _places(raw: Raw, pattern: str) -> list[tuple[Path, Raw]]:
    """Where the pattern leads in an object, and what is there; nulls count as absent."""
    found: list[tuple[Path, Raw]] = []
    _collect(raw, (), _steps(pattern), found)
    return found


@cache
def _steps(pattern: str) -> tuple[str, ...]:
    """Names of fields, empty for every entry of a list."""
    return tuple(pattern.replace("[]", ".").split("."))


def _collect(raw: Raw, path: Path, steps: tuple[str, ...], found: list[tuple[Path, Raw]]) -> None:
    """Add what is below `raw`, which is at `path`; plain calls, since every object comes here."""
    for depth, step in enumerate(steps):
        if not step:
            for index, entry in enumerate(raw if is_list(raw) else ()):
                _collect(entry, (*path, index), steps[depth + 1 :], found)
            return
        raw = raw.get(step) if is_map(raw) else None
        if raw is None:
            return
        path = (*path, step)
    found.append((path, raw))
