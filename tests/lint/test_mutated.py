"""Spoilt manifests end in problems with a code and a place, whatever is in them."""

import json
from random import Random

from fuzz.mutation import seeds, spoilt
from lint import cases
from support.tried import tell

INPUTS = 40
SPOILT = 8
"""Objects of an input that are spoilt; the others stand beside them as they are."""


def test_spoilt_manifests_are_linted(tmp_path):
    found = 0
    for number in range(INPUTS):
        random = Random(number)
        objects = [spoilt(random.randrange) for _ in range(SPOILT)]
        file = tmp_path / f"{number}.yaml"
        text = "\n---\n".join(json.dumps(each) for each in (*objects, *seeds()))
        file.write_text(text, errors="surrogatepass")
        problems = cases.found_in(file, complete=bool(number % 2))
        for problem in problems:
            assert str(problem).isprintable()
            assert problem.code.startswith("GW")
            assert problem.file == str(file)
        found += len(problems)
    tell("spoilt manifests for lint", INPUTS * SPOILT, problems=found)
    assert found > INPUTS
