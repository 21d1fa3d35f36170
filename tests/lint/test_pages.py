"""docs/lint.md explains every code, and lint has nothing against our own manifests."""

import re
from pathlib import Path

import pytest

from fairlead.api.codes import Code
from lint import cases

ROOT = Path(__file__).parents[2]
PARAGRAPH = re.compile(r"^\*\*(GW\d{3})\*\* (.+?)(?=\n\n|\n\Z)", re.DOTALL | re.MULTILINE)
WORTH_TO_KNOW = {"GW103", "GW113", "GW120", "GW140", "GW150", "GW152"}


def paragraphs():
    return PARAGRAPH.findall((ROOT / "docs" / "lint.md").read_text())


def test_every_code_has_one_paragraph():
    found = [code for code, _ in paragraphs()]
    assert len(found) == len(set(found))
    assert set(found) == set(Code)


@pytest.mark.parametrize(("code", "text"), paragraphs(), ids=lambda value: value[:5])
def test_a_paragraph_says_what_why_and_what_to_do(code, text):
    sentences = [each for each in re.split(r"[.;:]\s", text) if each.strip()]
    assert len(sentences) >= 3, code


PAGES = [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md", *sorted(ROOT.glob("examples/*/"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_our_own_manifests(page):
    problems = cases.found_in(page)
    assert {problem.severity for problem in problems} <= {"info", "warning"}
    assert {problem.code for problem in problems} <= WORTH_TO_KNOW
