"""Which files a path stands for, and which directories must be watched to see them change."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

STDIN: Final = "-"
_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


class Tree(msgspec.Struct, frozen=True):
    """A look at the paths that a provider was given."""

    files: tuple[tuple[str, str], ...]
    """(absolute path, name as the user would write it), sorted by name; each file once."""
    directories: tuple[tuple[str, str], ...]
    """(absolute path, name) of those in which every manifest counts, sorted."""
    watched: tuple[str, ...]
    """Absolute paths of directories that must be watched, sorted."""
    missing: tuple[str, ...]
    """Paths that do not exist, as given."""


def look(paths: Iterable[str]) -> Tree:
    """Find files and directories under `paths`; hidden ones below a directory do not count.

    Args:
        paths: directories (searched in depth for *.yaml, *.yml and *.json) and files of any name.
    """
    files: dict[str, str] = {}
    directories: dict[str, str] = {}
    parents: set[str] = set()
    missing: list[str] = []
    for path in paths:
        absolute = os.path.abspath(path)  # noqa: PTH100 - symbolic links stay as they are
        if os.path.isdir(absolute):  # noqa: PTH112 - strings throughout: this runs per file
            for found, is_directory in _walk(absolute):
                names = directories if is_directory else files
                names.setdefault(found, _name(path, absolute, found))
            continue
        parents.add(_nearest(absolute))
        if os.path.isfile(absolute):  # noqa: PTH113
            files.setdefault(absolute, path)
        else:
            missing.append(path)
    by_name = sorted(files.items(), key=lambda item: item[1])
    return Tree(
        files=tuple(by_name),
        directories=tuple(sorted(directories.items())),
        watched=tuple(sorted({*directories, *parents})),
        missing=tuple(missing),
    )


def is_manifest(name: str) -> bool:
    """Whether a file of this name in a directory counts."""
    return not name.startswith(".") and Path(name).suffix in _SUFFIXES


def _walk(directory: str) -> Iterator[tuple[str, bool]]:
    yield directory, True
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        elif is_manifest(entry.name) and entry.is_file():
            yield entry.path, False


def _name(given: str, absolute: str, found: str) -> str:
    below = found[len(absolute) :].lstrip("/")
    return os.path.join(given, below) if below else given  # noqa: PTH118


def _nearest(path: str) -> str:
    """The directory nearest above `path` that exists, so that its appearing is seen."""
    parent = Path(path).parent
    while not parent.is_dir():
        parent = parent.parent
    return str(parent)
