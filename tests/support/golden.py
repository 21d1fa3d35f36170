"""Golden files: an input, then a document that starts with ``# Output``."""

import os

SEPARATOR = "---\n# Output\n"


def source_of(path):
    """The input of a golden file."""
    return path.read_text().partition(SEPARATOR)[0]


def check(path, got):
    """Compare with the second part of a golden file; ``REFRESH_GOLDEN=1`` rewrites it."""
    source, _, expected = path.read_text().partition(SEPARATOR)
    if os.environ.get("REFRESH_GOLDEN"):
        path.write_text(source + SEPARATOR + got)
    else:
        assert got == expected
