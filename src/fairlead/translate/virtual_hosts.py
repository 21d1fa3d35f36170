"""Virtual hosts of Gateways: the rules of all routes that claim a host, in order.

In: claims and compiled routes. Out: `ir.virtual_host.VirtualHost` by (table, host). One route's
change re-runs the virtual hosts of its own hostnames, and those that a wildcard of it covers.

A host also gets the rules of routes whose hostnames are wider (``*.example.com``, none), after
its own, so that a request that no rule of the more specific route takes goes on to them. They
come from the same listener only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead.graph import Collection, Context, Index
from fairlead.ir.http_policy import ListenerFilters
from fairlead.ir.virtual_host import VirtualHost
from fairlead.translate import hostnames, precedence
from fairlead.translate.claims import Claim, ClaimKey, ListenerKey, Variant
from fairlead.translate.finding import Finding
from fairlead.translate.precedence import Ranked

Host: TypeAlias = tuple[str, str]
"""(table, host)."""


class Compiled(msgspec.Struct, frozen=True, gc=False):
    """A route compiled for the clients of a variant."""

    rules: tuple[Ranked, ...]
    unresolved: tuple[Finding, ...]
    """Every backendRef that does not resolve; those of redirects and invalid rules too."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What virtual hosts are made from."""

    by_host: Index[ClaimKey, Claim, Host]
    compiled: Collection[Variant, Compiled]
    filters: Collection[ListenerKey, ListenerFilters]
    """Of listeners that have some."""


def hosts_of(_key: ClaimKey, claim: Claim) -> Iterator[Host]:
    """Index term of a claim."""
    yield claim.table, claim.host


def virtual_host(ctx: Context, claims: Claims, table: str, host: str) -> VirtualHost:
    """Collect the rules of `host` in `table`."""
    groups: list[tuple[str, tuple[Ranked, ...]]] = []
    limit, filters = hostnames.ANY, None
    for claim in _claims(ctx, claims, table, host):
        limit = claim.limit
        filters = filters or ctx.fetch(claims.filters, claim.listener)
        found = ctx.fetch(claims.compiled, claim.variant) if claim.variant is not None else None
        if found is not None:
            groups.append((claim.hostname, found.rules))
    return VirtualHost(
        table=table,
        name=host,
        domains=(host,),
        rules=precedence.order(groups),
        owner=limit if _knows_owner(table) else "",
        filters=filters,
    )


def _knows_owner(table: str) -> bool:
    """Whether connections tell which listener requests belong to: those of HTTPS listeners do."""
    return table.rpartition("/")[2].startswith("tls-")


def _claims(ctx: Context, claims: Claims, table: str, host: str) -> Iterator[Claim]:
    """The host's own claims, then those of wider hosts of the same listener."""
    own = [claim for _, claim in ctx.fetch_by(claims.by_host, (table, host))]
    yield from own
    if not own:
        return
    limit = own[0].limit
    for wider in hostnames.wider(host, limit):
        for _, claim in ctx.fetch_by(claims.by_host, (table, wider)):
            if claim.limit == limit:
                yield claim
