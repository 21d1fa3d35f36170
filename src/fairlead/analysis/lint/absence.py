"""References to what is not there: a slip, or something that other manifests hold.

Manifests are seldom all there is. What they refer to and is not among them counts as there, unless
something alike is among them, in name or in place. With `Facts.complete` nothing else is there.
"""

import re
from typing import Final

import msgspec

from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.slips import slip_of
from fairlead.api.finding import Finding
from fairlead.translate.sources import Key

_ABSENT: Final = re.compile(r"\b([A-Z][A-Za-z]+) (?:([a-z0-9.-]+)/)?([a-z0-9.:-]+) does not exist")
_NO_SERVICE: Final = re.compile(r"\bno Service is called ([a-z0-9*-]+)(?:\.([a-z0-9-]+))?")
_PEERS: Final[dict[str, tuple[str, ...]]] = {
    "Gateway": ("Gateway", "ListenerSet"),
    "ListenerSet": ("Gateway", "ListenerSet"),
}


def judged(facts: Facts, finding: Finding) -> Finding | None:
    """The finding as it counts; None for an absence that proves nothing."""
    absent = _ABSENT.search(finding.message) or _NO_SERVICE.search(finding.message)
    if absent is None:
        return finding
    if absent.re is _ABSENT:
        kind, key = absent[1], (absent[2] or "", absent[3])
    else:
        kind, key = "Service", (absent[2] or "", absent[1])
    meant = _meant(facts, kind, key)
    if meant:
        severity = "error" if facts.complete else "warning"
        return msgspec.structs.replace(finding, remedy=f"did you mean {meant}?", severity=severity)
    if "there is one in" in finding.remedy:
        return finding
    return finding if facts.complete else None


def _meant(facts: Facts, kind: str, key: Key) -> str:
    """Something of the kind that is nearly called so, or called so elsewhere."""
    namespace, name = key
    for peer in _PEERS.get(kind, (kind,)):
        try:
            keys = facts.sources.of(peer).keys()
        except KeyError:
            return ""
        here = {each[1] for each in keys if each[0] == namespace}
        if peer != kind and name in here:
            return f"kind {peer}"
        close = slip_of(name, here)
        if close:
            return f"{peer} {close}"
        elsewhere = sorted(each[0] for each in keys if each[1] == name)
        if namespace and elsewhere:
            return f"{peer} {elsewhere[0]}/{name}"
    return ""
