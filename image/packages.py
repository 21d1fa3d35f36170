"""Python and the locked packages: which of their files an image needs, and where they go.

The layout is that of the official Python images, which the Containerfile starts from.
"""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Final

from image.tree import File, Link, Tree

VERSION: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"
STANDARD_LIBRARY: Final = f"usr/local/lib/{VERSION}"
SITE_PACKAGES: Final = f"{STANDARD_LIBRARY}/site-packages"
PYTHON: Final = f"usr/local/bin/{VERSION}"

_UNUSED: Final = frozenset(
    {"__pycache__", "config", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data"}
    | {"site-packages", "dist-packages", "sqlite3", "dbm", "curses", "test", "tests", "tkinter"}
    | {"turtle.py", "turtledemo", "venv"}
)
"""Of the standard library; names starting with ``config-`` as well."""
_UNUSED_MODULES: Final = re.compile(
    r"(_test|_xx|xx|_ctypes_test|_tkinter|_curses|_sqlite3|_dbm|_gdbm|readline|nis|ossaudiodev)"
)
_BUILD_ONLY: Final = frozenset({".c", ".h", ".hash", ".pxd", ".pxi", ".pyi", ".pyx", ".proto"})
_NOT_IMPORTED: Final = ("kubernetes_asyncio/client/api/", "kubernetes_asyncio/client/models/")
"""Parts of packages that we never import (`fairlead.providers.kube.config_library`), 45 MiB."""
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(;)?", re.MULTILINE)


class LockError(Exception):
    """What is installed is not what the lock file says."""


def python() -> Tree:
    """The interpreter and its standard library."""
    library = Path(sysconfig.get_path("stdlib"))
    entries: dict[str, File | Link] = {
        PYTHON: File(Path(sys.base_prefix) / "bin" / VERSION, 0o755),
        "usr/local/bin/python3": Link(VERSION),
        "usr/local/bin/python": Link(VERSION),
    }
    if "deb_system" in sysconfig.get_scheme_names():
        # Debian's own interpreter looks for packages under another name.
        entries[f"{STANDARD_LIBRARY}/dist-packages"] = Link("site-packages")
    for path in _standard_modules(library):
        relative = path.relative_to(library)
        entries[f"{STANDARD_LIBRARY}/{relative}"] = File(path, 0o755 if _binary(path) else 0o644)
    return entries


def _standard_modules(library: Path) -> Iterator[Path]:
    for path in library.rglob("*"):
        parts = path.relative_to(library).parts
        if _UNUSED.isdisjoint(parts) and not parts[0].startswith("config-") and path.is_file():
            unused = parts[0] == "lib-dynload" and _UNUSED_MODULES.match(path.name)
            if not unused and path.suffix in {".py", ".so"}:
                yield path


def locked(lock: Path) -> Tree:
    """Files of the distributions of a lock file, from where they are installed here.

    Raises:
        LockError: one is missing, or of another version.
    """
    entries: dict[str, File] = {}
    for name, version, marker in _PIN.findall(lock.read_text("utf-8")):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            if marker:
                continue
            raise LockError(f"{name} of {lock.name} is not installed: run `make setup`") from None
        if found.version != version:
            raise LockError(
                f"{name} {found.version} is installed, {lock.name} says {version}: run `make setup`"
            )
        entries.update(_files(found))
    return entries


def _files(found: Distribution) -> Iterator[tuple[str, File]]:
    for name in found.files or ():
        path = Path(str(found.locate_file(name)))
        if ".." in name.parts or not _wanted(name) or not path.is_file():
            continue
        executable = _binary(path) or path.parent.name == "_bin"
        yield f"{SITE_PACKAGES}/{name}", File(path, 0o755 if executable else 0o644)


def _wanted(name: PurePosixPath) -> bool:
    """Whether a file of a package is of use where it is only run."""
    if name.parts[0].endswith(".dist-info"):
        return name.name in {"METADATA", "entry_points.txt"} or "licenses" in name.parts
    if str(name).startswith(_NOT_IMPORTED):
        return False
    skipped = {"__pycache__", "tests", "test"} & set(name.parts[:-1])
    return not skipped and name.suffix not in _BUILD_ONLY


def _binary(path: Path) -> bool:
    return path.suffix == ".so" or ".so." in path.name


def source(root: Path) -> Tree:
    """The package `fairlead` of a working tree, with the metadata that scanners read."""
    entries: dict[str, File] = {}
    for path in (root / "src" / "fairlead").rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            entries[f"{SITE_PACKAGES}/{path.relative_to(root / 'src')}"] = File(path)
    found = distribution("fairlead")
    for name in ("METADATA", "entry_points.txt"):
        if (text := found.read_text(name)) is not None:
            where = f"{SITE_PACKAGES}/fairlead-{found.version}.dist-info/{name}"
            entries[where] = File(text.encode())
    return entries


def compiled(tree: Tree, scratch: Path) -> Tree:
    """Bytecode for all modules of a tree, which Python loads without a look at the sources."""
    lines: list[str] = []
    entries: dict[str, File] = {}
    tag = sys.implementation.cache_tag
    for number, (path, content) in enumerate(sorted(_modules(tree))):
        output = scratch / f"{number}.pyc"
        place = PurePosixPath(path)
        entries[f"{place.parent}/__pycache__/{place.stem}.{tag}.pyc"] = File(output)
        lines.append(f"{content}\t/{path}\t{output}")
    subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", str(Path(__file__).with_name("bytecode.py"))],
        input="\n".join(lines), text=True, check=True, env={"PYTHONHASHSEED": "0"},
    )  # fmt: skip
    return {path: file for path, file in entries.items() if _exists(file)}


def _modules(tree: Tree) -> Iterable[tuple[str, Path]]:
    for path, entry in tree.items():
        if path.endswith(".py") and isinstance(entry, File) and isinstance(entry.content, Path):
            yield path, entry.content


def _exists(file: File) -> bool:
    return isinstance(file.content, Path) and file.content.exists()


def binaries(trees: Iterable[Tree]) -> Mapping[str, Path]:
    """Programs and extension modules of the trees: where they go, and where they are."""
    return {
        path: entry.content
        for tree in trees
        for path, entry in tree.items()
        if isinstance(entry, File) and isinstance(entry.content, Path) and entry.mode & 0o100
    }
