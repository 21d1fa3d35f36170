"""What is in an image: paths, each with its content and mode.

A layer's bytes depend on nothing but these: no owners, no times, sorted.
"""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its bytes, or where they are read from when the layer is written."""

    content: bytes | Path
    mode: int = 0o644

    def read(self) -> bytes:
        """The bytes."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory; those that only hold files need no entry of their own."""

    mode: int = 0o755


Entry: TypeAlias = File | Link | Directory
Tree: TypeAlias = Mapping[str, Entry]
"""Path without a leading slash to what is there."""


def layer(tree: Tree) -> bytes:
    """A tar of the tree with all parent directories, owned by root, times zero, sorted."""
    entries: dict[str, Entry] = {
        str(parent): Directory()
        for path in tree
        for parent in PurePosixPath(path).parents
        if str(parent) != "."
    }
    entries.update(tree)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(entries):
            info = tarfile.TarInfo(path)
            match entries[path]:
                case File() as file:
                    data = file.read()
                    info.size, info.mode = len(data), file.mode
                    tar.addfile(info, io.BytesIO(data))
                case Link(target):
                    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
                    tar.addfile(info)
                case Directory(mode):
                    info.type, info.mode = tarfile.DIRTYPE, mode
                    tar.addfile(info)
    return buffer.getvalue()
