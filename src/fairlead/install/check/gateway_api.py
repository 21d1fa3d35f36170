"""Gateway API's CRDs: which release and channel, and what would be lost with them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fairlead.api.channel import as_served
from fairlead.api.kinds import KIND_OF, KINDS, Kind
from fairlead.api.raw import is_map
from fairlead.api.reference import EXPERIMENTAL_GROUP, FAIRLEAD_GROUP, GATEWAY_GROUP
from fairlead.install import cluster
from fairlead.install.apply import GATEWAY_API
from fairlead.install.check.finding import Finding
from fairlead.install.check.schema import missing, served
from fairlead.install.part import Manifest
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.nesting import shallow
from fairlead.providers.kube.paths import path_of

TOPIC: Final = "Gateway API"
RELEASE: Final = "v1.7.0"
_BUNDLE: Final = f"{GATEWAY_GROUP}/bundle-version"
_CHANNEL: Final = f"{GATEWAY_GROUP}/channel"
_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_NEEDED: Final = frozenset({"GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant"})
"""Without these there is nothing to serve."""
_MOST: Final = 5
"""Objects that are told of by name."""
_INSTALL: Final = f"install the CRDs: {GATEWAY_API}"


async def definitions(client: KubeClient) -> dict[str, Manifest]:
    """The CRDs of kinds that Fairlead reads, by kind."""
    path = path_of("apiextensions.k8s.io/v1", "customresourcedefinitions")
    listed = {each["metadata"]["name"]: each for each in await cluster.items(client, path)}
    return {
        kind.kind: listed[name]
        for kind in KINDS
        if (name := f"{kind.plural}.{kind.group}") in listed
    }


async def objects(client: KubeClient, found: Mapping[str, Manifest]) -> list[Manifest]:
    """All objects of Gateway API's kinds, each with `apiVersion` and `kind`."""
    made: list[Manifest] = []
    for name, definition in found.items():
        kind = KIND_OF[name]
        version = served(definition, kind)
        if kind.group == GATEWAY_GROUP and version:
            api_version = f"{kind.group}/{version}"
            listed = await cluster.items(client, path_of(api_version, kind.plural))
            made += [{"apiVersion": api_version, "kind": name, **each} for each in listed]
    return made


def judge(
    found: Mapping[str, Manifest], existing: Sequence[Manifest], *, installed: bool
) -> list[Finding]:
    """What the CRDs are good for.

    Args:
        found: the CRDs, by kind.
        existing: objects of Gateway API's kinds.
        installed: whether our own kinds are expected.
    """
    return [
        *_release(found),
        *_absent(found),
        *_fields(found),
        *_lost(existing, found),
        *(_ours(found) if installed else ()),
    ]


def _release(found: Mapping[str, Manifest]) -> Iterator[Finding]:
    bundles: dict[tuple[str, str], list[str]] = {}
    for name, definition in found.items():
        if KIND_OF[name].group in {GATEWAY_GROUP, EXPERIMENTAL_GROUP}:
            notes = _notes(definition)
            bundle = notes.get(_BUNDLE, "unknown"), notes.get(_CHANNEL, "unknown")
            bundles.setdefault(bundle, []).append(name)
    if not bundles:
        yield Finding(TOPIC, "error", "its CRDs are not installed", _INSTALL)
        return
    if len(bundles) > 1:
        parts = [
            f"{version} ({channel}): {', '.join(names)}"
            for (version, channel), names in sorted(bundles.items())
        ]
        message = f"the CRDs are of several releases or channels: {'; '.join(parts)}"
        yield Finding(TOPIC, "warning", message, f"use those of one release. {_INSTALL}")
        return
    ((version, channel),) = bundles
    told = f"CRDs of {version}, {channel} channel"
    if version == RELEASE:
        yield Finding(TOPIC, "ok", told)
    elif _number(version) < _number(RELEASE):
        message = f"{told}: Fairlead is made for {RELEASE}"
        yield Finding(TOPIC, "warning", message, f"upgrade them: {GATEWAY_API}")
    else:
        message = f"{told}: newer than {RELEASE}, whose fields Fairlead knows"
        yield Finding(TOPIC, "warning", message, "upgrade Fairlead when it knows that release")


