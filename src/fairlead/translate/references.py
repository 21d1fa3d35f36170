"""ReferenceGrants: who may refer to what across namespaces.

In: ReferenceGrants. Out: `Grants`, asked for one reference at a time, so that a grant's change
re-runs only what asked for that very permission.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fairlead import api
from fairlead.graph import Context, Index
from fairlead.translate.sources import Key, Sources

_Term: TypeAlias = tuple[str, str, str, str, str, str, str]
"""Group, kind and namespace of the referring object; group, kind, namespace and name of the
referent, the name empty where all of the kind are granted."""


@dataclass(frozen=True, slots=True)
class Grants:
    """Permissions given by ReferenceGrants."""

    index: Index[Key, api.ReferenceGrant, _Term]

    def permit(
        self, ctx: Context, referrer: tuple[str, str, str], referent: tuple[str, str, str, str]
    ) -> bool:
        """Whether an object may refer to another one.

        Args:
            ctx: The function run that asks.
            referrer: Group, kind and namespace of the object that holds the reference.
            referent: Group, kind, namespace and name of the object referred to. In the
                referrer's own namespace everything is permitted.
        """
        if referrer[2] == referent[2]:
            return True
        anything = (*referrer, *referent[:3], "")
        return any(ctx.count_by(self.index, term) for term in (anything, (*referrer, *referent)))


def build(sources: Sources) -> Grants:
    """Index the ReferenceGrants by the permissions that they give."""

    def permissions(key: Key, grant: api.ReferenceGrant) -> Iterator[_Term]:
        for source in grant.spec.from_:
            for target in grant.spec.to:
                referrer = (source.group, source.kind, source.namespace)
                yield (*referrer, target.group, target.kind, key[0], target.name or "")

    return Grants(sources.reference_grants.index("grants by permission", permissions))
