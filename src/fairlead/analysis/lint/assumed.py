"""References that hold only where objects happen to be applied (kubectl's current namespace)."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.api.codes import Code
from fairlead.translate.sources import Key

IsPlaced: TypeAlias = Callable[[str, Key], bool]
"""Whether an object is written with a namespace of its own."""


def remarks(facts: Facts, is_placed: IsPlaced) -> Iterator[Remark]:
    """Find parentRefs with a namespace, of routes and to parents that are written without one."""
    for route in facts.routes:
        for index, ref in enumerate(route.spec.parent_refs):
            if ref.namespace is None or ref.kind not in ("Gateway", "ListenerSet", "Service"):
                continue
            key = (ref.namespace, ref.name)
            if facts.sources.of(ref.kind).get(key) is None:
                continue
            if is_placed(ref.kind, key) or is_placed(route.kind, route.key):
                continue
            yield remark(
                route,
                Code.NO_PARENT,
                ("spec", "parentRefs", index, "namespace"),
                f"{ref.kind} {ref.name} is written without a namespace, and so is this route: "
                f"applied to another one than {ref.namespace}, it is not this parent",
                f"remove `namespace` to mean {ref.name} beside the route, or give {ref.kind} "
                f"{ref.name} its namespace",
            )
