"""What `fairlead explain` prints, word for word; each line of a golden's input is a command."""

import re
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


def test_the_examples_of_the_documentation_are_what_is_printed(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs" / "explain.md").read_text()
    [(command, printed)] = re.findall(r"```\n\$ fairlead (explain .*)\n((?:.*\n)*?)```", text)
    assert CliRunner().invoke(cli, shlex.split(command)).stdout == printed
    [tests] = re.findall(r"```yaml\n(# traffic\.yaml\n(?:.*\n)*?)```", text)
    file = tmp_path / "traffic.yaml"
    file.write_text(tests)
    done = CliRunner().invoke(cli, ["test", "-f", str(file), "-f", "examples/gateway"])
    assert done.exit_code == 0, done.output
