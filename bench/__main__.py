"""`make bench`: every benchmark, or those named in ARGS, one JSON object a line."""

import importlib
import sys
from collections.abc import Iterator

from bench.figure import Figure

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
    """Print each figure as it is known; missed targets are told on stderr at the end."""
    unknown = [name for name in arguments if name not in NAMES]
    if unknown:
        print(USAGE, file=sys.stderr)
        return 2
    missed: list[Figure] = []
    for name in arguments or NAMES:
        for figure in figures(name):
            print(figure.line(), flush=True)
            missed += [] if figure.reached else [figure]
    for figure in missed:
        print(
            f"bench: {figure.name} is {figure.value:.4g} {figure.unit}, target {figure.target}",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
