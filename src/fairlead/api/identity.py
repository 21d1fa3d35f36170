"""Which kind and object a raw value claims to be, and what is wrong with the claim."""

from typing import Final

import msgspec

from fairlead.api.codes import Code
from fairlead.api.finding import Finding
from fairlead.api.hints import similar
from fairlead.api.kinds import KIND_OF, KINDS, Kind
from fairlead.api.raw import Raw, is_map
from fairlead.api.reference import EXPERIMENTAL_GROUP, GATEWAY_GROUP

DEFAULT_NAMESPACE: Final = "default"

_OTHERS: Final = {
    "": frozenset(
        {
            "Binding",
            "Endpoints",
            "Event",
            "LimitRange",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "ServiceAccount",
        }
    ),
    "apps": frozenset({"ControllerRevision", "DaemonSet", "ReplicaSet", "StatefulSet"}),
    "certificates.k8s.io": frozenset({"CertificateSigningRequest", "PodCertificateRequest"}),
    EXPERIMENTAL_GROUP: frozenset({"XListenerSet", "XMesh"}),
}
"""Kinds that exist, are not read, and must not be taken for a slip of the pen."""

_BUILT_IN: Final = frozenset(
    {"", "apps", "batch", "extensions", "discovery.k8s.io", "networking.k8s.io", GATEWAY_GROUP}
)
"""Groups whose kinds are known: a kind of ours in another of them is a mistake."""


class Identity(msgspec.Struct, frozen=True):
    """What an object is, as far as it can be told."""

    kind: Kind | None
    """The kind that is read, or was probably meant; None if it is another or cannot be told."""
    kind_name: str
    """The kind as written, or as probably meant."""
    name: str
    namespace: str
    finding: Finding | None = None
    """Why it is not read; its severity is `warning` for kinds that exist but are not served."""

    @property
    def complete(self) -> bool:
        """Whether the object can be told from all others."""
        return self.kind is not None and bool(self.name)


def identify(raw: Raw) -> Identity:
    """Kind, namespace (defaulted) and name of a raw object."""
    if not is_map(raw):
        what = "a list" if isinstance(raw, list) else "a bare value"
        message = f"a document is an object with apiVersion, kind and metadata, not {what}"
        return Identity(None, "", "", "", Finding(Code.NOT_AN_OBJECT, (), message))
    metadata = raw.get("metadata")
    held = metadata if is_map(metadata) else {}
    kind, finding = _kind(raw)
    name = _text(held.get("name"))
    namespace = _text(held.get("namespace")) or DEFAULT_NAMESPACE
    if kind is not None and not kind.namespaced:
        namespace = ""
    kind_name = kind.kind if kind else _text(raw.get("kind"))
    return Identity(kind, kind_name, name, namespace, finding)


def _text(value: Raw) -> str:
    return value if isinstance(value, str) else ""


def _kind(raw: Raw) -> tuple[Kind | None, Finding | None]:
    api_version, name = raw.get("apiVersion"), raw.get("kind")
    for key, value in (("kind", name), ("apiVersion", api_version)):
        if not isinstance(value, str) or not value:
            return _incomplete(raw, key)
    known = KIND_OF.get(name)
    if known and api_version in known.api_versions:
        return known, None
    return _other(api_version, name, known)


def _incomplete(raw: Raw, key: str) -> tuple[Kind | None, Finding]:
    guess = KIND_OF.get(_text(raw.get("kind"))) if key == "apiVersion" else None
    meant = similar(key, [str(each) for each in raw if each != "metadata"])
    if guess:
        remedy = f"add `apiVersion: {guess.api_versions[0]}`"
    elif key not in raw and meant:
        remedy = f"`{meant}` looks like it"
    else:
        remedy = f"add `{key}`"
    return guess, Finding(Code.NOT_AN_OBJECT, (), f"`{key}` is required", remedy)


def _other(api_version: str, name: str, known: Kind | None) -> tuple[Kind | None, Finding]:
    group = api_version.rpartition("/")[0]
    if known and (group == known.group or group in _BUILT_IN or similar(group, [known.group])):
        message = f"there is no {name} in apiVersion {api_version}"
        remedy = f"write `apiVersion: {known.api_versions[0]}`"
        return known, Finding(Code.WRONG_TYPE_META, ("apiVersion",), message, remedy)
    meant = _meant(group, name)
    if meant:
        message = f"there is no kind {name} in apiVersion {api_version}"
        if group == meant.group:
            remedy = f"did you mean `{meant.kind}`?"
        else:
            remedy = f"did you mean `apiVersion: {meant.api_versions[0]}`, `kind: {meant.kind}`?"
        return meant, Finding(Code.WRONG_TYPE_META, ("kind",), message, remedy)
    where = f"group {group}" if group else "the core group"
    message = f"kind {name} of {where} is not served by this version"
    return None, Finding(Code.NOT_SERVED, ("kind",), message, "it is left out", "warning")


def _meant(group: str, name: str) -> Kind | None:
    if name in _OTHERS.get(group, ()):
        return None
    groups = {kind.group for kind in KINDS}
    near = group if group in groups else similar(group, groups)
    if group not in groups and not near:
        return None
    kinds = {kind.kind: kind for kind in KINDS if kind.group == near}
    return kinds.get(similar(name, kinds))
