"""Secrets and ConfigMaps that something points to and that the cluster does not let us read."""

from fairlead.graph import Context
from fairlead.translate.sources import Key, Sources


def forbidden(ctx: Context, sources: Sources, kind: str, key: Key) -> str:
    """Words to follow an object's name if we have no right to read it, else none."""
    if not ctx.fetch(sources.forbidden, (kind, *key)):
        return ""
    remedy = "; name it in the setting secretNamespaces" if kind == "Secret" else ""
    return f"cannot be read: Fairlead has no right to {kind}s of the namespace {key[0]}{remedy}"
