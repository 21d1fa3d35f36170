"""Policies attached to backends (GEP-713): what they target, and who is told.

In: policies with `targetRefs`, and which proxy uses which cluster. Out: targets, and the ancestors
of a target: the Gateways that send to it, and the target itself for clients in the mesh.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, TypeVar

from fairlead import api
from fairlead.graph import Collection, Context, Index
from fairlead.ir.assignment import ClusterUse
from fairlead.ir.fleet import MESH_PROXY
from fairlead.translate import cluster_name
from fairlead.translate.cluster_name import TargetKind
from fairlead.translate.report import AncestorReport, Condition, Report
from fairlead.translate.sources import Key

TargetKey: TypeAlias = tuple[TargetKind, str, str]
"""Kind, namespace and name of a backend."""

MOST_ANCESTORS: Final = 16
"""Entries of PolicyStatus.ancestors."""

_GROUPS: Final[dict[tuple[str, str], TargetKind]] = {
    ("", "Service"): "Service",
    (api.EXPERIMENTAL_GROUP, "XBackend"): "XBackend",
}
_GATEWAY: Final = "gateway/"


class _Spec(Protocol):
    @property
    def target_refs(self) -> tuple[api.LocalPolicyTargetReference, ...]: ...


class Policy(Protocol):
    """What every kind of policy has."""

    @property
    def metadata(self) -> api.ObjectMeta:
        """Standard object's metadata."""
        ...

    @property
    def spec(self) -> _Spec:
        """What is wanted."""
        ...


P = TypeVar("P", bound=Policy)


def target(namespace: str, ref: api.LocalPolicyTargetReference) -> TargetKey | None:
    """Return the backend that a policy of `namespace` targets; None if it is of another kind."""
    kind = _GROUPS.get((ref.group, ref.kind))
    return (kind, namespace, ref.name) if kind else None


def targets(key: Key, policy: Policy) -> Iterator[TargetKey]:
    """Index terms of a policy: the backends that it targets, each once."""
    found = (target(key[0], ref) for ref in policy.spec.target_refs)
    yield from dict.fromkeys(each for each in found if each is not None)


@dataclass(frozen=True, slots=True)
class Ancestry:
    """Who sends to which backend."""

    uses: Index[tuple[str, str], ClusterUse, TargetKey]
    """(proxy, cluster) by the backend behind the cluster."""
    standalone: bool

    def of_target(
        self, ctx: Context, namespace: str, ref: api.LocalPolicyTargetReference
    ) -> tuple[api.ParentReference, ...]:
        """Return the ancestors of what a policy of `namespace` targets, be it there or not."""
        backend = target(namespace, ref)
        if backend is not None:
            return self.of(ctx, backend)
        shown = api.ParentReference(
            group=ref.group, kind=ref.kind, namespace=namespace, name=ref.name
        )
        return (shown,) if self.standalone else ()

    def of(self, ctx: Context, backend: TargetKey) -> tuple[api.ParentReference, ...]:
        """Return the ancestors of a backend, sorted: Gateways, then itself if pods send to it.

        A backend that nobody sends to is its own ancestor, so that its policy's owner gets an
        answer all the same. In a cluster it has none: another controller may well send to it, and
        only what we are responsible for is told (PolicyStatus.ancestors).
        """
        proxies = sorted({proxy for (proxy, _cluster), _ in ctx.fetch_by(self.uses, backend)})
        gateways = [_gateway(proxy) for proxy in proxies if proxy.startswith(_GATEWAY)]
        if MESH_PROXY in proxies or (self.standalone and not gateways):
            gateways.append(itself(backend))
        return tuple(gateways)


def ancestry(use: Collection[tuple[str, str], ClusterUse], *, standalone: bool) -> Ancestry:
    """Index the use of clusters by what is behind them."""

    def behind(key: tuple[str, str], _use: ClusterUse) -> Iterator[TargetKey]:
        name = cluster_name.parse(key[1])
        if name is not None:
            yield name.kind, name.namespace, name.name

    return Ancestry(use.index("use by backend", behind), standalone)


def itself(backend: TargetKey) -> api.ParentReference:
    """Return the reference by which a backend is its own ancestor."""
    kind, namespace, name = backend
    group = next(group for (group, known), found in _GROUPS.items() if found == kind == known)
    return api.ParentReference(group=group, kind=kind, namespace=namespace, name=name)


def report(
    kind: str,
    key: Key,
    generation: int,
    entries: Iterable[tuple[api.ParentReference, tuple[Condition, ...]]],
    most: int = MOST_ANCESTORS,
) -> Report | None:
    """Report on a policy or an XBackend; None if it concerns no ancestor.

    There is one entry for each ancestor, the first that is given counting. An ancestor that hears
    something negative goes before those that do not, should not all have room.
    """
    found: dict[tuple[str, str, str, str], AncestorReport] = {}
    for ref, conditions in entries:
        place = (ref.group, ref.kind, ref.namespace or "", ref.name)
        known = found.get(place)
        if known is None or (_negative(conditions) and not _negative(known.conditions)):
            found[place] = AncestorReport(ref, conditions)
    ordered = sorted(found.items(), key=lambda item: (not _negative(item[1].conditions), item[0]))
    kept = sorted(ordered[:most], key=lambda item: _order(item[0]))
    if not kept:
        return None
    return Report(kind, *key, generation, ancestors=tuple(entry for _, entry in kept))


def _order(place: tuple[str, str, str, str]) -> tuple[bool, tuple[str, str, str, str]]:
    """Sort key of ancestors: Gateways first."""
    return place[1] != "Gateway", place


def _negative(conditions: tuple[Condition, ...]) -> bool:
    return any(condition.status != "True" for condition in conditions)


def _gateway(proxy: str) -> api.ParentReference:
    """Return the Gateway that a proxy ``gateway/NAMESPACE/NAME`` is of."""
    namespace, _, name = proxy.removeprefix(_GATEWAY).partition("/")
    return api.ParentReference(namespace=namespace, name=name)
