"""`make bench`: every benchmark, or those named in ARGS, one JSON object a line."""

import importlib
import sys
from collections.abc import Iterator

from bench.figure import Figure, tell

NAMES = (
    *("graph", "xds", "ads", "change", "first_load", "propagation", "edits", "throughput"),
    *("long_host", "certificates", "listener_sets", "hostile", "explain"),
)
USAGE = f"""usage: make bench [ARGS='NAME…']

Names: {", ".join(NAMES)}. Without a name all run, which takes several minutes.
Example: make bench ARGS='propagation edits'"""


def figures(name: str) -> Iterator[Figure]:
    """Run one benchmark."""
    for figure in importlib.import_module(f"bench.{name}").run():
        yield figure if isinstance(figure, Figure) else Figure(**figure)


def main(arguments: list[str]) -> int:
    """Run what is named, or all."""
    unknown = [name for name in arguments if name not in NAMES]
    if unknown:
        print(USAGE, file=sys.stderr)
        return 2
    tell(figure for name in arguments or NAMES for figure in figures(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
