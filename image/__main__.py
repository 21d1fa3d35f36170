"""`make image`: the image of the control plane and its proxies, as an archive.

What is in it: this Python with its standard library, the packages of requirements.lock as they
are installed here (Envoy is one of them), the shared libraries that these need, this machine's
certificate authorities, and the package from `src`. No shell and no package manager.
"""

import argparse
import hashlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from image import archive, libraries, packages
from image.tree import Directory, File, Tree, layer

ROOT: Final = Path(__file__).parents[1]
USER: Final = 65532
AUTHORITIES: Final = "etc/ssl/certs/ca-certificates.crt"
LAUNCHER: Final = """#!/usr/local/bin/python3
from fairlead.cli import main

main()
"""
CONFIG: Final = {
    "Entrypoint": ["/usr/local/bin/fairlead"],
    "User": f"{USER}:{USER}",
    "WorkingDir": "/",
    "Env": [
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "LANG=C.UTF-8",
        "HOME=/tmp",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONNOUSERSITE=1",
    ],
    "Labels": {
        "org.opencontainers.image.title": "fairlead",
        "org.opencontainers.image.licenses": "Apache-2.0",
    },
}


def system(authorities: Path) -> Tree:
    """The few files of an operating system that programs look for."""
    return {
        "etc/passwd": File(
            b"root:x:0:0:root:/root:/sbin/nologin\n"
            b"nonroot:x:%d:%d:nonroot:/tmp:/sbin/nologin\n" % (USER, USER)
        ),
        "etc/group": File(b"root:x:0:\nnonroot:x:%d:\n" % USER),
        "etc/nsswitch.conf": File(b"hosts: files dns\n"),
        AUTHORITIES: File(authorities),
        "tmp": Directory(0o1777),
    }


def base(authorities: Path, scratch: Path) -> bytes:
    """The lower layer: all but our own code. It changes with the lock file."""
    interpreter = packages.python()
    locked = packages.locked(ROOT / "requirements.lock")
    programs = packages.binaries((interpreter, locked))
    linked = libraries.needed(programs.values(), scratch)
    own = {path: entry for path, entry in linked.items() if Path("/", path) not in programs}
    modules = packages.compiled({**interpreter, **locked}, scratch)
    return layer({**system(authorities), **interpreter, **locked, **own, **modules})


def cached_base(authorities: Path, cache: Path) -> bytes:
    """The lower layer, made anew if Python, the lock file, this package or authorities changed."""
    key = hashlib.sha256(f"{sys.version} {sys.base_prefix} {os.uname().machine}".encode())
    for path in (ROOT / "requirements.lock", authorities, *sorted(ROOT.glob("image/*.py"))):
        key.update(path.read_bytes())
    stored = cache / f"base-{key.hexdigest()[:16]}.tar"
    if stored.exists():
        return stored.read_bytes()
    with tempfile.TemporaryDirectory() as scratch:
        data = base(authorities, Path(scratch))
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.glob("base-*.tar"):
        old.unlink()
    partial = cache / f".{stored.name}.{os.getpid()}"
    partial.write_bytes(data)
    partial.replace(stored)
    return data


def top() -> bytes:
    """The upper layer: our own code."""
    source = packages.source(ROOT)
    with tempfile.TemporaryDirectory() as scratch:
        modules = packages.compiled(source, Path(scratch))
        launcher = {"usr/local/bin/fairlead": File(LAUNCHER.encode(), 0o755)}
        return layer({**source, **modules, **launcher})


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the archive; tell its name and size on stderr."""
    parser = argparse.ArgumentParser(prog="python -m image", description=__doc__)
    parser.add_argument("--name", action="append", help="reference [default: fairlead:dev]")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / ".cache/image/fairlead.tar")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/image")
    parser.add_argument(
        "--authorities", type=Path, default=Path("/", AUTHORITIES),
        help="PEM file of the certificate authorities that proxies trust as the system's",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    try:
        layers = [cached_base(given.authorities, given.cache), top()]
    except (packages.LockError, libraries.MissingLibraryError, OSError) as error:
        sys.stderr.write(f"image: {error}\n")
        return 1
    names = given.name or ["fairlead:dev"]
    archive.write(given.output, names, layers, CONFIG)
    size = given.output.stat().st_size / 2**20
    sys.stderr.write(f"image: {', '.join(names)} in {given.output} ({size:.0f} MiB)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
