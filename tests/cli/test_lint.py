"""`fairlead lint`: exit codes and outputs."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from fairlead.api.codes import MEANING
from fairlead.cli.root import cli
from fairlead.graph import GraphError

ROUTE = """apiVersion: gateway.networking.k8s.io/{version}
kind: HTTPRoute
metadata: {{name: r}}
spec:
  parentRefs: [{{name: edge{port}}}]
  rules: [{{backendRefs: [{{name: a, port: 80, weight: {weight}}}]}}]
"""


def route(version="v1", weight=1, port=""):
    return ROUTE.format(version=version, weight=weight, port=port)


def lint(*arguments, stdin=None):
    return CliRunner().invoke(cli, ["lint", *map(str, arguments)], input=stdin)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "good.yaml").write_text(route())
    (tmp_path / "old.yaml").write_text(route("v1beta1"))
    (tmp_path / "a b.yaml").write_text(route(weight=0))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.yaml"], 0),
        (["good.yaml", "--failure-threshold", "info"], 0),
        (["old.yaml"], 0),
        (["old.yaml", "--failure-threshold", "warning"], 0),
        (["old.yaml", "--failure-threshold", "info"], 1),
        (["a b.yaml"], 1),
        (["-f", "a b.yaml"], 1),
        (["good.yaml", "-f", "old.yaml"], 1),
        (["good.yaml", "--complete"], 1),
        (["gone.yaml"], 1),
        ([], 2),
        (["good.yaml", "-o", "xml"], 2),
        (["good.yaml", "--failure-threshold", "fatal"], 2),
    ],
)
def test_exit_codes(files, monkeypatch, arguments, code):
    """Twice the same object is an error: good.yaml beside old.yaml."""
    monkeypatch.chdir(files)
    assert lint(*arguments).exit_code == code


def test_text_is_a_line_for_each_problem_and_the_sum_on_stderr(files, monkeypatch):
    monkeypatch.chdir(files)
    done = lint("a b.yaml")
    assert done.stdout.startswith("a b.yaml:6:12: error GW133 HTTPRoute default/r spec.rules[0]")
    assert done.stdout.count("\n") == 1
    assert done.stderr == "1 error\n"
    assert lint("good.yaml").stderr == "no problems\n"


def test_json_has_every_field(files, monkeypatch):
    monkeypatch.chdir(files)
    (problem,) = json.loads(lint("a b.yaml", "-o", "json").stdout)
    assert problem["code"] == "GW133"
    assert (problem["file"], problem["line"], problem["column"]) == ("a b.yaml", 6, 12)
    assert (problem["kind"], problem["namespace"], problem["name"]) == ("HTTPRoute", "default", "r")
    assert problem["field"] == "spec.rules[0].backendRefs"
    assert problem["remedy"]
    assert json.loads(lint("good.yaml", "-o", "json").stdout) == []


def test_sarif_has_what_the_standard_requires(files, monkeypatch):
    """SARIF 2.1.0, 3.13, 3.14, 3.18, 3.19, 3.27, 3.29, 3.30: required properties and bounds."""
    monkeypatch.chdir(files)
    log = json.loads(lint("a b.yaml", "good.yaml", "gone.yaml", "-o", "sarif").stdout)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "fairlead"
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert {rule["id"]: rule["shortDescription"]["text"] for rule in rules} == {
        rule["id"]: MEANING[rule["id"]] for rule in rules
    }
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        for location in result["locations"]:
            physical = location["physicalLocation"]
            assert " " not in physical["artifactLocation"]["uri"]
            for bound in physical.get("region", {}).values():
                assert bound >= 1
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"] for r in run["results"]]
    assert {"uri": "a%20b.yaml"} in uris
    empty = json.loads(lint("old.yaml", "-o", "sarif", "--channel", "standard").stdout)
    assert [result["level"] for result in empty["runs"][0]["results"]] == ["note"]


def test_standard_input(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fairlead.cli", "lint", "-"],
        input=route(weight=0),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("<stdin>:6:12: error GW133")
    assert list(tmp_path.iterdir()) == []


def test_a_translation_that_fails_is_told_in_a_line(files, monkeypatch):
    def fail(*_arguments):
        raise GraphError("step x failed")

    monkeypatch.setattr("fairlead.app.lint.offline", fail)
    done = lint(files / "good.yaml")
    assert done.exit_code == 1
    assert done.stderr == "Error: a mistake of Fairlead's, please report it: step x failed\n"
