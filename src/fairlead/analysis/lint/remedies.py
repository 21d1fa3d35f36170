"""What to do where a condition's message does not say so itself."""

import re
from typing import Final

import msgspec

from fairlead.analysis.lint.facts import Facts
from fairlead.api.codes import Code
from fairlead.api.finding import Finding

_REMEDIES: Final[dict[Code, str]] = {
    Code.NO_PARENT: "correct the parentRef, or create what it names",
    Code.NOT_ALLOWED: "name a listener that takes this kind, or ask the owner for allowedRoutes",
    Code.NO_GRANT: "create a ReferenceGrant there",
    Code.ODD_PARENT: "use a Service with a selector and an address",
    Code.FOREIGN_HOSTNAMES: "correct spec.hostnames, or give the Gateway a listener for them",
    Code.NO_BACKEND: "correct name and port of the reference, or create what it names",
    Code.BAD_CERTIFICATE: "correct what the reference names",
    Code.LISTENER_CONFLICT: "give the listener another port or hostname",
    Code.FAULT_ENDED: "remove it and the filters that name it",
    Code.NO_EFFECT: "remove it, or do not count on it",
    Code.SAME_MATCH: "remove one of the two, or give it another host or port",
    Code.NO_TARGET: "correct what the policy is for",
    Code.UNSUPPORTED: "write a value that the field's documentation lists",
    Code.OTHERS: "leave it to an implementation that serves it, or use what is served here",
    Code.POLICY_CONFLICT: "merge the two",
    Code.SETTINGS: "correct the setting",
    Code.REFUSED: "see the documentation of the field",
}
"""By code, for messages that name the mistake alone."""
_NO_LISTENER: Final = re.compile(r"^(Gateway|ListenerSet) (\S+)/(\S+) has no listener named")


def with_remedy(facts: Facts, finding: Finding) -> Finding:
    """The finding with something to do about it."""
    if finding.remedy:
        return finding
    remedy = _listeners(facts, finding) or _REMEDIES.get(Code(finding.code), "")
    return msgspec.structs.replace(finding, remedy=remedy)


def _listeners(facts: Facts, finding: Finding) -> str:
    """The listeners that a parentRef could name."""
    found = _NO_LISTENER.match(finding.message)
    parent = facts.sources.of(found[1]).get((found[2], found[3])) if found else None
    if parent is None:
        return ""
    return f"name one of {', '.join(entry.name for entry in parent.spec.listeners)}"
