"""Parts of large resources on the graph, joined in bundles.

In: parts, and which resource each belongs to. Out: bundles by resource. A changed part is joined
with those of its bundle, and the bundles are joined with each other: about the root of what joining
all parts would cost.
"""

import zlib
from collections.abc import Callable
from typing import TypeVar

from fairlead.graph import Collection, Context, Index
from fairlead.xds.resource import Bundle, Part, bundled

K = TypeVar("K")
H = TypeVar("H")


def joined(
    name: str,
    parts: Collection[K, Part],
    place: Callable[[K], tuple[H, str]],
    *,
    most: int,
) -> Index[tuple[H, int], Bundle, H]:
    """Join parts by what they belong to.

    Args:
        name: Of the stage, for the names of its collections.
        parts: Ready to be concatenated.
        place: What a part belongs to, and its name there.
        most: Bundles of one resource.
    """

    def member(key: K, _: Part) -> tuple[tuple[H, int]]:
        home, own = place(key)
        return ((home, zlib.crc32(own.encode()) % most),)

    members = parts.index(f"{name}_members", member)

    def bundle(ctx: Context, key: tuple[H, int], _: tuple[H, int]) -> Bundle:
        return bundled(tuple([part for _, part in ctx.fetch_by(members, key)]))

    bundles = members.terms(f"{name}_buckets").map(f"{name}_bundles", bundle)
    return bundles.index(f"{name}_by_home", lambda key, _: (key[0],))
