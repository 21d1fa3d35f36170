"""Labels of Namespaces, as selectors of `allowedRoutes` and `allowedListeners` see them."""

from collections.abc import Mapping

from fairlead.graph import Context
from fairlead.translate.sources import Sources


def labels(ctx: Context, sources: Sources, namespace: str) -> Mapping[str, str]:
    """Labels of a namespace, with the one that Kubernetes gives to each."""
    found = ctx.fetch(sources.namespaces, ("", namespace))
    own = dict(found.metadata.labels) if found is not None else {}
    return {"kubernetes.io/metadata.name": namespace, **own}
