"""What a cluster refuses is refused, with every reason, its place and what to do about it.

Each file of `bad/` starts with the head that its cases share. A case is a title (`###`), the rest
of a manifest, and the problems (`#=>`) that it has; a case without problems is accepted. Set
REFRESH_GOLDEN=1 to rewrite the problems, then read the difference.
"""

import os
from pathlib import Path

import pytest

from fairlead import api
from fairlead.api.codes import MEANING

DIRECTORY = Path(__file__).parent / "bad"
TITLE, PROBLEM = "### ", "#=> "


def cases(path):
    """The head and, by title, the body and the problems of each case."""
    head, *parts = path.read_text().split(TITLE)
    for part in parts:
        title, _, text = part.partition("\n")
        lines = text.splitlines(keepends=True)
        body = "".join(line for line in lines if not line.startswith(PROBLEM))
        yield (
            title,
            head,
            body,
            [line[len(PROBLEM) :].rstrip("\n") for line in lines if line.startswith(PROBLEM)],
        )


def told(text):
    return [str(problem) for problem in api.decode(text).problems]


def refresh(path):
    text = path.read_text().partition(TITLE)[0]
    for title, head, body, _ in cases(path):
        text += (
            TITLE
            + title
            + "\n"
            + body
            + "".join(PROBLEM + line + "\n" for line in told(head + body))
        )
    path.write_text(text)


FILES = sorted(DIRECTORY.glob("*.txt"))
if os.environ.get("REFRESH_GOLDEN"):
    for file in FILES:
        refresh(file)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(head + body, wanted, id=f"{file.stem}: {title}")
        for file in FILES
        for title, head, body, wanted in cases(file)
    ],
)
def test_problems(text, wanted):
    assert told(text) == wanted


def test_the_files_are_found():
    assert len(FILES) == 14
    assert sum(len(list(cases(file))) for file in FILES) > 130


ROUTE = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\n"
SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}\n"


def test_a_bad_object_is_rejected_by_name_and_the_others_are_let_in():
    decoded = api.decode(f"{ROUTE}spec: {{hostname: [a]}}\n---\n{SERVICE}")
    assert [obj.key for obj in decoded.objects] == [("default", "s")]
    assert decoded.rejected == (("HTTPRoute", "default", "r"),)
    assert not decoded.unidentified


def test_a_document_that_cannot_be_read_leaves_the_others():
    decoded = api.decode(f"{ROUTE}spec: [\n---\n{SERVICE}---\n: : :\n---\n{SERVICE}")
    assert [obj.key for obj in decoded.objects] == [("default", "s")] * 2
    assert decoded.rejected == ()
    assert decoded.unidentified


def test_a_misspelt_kind_is_rejected_as_what_was_meant():
    decoded = api.decode(ROUTE.replace("HTTPRoute", "HttpRoute") + "spec: {}\n")
    assert decoded.rejected == (("HTTPRoute", "default", "r"),)


def test_a_warning_rejects_nothing():
    decoded = api.decode(f"{ROUTE}spec: {{parentRefs: [{{name: s, kind: Service}}]}}\n")
    assert [problem.severity for problem in decoded.problems] == ["warning"]
    assert decoded.objects[0].key == ("default", "r")
    assert decoded.rejected == ()


def test_every_code_says_what_it_means():
    assert set(MEANING) == set(api.Code)
    assert len(set(MEANING.values())) == len(MEANING)


def test_a_problem_does_not_quote_a_whole_file():
    long = "x" * 1_000_000
    texts = [
        f"{ROUTE}spec: {{hostnames: [{long}]}}",
        f"{ROUTE}spec: {{{long}: 1}}",
        ROUTE.replace("r}", f"{long}}}"),
        ROUTE.replace("HTTPRoute", long),
        ROUTE.replace("r}", f"r, labels: {{a: {long}}}}}") + "spec: {}",
    ]
    for text in texts:
        (problem, *_) = api.decode(text).problems
        assert len(str(problem)) < 3000


def test_half_a_letter_is_refused_where_it_stands():
    """JSON can spell what no text can hold."""
    raw = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "r"},
        "spec": {"rules": [{"matches": [{"path": {"value": "/\ud800"}}]}]},
    }
    decoded = api.decode(raw)
    assert not decoded.objects
    assert decoded.rejected == (("HTTPRoute", "default", "r"),)
    assert [each.field for each in decoded.problems] == ["spec.rules[0].matches[0].path.value"]
