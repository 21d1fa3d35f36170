"""IR to Envoy's resources, one file per feature, and all of them past Envoy's own validation.

A file holds IR and under `shown` the types that it is about, then a document that starts with
``# Output``: under `xds` the resources by proxy and type, in protobuf's JSON form.
``REFRESH_GOLDEN=1`` rewrites that part.
"""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from fairlead.dataplane.envoy import find_envoy
from golden.xds.ir_world import world
from golden.xds.static_bootstrap import TYPES, as_dict, static
from support.golden import check, source_of

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*.yaml"))


def read(path):
    """The types that a file is about, and what becomes of its IR."""
    document = yaml.safe_load(source_of(path))
    return document.pop("shown"), world(document)


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
    shown, found = read(path)
    check(path, output(found, shown))


@pytest.mark.envoy
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_envoy_takes_the_resources(path, tmp_path):
    _, found = read(path)
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(static(found, tmp_path / "admin.sock")))
    command = [str(find_envoy()), "--mode", "validate", "--log-level", "error", "-c", str(config)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
