"""`explain` against Envoy: random configurations, random requests, and how many go elsewhere.

What `tests/differential` does for a few configurations, for a thousand. A mismatch is told on
stderr, with the manifests and the request made as small as they can be.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure

CONFIGURATIONS = 1000
REQUESTS = 100
"""For each."""

_TESTS = Path(__file__).parents[1] / "tests"


def run() -> Iterator[Figure]:
    """Try them all, which takes several minutes."""
    command = [sys.executable, "-m", "differential"]
    command += ["--configurations", str(CONFIGURATIONS), "--requests", str(REQUESTS)]
    environment = {**os.environ, "PYTHONPATH": str(_TESTS)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    found = json.loads(done.stdout)
    yield Figure("explain_mismatches", found["mismatches"], "requests", target=0)
    yield Figure("explain_refusals", found["refused"], "resources", target=0)
    for name in ("configurations", "requests", "ruled", "forwarded", "late"):
        unit = "configurations" if name == "configurations" else "requests"
        yield Figure(f"explain_{name}", found[name], unit)
    yield Figure("explain_seconds", found["seconds"], "s")
