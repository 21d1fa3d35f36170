"""Where a running instance keeps its state, and how commands find it.

The state directory is chosen by the user and outlives the instance: lock, logs, sticky addresses.
The runtime directory holds the Unix sockets and lives as long as the instance; it is a short path
of its own, since the address of a Unix socket is limited to 107 bytes.
"""

import contextlib
import fcntl
import json
import os
import shutil
import stat
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

STATE_DIR_VARIABLE = "FAIRLEAD_STATE_DIR"
_PREFIX = "fairlead-"
_LONGEST_RUNTIME_DIR = 70
"""Bytes; leaves room for the longest socket name below it."""
_REMOVALS, _REMOVAL_PAUSE = 50, 0.01
"""How often, and after how many seconds again, a directory is removed that doesn't get empty."""


class InstanceError(Exception):
    """The state directory is in use, unusable, or no instance runs on it."""


def default_state_dir() -> Path:
    """`FAIRLEAD_STATE_DIR`, else ``fairlead/default`` in the user's XDG state directory."""
    if chosen := os.environ.get(STATE_DIR_VARIABLE):
        return Path(chosen)
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "fairlead" / "default"


@dataclass(frozen=True, slots=True)
class Instance:
    """What ``instance.json`` says about the instance that owns the state directory."""

    pid: int
    runtime_dir: str

    @property
    def api_socket(self) -> Path:
        """The Unix socket that answers the commands (HTTP)."""
        return Path(self.runtime_dir) / "api.sock"

    @property
    def ads_socket(self) -> Path:
        """The Unix socket on which local Envoys get their configuration (delta ADS)."""
        return Path(self.runtime_dir) / "ads.sock"


def read_instance(state_dir: Path) -> Instance | None:
    """The instance recorded in `state_dir`, None if there is none or the record is unreadable."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        record: Any = json.loads((state_dir / "instance.json").read_bytes())
        return Instance(pid=int(record["pid"]), runtime_dir=str(record["runtime_dir"]))
    return None


class Claim:
    """Holds a state directory for one instance, from `acquire` to `release`.

    The kernel drops the lock with the process, so a crash never leaves the directory locked.
    """

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._lock: int | None = None
        self._instance: Instance | None = None

    @property
    def instance(self) -> Instance:
        """This instance. Raises InstanceError before `acquire`."""
        if self._instance is None:
            raise InstanceError("the state directory is not claimed")
        return self._instance

    def acquire(self) -> Instance:
        """Lock the directory and make the runtime directory.

        Raises:
            InstanceError: another instance holds it, or it can't be written.
        """
        try:
            self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.state_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise InstanceError(f"cannot use state directory {self.state_dir}: {error}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = None
            raise InstanceError(self._in_use()) from None
        if stale := read_instance(self.state_dir):
            _remove_runtime_dir(Path(stale.runtime_dir))
        self._instance = Instance(pid=os.getpid(), runtime_dir=str(_make_runtime_dir()))
        return self._instance

    def publish(self) -> None:
        """Write ``instance.json``, once the sockets answer."""
        path = self.state_dir / "instance.json"
        fresh = path.with_suffix(".json.new")
        fresh.write_text(json.dumps(asdict(self.instance)) + "\n", encoding="utf-8")
        fresh.replace(path)

    def release(self) -> None:
        """Remove the record and the runtime directory, then unlock. Safe to call twice."""
        if self._lock is None:
            return
        (self.state_dir / "instance.json").unlink(missing_ok=True)
        if self._instance is not None:
            _remove_runtime_dir(Path(self._instance.runtime_dir))
            self._instance = None
        os.close(self._lock)
        self._lock = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _in_use(self) -> str:
        owner = read_instance(self.state_dir)
        who = f"pid {owner.pid}" if owner else "another process that is still starting"
        return (
            f"an instance already runs on state directory {self.state_dir} ({who}); "
            "stop it, or give this one its own with --state-dir"
        )


def _make_runtime_dir() -> Path:
    """A new private directory in the first place that is short and writable."""
    shared = "/tmp"  # noqa: S108 - mkdtemp makes a private directory below it
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), shared):
        if not base or len(os.fsencode(base)) + len(_PREFIX) + 10 > _LONGEST_RUNTIME_DIR:
            continue
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    raise InstanceError("no directory for Unix sockets: set XDG_RUNTIME_DIR to a short, own path")


def _remove_runtime_dir(path: Path) -> None:
    """Remove what an instance left behind; nothing that isn't plainly one of ours."""
    with contextlib.suppress(OSError):
        facts = path.lstat()
        ours = path.name.startswith(_PREFIX) and facts.st_uid == os.getuid()
        if not (ours and stat.S_ISDIR(facts.st_mode)):
            return
        for _ in range(_REMOVALS):  # a process that was just killed may still bind its socket
            shutil.rmtree(path, ignore_errors=True)
            if not path.exists():
                return
            time.sleep(_REMOVAL_PAUSE)
