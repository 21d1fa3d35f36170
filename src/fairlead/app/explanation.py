"""What `fairlead explain` and `fairlead test` are answered, by a running instance or offline."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import msgspec

from fairlead import api
from fairlead.analysis.explain import Facts, Request, decide
from fairlead.analysis.explain.document import document
from fairlead.analysis.explain.losers import Losers
from fairlead.analysis.explain.running import unread, warnings
from fairlead.analysis.explain.text import lines
from fairlead.analysis.lines import section
from fairlead.analysis.view import View
from fairlead.app.offline import offline
from fairlead.app.pipeline import Pipeline
from fairlead.providers.files.provider import FilesProvider
from fairlead.status.conditions import system_clock


class Question(msgspec.Struct, frozen=True):
    """Which request to explain, and how much to tell."""

    request: Request
    every: bool = False
    """Tell every route that does not serve the request."""
    brief: bool = False
    """Tell the decision alone, as data: no lines, no reasons of other routes."""


class Manifests:
    """Manifests as if all that they describe ran."""

    def __init__(self, facts: Facts, problems: tuple[api.Problem, ...]) -> None:
        self.facts = facts
        self.problems = problems

    @classmethod
    def read(cls, paths: Sequence[str], channel: api.Channel = "experimental") -> Self:
        """Read directories and files, ``-`` for standard input.

        Raises:
            GraphError: translation failed, which is a mistake of ours.
        """
        provider = FilesProvider(paths, channel)
        return cls(facts_of(offline(provider.load(), system_clock)), provider.problems())


def facts_of(pipeline: Pipeline) -> Facts:
    """What decisions are made from, until the next change."""
    return Facts(pipeline.sources, pipeline.outputs)


def answer(
    facts: Facts,
    question: Question,
    problems: Iterable[api.Problem] = (),
    view: View | None = None,
) -> dict[str, Any]:
    """The explanation of a request: as lines, and as a document.

    Args:
        facts: What the decision is made from.
        question: The request, and how much to tell.
        problems: Of documents.
        view: What runs; None if nothing does.
    """
    decision = decide(facts, question.request)
    if question.brief:
        return {"lines": [], "decision": document(facts, question.request, decision)}
    losers = Losers(facts, question.request, decision).all()
    told = list(warnings(view, decision)) if view is not None else []
    bad = unread(problems)
    return {
        "lines": [
            *lines(facts, question.request, decision, losers, every=question.every),
            *section("Warnings:", [(1, text) for text in told]),
            *section("Documents with errors, which are not read:", [(1, text) for text in bad]),
        ],
        "decision": document(facts, question.request, decision, losers)
        | ({"warnings": told} if told else {})
        | ({"problems": bad} if bad else {}),
    }
