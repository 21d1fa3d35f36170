"""Kubeconfig files, as `kubectl config` writes them."""

from pathlib import Path

import yaml


def write(
    path: Path, user: dict | None = None, server: str = "http://127.0.0.1:1", **cluster: object
) -> Path:
    """Write one with two contexts of one cluster: `one`, of namespace team, chosen; and `two`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    contexts = [
        {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "team"}},
        {"name": "two", "context": {"cluster": "c", "user": "u"}},
    ]
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "one",
                "contexts": contexts,
                "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
                "users": [{"name": "u", "user": user or {}}],
            }
        )
    )
    return path
