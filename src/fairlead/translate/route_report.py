"""What the owner of a route is told, parent by parent; the same for every kind of route.

In: what parents make of the route (`Attachments`, Services), what its rules and references are
worth (`Judgement`, from the module of its kind), and what proxies refused. Out: one
`ParentReport` for each parentRef that concerns us, in the order of the spec, then for each default
Gateway (GEP-3793), whose conditions are Accepted, ResolvedRefs and, where only a part of the route
is carried out, PartiallyInvalid.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context
from fairlead.ir.fleet import MESH_PROXY, Proxy
from fairlead.translate.attachments import Attachment, Attachments, is_gateway
from fairlead.translate.backends import ParentKind
from fairlead.translate.conditions import Conditions, Refusal
from fairlead.translate.finding import Finding, sentence
from fairlead.translate.refusals import RefusedKey
from fairlead.translate.report import Condition, ParentReport, Report
from fairlead.translate.sources import Key, Settings


class _Spec(Protocol):
    """CommonRouteSpec."""

    @property
    def parent_refs(self) -> tuple[api.ParentReference, ...]: ...


class Route(Protocol):
    """What every kind of route has."""

    @property
    def metadata(self) -> api.ObjectMeta:
        """Standard object's metadata."""
        ...

    @property
    def spec(self) -> _Spec:
        """What is wanted; every kind's contains CommonRouteSpec."""
        ...


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What the rules of a route say about it, whoever its parent is."""

    refused: Refusal | None = None
    """Of Accepted=False, if no rule is valid."""
    partly: str = ""
    """Message of PartiallyInvalid, if some are; else empty."""


class Parent(msgspec.Struct, frozen=True, gc=False):
    """What a parent itself says, before rules and references are looked at."""

    kind: ParentKind
    refused: Refusal | None
    """Of Accepted=False; None if the route is attached."""
    message: str = ""
    """Of Accepted=True."""
    proxy: str = ""
    """The proxy that serves the route for this parent; empty if none does."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the reports of all routes of one kind are made from."""

    kind: str
    settings: Settings
    attachments: Collection[Key, Attachments]
    """Of the routes of this kind."""
    rejections: Collection[RefusedKey, str]
    mesh: Collection[str, Proxy]
    """The mesh's proxy, if there is one."""


def _no_remarks(_attachment: Attachment) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the module of a route's kind says about one route."""

    verdict: Verdict
    unresolved: Callable[[ParentKind, Attachments | None], tuple[Finding, ...]]
    """References that do not resolve for parents of a kind; asked once for each kind."""
    service: Callable[[api.ParentReference], Parent]
    """What a parentRef to a Service says."""
    notes: tuple[str, ...] = ()
    """What the owner should know although the route is accepted."""
    remarks: Callable[[Attachment], tuple[str, ...]] = _no_remarks
    """The same about one parent that it is attached to."""


def report(
    ctx: Context, facts: Facts, key: Key, route: Route, judgement: Judgement
) -> Report | None:
    """Everything to tell about a route; None if no parent of it concerns us."""
    make = Conditions(route.metadata.generation)
    attached = ctx.fetch(facts.attachments, key)
    by_index = {parent.index: parent for parent in attached.parents} if attached else {}
    judged = judgement.verdict
    unresolved: dict[ParentKind, tuple[Finding, ...]] = {}
    parents: list[ParentReport] = []
    for index, ref in enumerate(_references(route, attached)):
        parent = _parent(facts, ref, index, by_index.get(index), judgement)
        if parent is None:
            continue
        if parent.kind not in unresolved:
            unresolved[parent.kind] = judgement.unresolved(parent.kind, attached)
        served = parent.refused is None and judged.refused is None
        refusal = (parent.proxy, facts.kind, *key)
        rejection = ctx.fetch(facts.rejections, refusal) if served else None
        conditions = (
            _accepted(make, parent, judgement),
            _resolved(make, unresolved[parent.kind]),
            *(_partly(make, judged.partly, rejection) if served else ()),
        )
        runs = served and (parent.kind == "gateway" or ctx.fetch(facts.mesh, MESH_PROXY))
        parents.append(
            ParentReport(ref, conditions, (parent.proxy,) if runs and parent.proxy else ())
        )
    if not parents:
        return None
    return Report(facts.kind, *key, generation=route.metadata.generation, parents=tuple(parents))


def _references(route: Route, attached: Attachments | None) -> Iterator[api.ParentReference]:
    """The parentRefs of a route, and those that stand for default Gateways."""
    yield from route.spec.parent_refs
    for attachment in attached.parents if attached is not None else ():
        if attachment.default:
            yield attachment.ref


def _parent(
    facts: Facts,
    ref: api.ParentReference,
    index: int,
    attachment: Attachment | None,
    judgement: Judgement,
) -> Parent | None:
    """What the parent of one parentRef says; None if it is none of our business."""
    if is_gateway(ref):
        if attachment is None:
            return None
        message = _attached_to(attachment.listeners)
        if attachment.default:
            message = f"bound to a default Gateway: {message}"
        if not attachment.proxy:
            kind, namespace, name = attachment.parent
            message += f"; see the status of {kind} {namespace}/{name}: nothing is served yet"
        message = "; ".join((message, *judgement.remarks(attachment)))
        return Parent("gateway", attachment.refused, message, attachment.proxy)
    if ref.is_service:
        # In a cluster there is no mesh of ours, and another one's may well serve the Service.
        return judgement.service(ref) if facts.settings.standalone else None
    fault = _misnamed(ref, index, standalone=facts.settings.standalone)
    return Parent("gateway", ("NoMatchingParent", fault)) if fault else None


def _misnamed(ref: api.ParentReference, index: int, *, standalone: bool) -> str:
    """What is wrong with a parentRef to a kind that is neither Gateway nor Service.

    In a cluster another controller may serve such a kind, except for a Service by another group.
    """
    if ref.kind == "Service" and ref.group in (api.GATEWAY_GROUP, "core", "v1"):
        return (
            f'parentRefs[{index}]: a Service parent needs group: "" (found "{ref.group}"); '
            'write group: ""'
        )
    if not standalone:
        return ""
    return (
        f"parentRefs[{index}]: {ref.kind} of group {ref.group!r} cannot be a parent here; "
        "use a Gateway, a ListenerSet or a Service"
    )


def _accepted(make: Conditions, parent: Parent, judgement: Judgement) -> Condition:
    refused = parent.refused or judgement.verdict.refused
    if refused is not None:
        return make.negative("Accepted", refused)
    return make.true("Accepted", "Accepted", "; ".join((parent.message, *judgement.notes)))


def _resolved(make: Conditions, findings: tuple[Finding, ...]) -> Condition:
    if findings:
        return make.false("ResolvedRefs", findings[0].reason, sentence(findings))
    return make.true("ResolvedRefs", "ResolvedRefs", "every reference resolves")


def _partly(make: Conditions, invalid: str, rejection: str | None) -> Iterator[Condition]:
    """PartiallyInvalid, which is only there when it is true."""
    messages = [invalid] if invalid else []
    if rejection is not None:
        messages.append(f"Fall Back: the proxy refused {rejection}; it serves what it had before")
    if messages:
        yield make.true("PartiallyInvalid", "UnsupportedValue", "; ".join(messages))


@lru_cache(maxsize=1024)
def _attached_to(listeners: tuple[str, ...]) -> str:
    noun = "listener" if len(listeners) == 1 else "listeners"
    return f"attached to {noun} {', '.join(listeners)}"
