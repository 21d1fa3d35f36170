# ruff: noqa: INP001 - a script, no package
"""Write the Helm chart: `make chart`. It is made of the objects that `fairlead install` applies."""

import sys
from pathlib import Path

from fairlead.install import chart


def main() -> None:
    """Write the chart into a directory; of files there that are no part of it none is left."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "charts/fairlead")
    made = {directory / name: content for name, content in chart.files().items()}
    for path in directory.rglob("*"):
        if path.is_file() and path not in made:
            path.unlink()
    for path, content in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")


if __name__ == "__main__":
    main()
