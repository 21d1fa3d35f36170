"""What `fairlead explain` prints, word for word; each line of a golden's input is a command."""

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from fairlead.cli.root import cli
from support.golden import check, source_of

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_an_explanation_reads_so(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    told = []
    for command in source_of(path).splitlines():
        done = CliRunner().invoke(cli, ["explain", *shlex.split(command)])
        assert done.exit_code == 0, done.output
        told.append(f"$ fairlead explain {command}\n{done.stdout}")
    check(path, "\n".join(told))
