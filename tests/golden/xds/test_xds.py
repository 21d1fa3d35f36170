"""IR to Envoy's resources, one file per feature, and all of them past Envoy's own validation.

A file holds IR and under `shown` the types that it is about, then a document that starts with
``# Output``: under `xds` the resources by proxy and type, in protobuf's JSON form.
``REFRESH_GOLDEN=1`` rewrites that part.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from fairlead.dataplane.envoy import find_envoy
from golden.xds.ir_world import world
from golden.xds.static_bootstrap import TYPES, as_dict, static

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*.yaml"))
SEPARATOR = "---\n# Output\n"


def read(path):
    """Source, expected output, the types that are shown and what becomes of the source."""
    source, _, expected = path.read_text().partition(SEPARATOR)
    document = yaml.safe_load(source)
    return source, expected, document.pop("shown"), world(document)


def output(found, shown):
    """The second part of a golden file."""
    xds = {}
    for url in TYPES:
        kind = url.rpartition(".")[2]
        for (proxy, name), message in found.messages(url).items() if kind in shown else ():
            of_type = xds.setdefault(proxy, {}).setdefault(kind, {})
            of_type[name] = as_dict(url, message)
    return yaml.safe_dump({"xds": xds}, sort_keys=True, width=100)


def test_there_are_cases():
    assert len(CASES) > 5


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_ir_to_resources(path):
    source, expected, shown, found = read(path)
    got = output(found, shown)
    if os.environ.get("REFRESH_GOLDEN"):
        path.write_text(source + SEPARATOR + got)
    else:
        assert got == expected


@pytest.mark.envoy
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_envoy_takes_the_resources(path, tmp_path):
    *_, found = read(path)
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(static(found, tmp_path / "admin.sock")))
    command = [str(find_envoy()), "--mode", "validate", "--log-level", "error", "-c", str(config)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
