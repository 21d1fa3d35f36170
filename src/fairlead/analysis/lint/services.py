"""Services that select nothing, as far as that can be told."""

from collections.abc import Iterator

from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.api.codes import Code


def remarks(facts: Facts) -> Iterator[Remark]:
    """Look at each Service with a selector; pods may stand in other manifests."""
    if not facts.complete:
        return
    for key, service in facts.sources.services.items():
        selector = service.spec.selector
        if selector and service.spec.type != "ExternalName" and not facts.selected(key):
            labels = ",".join(f"{label}={value}" for label, value in sorted(selector.items()))
            yield remark(
                service,
                Code.NO_PODS,
                ("spec", "selector"),
                f"no pod has the labels {labels}",
                "correct the selector or the labels of the pods",
            )
