"""Writes status to a directory: one YAML document per object, for those who can't ask.

A file appears whole or not at all (written beside, then renamed) and only when its content is
another than before. Files of objects that are gone are removed; files that we did not write stay.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import yaml

from fairlead import api
from fairlead.status.conditions import Json
from fairlead.status.store import ReportKey

_API_VERSIONS = {kind.kind: kind.api_versions[0] for kind in api.KINDS}


class StatusDirectory:
    """``KIND/NAMESPACE/NAME.yaml`` below `root`; ``KIND/NAME.yaml`` for cluster-scoped kinds."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, key: ReportKey) -> Path:
        """Where the status of an object is written; names can't leave the directory."""
        parts = [_file_name(part) for part in key if part]
        return self._root.joinpath(*parts[:-1], f"{parts[-1]}.yaml")

    def write(self, changed: Mapping[ReportKey, Json]) -> None:
        """Write each status, remove the file of each that is empty.

        Raises:
            OSError: the directory can't be written.
        """
        for key, status in changed.items():
            path = self.path(key)
            if not status:
                path.unlink(missing_ok=True)
                continue
            text = _document(key, status)
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.new")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)


def _file_name(part: str) -> str:
    """`part` without what a path gives a meaning to: slashes, and names of dots only."""
    return quote(part, safe="") if part.strip(".") else part.replace(".", "%2E")


def _document(key: ReportKey, status: Json) -> str:
    kind, namespace, name = key
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    document = {
        "apiVersion": _API_VERSIONS.get(kind, "v1"),
        "kind": kind,
        "metadata": metadata,
        "status": status,
    }
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
