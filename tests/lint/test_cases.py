"""Every flaw that lint knows is found where it is, and nothing else is."""

import os
import tempfile
from pathlib import Path

import pytest

from fairlead.api.codes import MEANING
from lint import cases

FILES = sorted(cases.DIRECTORY.glob("*.txt"))
if os.environ.get("REFRESH_GOLDEN"):
    with tempfile.TemporaryDirectory() as directory:
        for file in FILES:
            cases.refresh(file, Path(directory))
CASES = [case for file in FILES for case in cases.read(file)]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in CASES])
def test_case(case, tmp_path):
    assert cases.told(case, tmp_path) == case.problems


def test_every_problem_has_a_place_and_a_meaning():
    problems = [problem for case in CASES for problem in case.problems]
    assert len(problems) > 50
    for problem in problems:
        line, _, rest = problem.partition(":")
        assert int(line) > 0
        assert "; " in rest or "did you mean" in rest or "GW0" in rest, f"no remedy: {rest}"
        assert rest.split()[2].rstrip(":") in MEANING
