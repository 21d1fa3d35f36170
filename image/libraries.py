"""Shared libraries that programs need, as the dynamic linker finds them on this machine."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from image.tree import File, Tree

_FOUND: Final = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_MISSING: Final = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)
_SYSTEM: Final = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
"""Where the linker looks without being told; libraries from elsewhere go beside the C library."""
_ASKED_FOR_LATER: Final = "libgcc_s.so.1"
"""The C library opens it by name once a thread is cancelled."""


class MissingLibraryError(Exception):
    """A program asks for a library that this machine does not have."""


def needed(programs: Iterable[Path], scratch: Path) -> Tree:
    """Libraries of ELF files, those of Python's own among them, without debug symbols.

    Args:
        programs: executables and extension modules.
        scratch: directory for stripped copies.

    Raises:
        MissingLibraryError: the message names program and library.
    """
    found: set[Path] = set()
    listed = sorted(programs)
    for at in range(0, len(listed), 50):
        found |= _linked(listed[at : at + 50])
    c_library = next(path for path in found if path.name == "libc.so.6")
    beside = c_library.parent / _ASKED_FOR_LATER
    if beside.exists():
        found.add(beside)
    libraries: dict[str, File] = {}
    for path in sorted(found):
        place = path if str(path).startswith(_SYSTEM) else c_library.parent / path.name
        libraries[str(place).lstrip("/")] = File(_stripped(path.resolve(), scratch), 0o755)
    return libraries


def _linked(programs: list[Path]) -> set[Path]:
    told = subprocess.run(  # noqa: S603 - our own arguments
        [shutil.which("ldd") or "/usr/bin/ldd", *programs],
        capture_output=True, text=True, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    ).stdout  # fmt: skip
    if missing := _MISSING.search(told):
        raise MissingLibraryError(f"{missing[1]} is not on this machine; ldd says:\n{told}")
    return {Path(match[1]) for match in _FOUND.finditer(told)}


def _stripped(library: Path, scratch: Path) -> Path:
    """A copy without debug symbols, where binutils is installed; else the library itself."""
    strip = shutil.which("strip")
    if strip is None:
        return library
    copy = scratch / library.name
    done = subprocess.run(  # noqa: S603 - our own arguments
        [strip, "--strip-unneeded", "-o", str(copy), str(library)], capture_output=True, check=False
    )
    return copy if done.returncode == 0 else library