def _number(version: str) -> tuple[int, ...]:
    """A release to compare; what is no release is before all, a candidate before its release."""
    numbers, candidate, _ = version.removeprefix("v").partition("-")
    parts = numbers.split(".")
    found = tuple(int(part) for part in parts) if all(map(str.isdecimal, parts)) else ()
    return (*found, -1) if found and candidate else (*found, 0) if found else ()


def _absent(found: Mapping[str, Manifest]) -> Iterator[Finding]:
    """Kinds that the cluster does not have, or in no version that is known."""
    for kind in KINDS:
        if kind.group not in {GATEWAY_GROUP, EXPERIMENTAL_GROUP}:
            continue
        severity = "error" if kind.kind in _NEEDED else "warning"
        if kind.kind not in found:
            if any(KIND_OF[name].group == GATEWAY_GROUP for name in found):
                message = f"{kind.kind} is not installed: no such objects can be made"
                yield Finding(TOPIC, severity, message, f"if they are wanted, {_INSTALL}")
        elif not served(found[kind.kind], kind):
            message = f"{kind.kind} is served in none of the versions {', '.join(kind.versions)}"
            yield Finding(TOPIC, severity, message, _INSTALL)


def _fields(found: Mapping[str, Manifest]) -> Iterator[Finding]:
    """Fields that the API server drops from what is applied."""
    for name, definition in found.items():
        kind = KIND_OF[name]
        if kind.group not in {GATEWAY_GROUP, EXPERIMENTAL_GROUP} or not served(definition, kind):
            continue
        if lost := missing(definition, kind):
            message = f"{name}: these CRDs do not have {', '.join(lost)}"
            remedy = (
                "who uses them needs the experimental channel; "
                "`fairlead lint --channel standard DIR` finds them in manifests"
            )
            yield Finding(TOPIC, "warning", message, remedy)


def _lost(existing: Sequence[Manifest], found: Mapping[str, Manifest]) -> Iterator[Finding]:
    """Objects that were applied with what the cluster's CRDs dropped."""
    standard = {
        name for name, definition in found.items() if _notes(definition).get(_CHANNEL) == "standard"
    }
    told: list[str] = []
    for each in existing:
        if each["kind"] in standard and (lost := _dropped(each, KIND_OF[each["kind"]])):
            place = f"{each['metadata'].get('namespace', '')}/{each['metadata']['name']}"
            told.append(f"{each['kind']} {place.lstrip('/')}: {', '.join(lost)}")
    for line in told[:_MOST]:
        message = f"{line} was applied, and dropped by the standard channel"
        remedy = "install the experimental CRDs and apply it again, or leave the field out"
        yield Finding(TOPIC, "error", message, remedy)
    if len(told) > _MOST:
        message = f"{len(told) - _MOST} further objects lost fields"
        yield Finding(TOPIC, "error", message, "install the experimental CRDs, apply them again")


def _dropped(live: Manifest, kind: Kind) -> list[str]:
    """Fields that `kubectl apply` was given and that the standard channel does not have.

    The annotation is its object's owner's, who may write anything into it.
    """
    text = _notes(live).get(_APPLIED)
    if not text:
        return []
    try:
        applied: object = json.loads(shallow(text.encode()))
    except ValueError:
        return []
    if not is_map(applied) or not isinstance(applied.get("apiVersion"), str):
        return []
    findings = as_served(applied, kind, "standard").findings
    return [
        ".".join(map(str, each.path)).replace(".spec", "spec")
        for each in findings
        if each.severity == "error"
    ]


def _ours(found: Mapping[str, Manifest]) -> Iterator[Finding]:
    for kind in KINDS:
        if kind.group != FAIRLEAD_GROUP:
            continue
        if kind.kind not in found:
            message = f"{kind.kind}: the CRD of our own kind is not installed"
            yield Finding(TOPIC, "error", message, "`fairlead install` installs it")
        elif lost := missing(found[kind.kind], kind):
            message = f"{kind.kind}: its CRD is older, without {', '.join(lost)}"
            yield Finding(TOPIC, "error", message, "`fairlead install` upgrades it")


def _notes(manifest: Manifest) -> Mapping[str, str]:
    """Annotations of an object."""
    return manifest["metadata"].get("annotations") or {}
