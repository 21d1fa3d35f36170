"""Answers from the objects that a user may read, for who may not ask the control plane."""

import functools
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from fairlead.analysis.explain import Facts
from fairlead.app.answers import NotFoundError, Query, description_of, objects_of, table_of
from fairlead.app.cluster_reading import translated
from fairlead.app.cluster_view import view_of
from fairlead.app.explanation import Question, answer, facts_of
from fairlead.graph import GraphError

if TYPE_CHECKING:
    from fairlead.analysis.explain import Request
    from fairlead.cli.cluster import Cluster
    from fairlead.providers.kube.listing import Listing

T = TypeVar("T")
_OF_PROXIES = frozenset({"proxies"})
"""Kinds that only the control plane knows."""


class Reading:
    """One cluster as a user sees it, read when it is made.

    Args:
        cluster: to read.
        namespaces: to read at least.
        refusal: why the control plane is not asked, empty if that was not wanted.
    """

    def __init__(self, cluster: "Cluster", namespaces: Iterable[str], refusal: str = "") -> None:
        self.listing: Listing = cluster.listing(tuple(sorted(set(namespaces))))
        if refusal:
            click.echo(f"{refusal}. Answered from the objects that you may read.", err=True)
        if not self.listing.complete:
            hidden = list(_hidden(self.listing))
            click.echo(f"not seen, for lack of rights: {'; '.join(hidden)}", err=True)

    def explain(self, request: "Request", *, every: bool, brief: bool = False) -> dict[str, Any]:
        """As if all that was read were served."""
        return answer(self._facts, Question(request, every, brief), self.listing.problems)

    @functools.cached_property
    def _facts(self) -> Facts:
        return facts_of(_sound(lambda: translated(self.listing, _now)))

    def get(self, *path: str, **query: str | None) -> Any:  # noqa: ANN401 - JSON
        """What the control plane's API would answer to tables, objects and descriptions.

        Raises:
            click.ClickException: there is no such object, or only the control plane knows.
        """
        _, what, kind, *rest = path
        if kind in _OF_PROXIES:
            raise click.ClickException(f"only the control plane knows of {kind}")
        view = _sound(lambda: view_of(self.listing, _now))
        try:
            if what == "describe":
                return description_of(view, kind, (rest[0], rest[1]))
            asked = Query(kind, query.get("namespace"), query.get("name"))
            if what == "objects":
                return {"items": objects_of(view, asked)}
            return _json(table_of(view, asked))
        except NotFoundError as error:
            raise click.ClickException(str(error)) from None


def _hidden(listing: "Listing") -> Iterator[str]:
    """What could not be read, in words."""
    if listing.hidden:
        yield ", ".join(listing.hidden)
    if listing.elsewhere:
        yield f"in other namespaces: {', '.join(listing.elsewhere)}"


def _sound(translate: Callable[[], T]) -> T:
    try:
        return translate()
    except GraphError as error:
        raise click.ClickException(f"a mistake of Fairlead's, please report it: {error}") from error


def _json(value: msgspec.Struct) -> Any:  # noqa: ANN401 - as it would come over HTTP
    return msgspec.to_builtins(value)


def _now() -> datetime:
    return datetime.now(UTC)
