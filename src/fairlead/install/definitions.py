"""The CustomResourceDefinitions of our own kinds."""

from importlib.resources import files
from typing import Any

import msgspec.yaml

from fairlead.install.part import Manifest


def texts() -> dict[str, str]:
    """File name to YAML, sorted by name."""
    directory = files("fairlead") / "crds"
    names = sorted(entry.name for entry in directory.iterdir() if entry.name.endswith(".yaml"))
    return {name: (directory / name).read_text("utf-8") for name in names}


def manifests() -> list[Manifest]:
    """The definitions as objects; each file holds one."""
    return [msgspec.yaml.decode(text, type=dict[str, Any]) for text in texts().values()]
