"""`make bench-cluster`: every benchmark of a cluster, or those named, one JSON object a line."""

import importlib
import sys
from collections.abc import Iterator

from bench.figure import Figure, tell
from cluster import installation

NAMES = ("propagation", "attached", "changes", "scale")
USAGE = f"""usage: make bench-cluster [ARGS='NAME[=COUNT]…']

Names: {", ".join(NAMES)}. Without a name all run: 45 minutes, of which `scale` changes
things for 15 (DURATION=SECONDS for less) and waits for 7; its Services have two endpoints each,
ENDPOINTS=1 makes it one, as in gateway-api-bench. A count makes a smaller one of `propagation`,
`attached` (routes) or `scale` (namespaces of 100 routes).
Example: make bench-cluster ARGS='propagation=300 attached'"""


def figures(name: str, count: str) -> Iterator[Figure]:
    """Run one benchmark, in its own size or another."""
    module = importlib.import_module(f"bench.cluster.{name}")
    yield from module.run(*([int(count)] if count else []))


def main(arguments: list[str]) -> int:
    """Install what is tested and run what is named, or all."""
    wanted = [each.partition("=") for each in arguments or NAMES]
    known = all(name in NAMES and (not count or count.isdigit()) for name, _, count in wanted)
    if not known:
        print(USAGE, file=sys.stderr)
        return 2
    print(installation.install(), file=sys.stderr)
    tell(figure for name, _, count in wanted for figure in figures(name, count))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
