"""Rules that send nothing anywhere although they have backends."""

from collections.abc import Iterator

from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.api.codes import Code


def remarks(facts: Facts) -> Iterator[Remark]:
    """Look at the weights of every rule of every route."""
    for route in facts.routes:
        answered = route.kind in ("HTTPRoute", "GRPCRoute")
        what = "every request is answered with an error" if answered else "nothing is let through"
        for index, rule in enumerate(route.spec.rules):
            if rule.backend_refs and not any(ref.weight for ref in rule.backend_refs):
                yield remark(
                    route,
                    Code.NO_WEIGHT,
                    ("spec", "rules", index, "backendRefs"),
                    f"the weights of all backends are 0, so {what}",
                    "give at least one of them a weight",
                    severity="error",
                )
