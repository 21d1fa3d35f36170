"""The files provider: directories, files and standard input, read once and then watched.

A write is read when it is over, or a moment later: what seems to remove objects (an empty file, a
shorter one, a file that is gone) counts only if it is still so after `_CONFIRM`, because editors
empty or replace files while they save.
"""

import asyncio
import errno
import io
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from time import time_ns
from typing import Final, TypeAlias

from fairlead import api
from fairlead.providers.batch import Batch
from fairlead.providers.files.store import Store
from fairlead.providers.files.tree import STDIN, Tree, is_manifest, look
from fairlead.providers.files.watch import Watch

_CONFIRM: Final = 0.03
"""Seconds after which a file that lost objects is read again."""
_RETRY: Final = 0.2
"""Seconds until directories are looked for again that vanished while being watched."""
_CLOCK_TICK: Final = 20_000_000
"""Nanoseconds within which two writes may have the same modification time."""
_STDIN_NAME: Final = "<stdin>"

_Signature: TypeAlias = tuple[int, int, int]
"""Modification time in nanoseconds, size in bytes, inode."""


class FilesProvider:
    """Objects written in files. `load` first, then iterate over `changes` in one task.

    Args:
        paths: directories (in depth: *.yaml, *.yml, *.json; nothing hidden), files, or `-` for
            standard input, which is read once.
        channel: of Gateway API, which decides which fields count.
    """

    def __init__(self, paths: Sequence[str], channel: api.Channel = "experimental") -> None:
        self._paths = tuple(path for path in paths if path != STDIN)
        self._absolute = {os.path.abspath(path): path for path in self._paths}  # noqa: PTH100
        self._stdin = STDIN in paths
        self._store = Store(channel)
        self._names: dict[str, str] = {}
        self._signatures: dict[str, _Signature] = {}
        self._directories: dict[str, str] = {}
        self._missing: frozenset[str] = frozenset()
        self._doubtful: dict[str, float] = {}
        self._left: dict[_Signature, str] = {}

    def load(self) -> Batch:
        """Read everything; blocks while it does."""
        if self._stdin:
            self._read_stdin()
        self._compare(look(self._paths), confirmed=True)
        return self._store.flush()

    def problems(self) -> tuple[api.Problem, ...]:
        """All problems there are now, by file and line."""
        return self._store.problems()

    async def changes(self) -> AsyncIterator[Batch]:
        """What changes from `load` on; never ends. Nothing is missed while a batch is handled."""
        while True:
            tree = look(self._paths)
            try:
                watch = Watch(tree.watched)
            except FileNotFoundError:
                await asyncio.sleep(_RETRY)
                continue
            with watch:
                again = look(self._paths)
                self._compare(again, confirmed=False)
                same = again.watched == tree.watched
                while same:
                    if batch := self._store.flush():
                        yield batch
                    same = self._handle(await watch.wait(self._timeout()))

    def _handle(self, paths: frozenset[str]) -> bool:
        """Read what changed, and what was doubtful and has had its time.

        Returns:
            Whether the directories are still the same, as far as the paths tell.
        """
        now = asyncio.get_running_loop().time()
        due = sorted(path for path, at in self._doubtful.items() if at <= now)
        same = True
        for path in sorted(paths):
            if path in self._names or self._is_new_file(path):
                self._read(path, confirmed=False)
            elif self._is_about_directories(path):
                same = False
        for path in due:
            if path not in paths:
                self._read(path, confirmed=True)
        self._settle_moves()
        return same

    def _is_new_file(self, path: str) -> bool:
        directory, _, name = path.rpartition("/")
        shown = self._directories.get(directory)
        if path in self._absolute:
            given = self._absolute[path]
        elif shown is not None and is_manifest(name):
            given = os.path.join(shown, name)  # noqa: PTH118
        else:
            return False
        if not os.path.isfile(path):  # noqa: PTH113
            return False
        self._names[path] = given
        self._missing -= {given}
        return True

    def _is_about_directories(self, path: str) -> bool:
        """Whether the set of directories may have changed.

        Names that start with two dots are how Kubernetes replaces mounted ConfigMaps.
        """
        name = path.rpartition("/")[2]
        if path in self._directories or name.startswith(".."):
            return True
        if any(each == path or each.startswith(path + "/") for each in self._absolute):
            return True
        return not name.startswith(".") and os.path.isdir(path)  # noqa: PTH112

    def _compare(self, tree: Tree, *, confirmed: bool) -> None:
        """Read the files that are new or other than when they were last read."""
        found = dict(tree.files)
        for path in sorted(self._names.keys() - found.keys()):
            self._read(path, confirmed=confirmed)
        self._names.update(found)
        self._directories = dict(tree.directories)
        for path in found:
            signature = self._signatures.get(path)
            if signature is None or _signature(path) != signature:
                self._read(path, confirmed=confirmed)
        missing = frozenset(tree.missing)
        for path in sorted(missing - self._missing):
            self._store.fail(path, "there is no such file or directory")
        for path in sorted(self._missing - missing):
            if path not in self._names.values():
                self._store.remove(path)
        self._missing = missing
        self._settle_moves()

    def _settle_moves(self) -> None:
        """Files that are gone and now have another name need no second look."""
        if self._left:
            here = set(self._signatures.values())
            for signature, path in self._left.items():
                if signature in here and path in self._doubtful:
                    self._read(path, confirmed=True)
            self._left = {sig: path for sig, path in self._left.items() if path in self._doubtful}

    def _read_stdin(self) -> None:
        """Read without a buffer, whose lock the process could not end with while it is held."""
        try:
            if sys.stdin is None:
                raise OSError(errno.EBADF, "it is closed")  # noqa: TRY301 - as if it were read
            with io.FileIO(sys.stdin.fileno(), closefd=False) as file:
                self._store.put(_STDIN_NAME, file.readall())
        except OSError as error:
            self._store.fail(_STDIN_NAME, f"it cannot be read: {error.strerror}")

    def _read(self, path: str, *, confirmed: bool) -> None:
        name = self._names[path]
        self._doubtful.pop(path, None)
        before = self._signatures.pop(path, None)
        signature = _signature(path)
        try:
            data = Path(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            if before is not None:
                self._left[before] = path
            self._gone(path, confirmed=confirmed)
            return
        except OSError as error:
            self._store.fail(name, f"the file cannot be read: {error.strerror}")
            return
        if signature is not None:
            self._signatures[path] = signature
        if self._store.put(name, data, keep=not confirmed):
            self._doubt(path)

    def _gone(self, path: str, *, confirmed: bool) -> None:
        if not confirmed:
            self._doubt(path)
            return
        name = self._names.pop(path)
        self._store.remove(name)
        if path in self._absolute:
            self._missing |= {name}
            self._store.fail(name, "there is no such file or directory")

    def _doubt(self, path: str) -> None:
        self._doubtful[path] = asyncio.get_running_loop().time() + _CONFIRM

    def _timeout(self) -> float | None:
        if not self._doubtful:
            return None
        return max(0.001, min(self._doubtful.values()) - asyncio.get_running_loop().time())


def _signature(path: str) -> _Signature | None:
    """None if the file is not there, or so young that a further write might not show."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a string, since this runs per file
    except OSError:
        return None
    if time_ns() - status.st_mtime_ns < _CLOCK_TICK:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
