"""`fairlead lint` from end to end: files in, problems out; nothing is started."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fairlead import api
from fairlead.analysis.lint import OF_HOSTS, OF_OBJECTS, Facts, Places, assumed
from fairlead.app import stand_ins
from fairlead.app.cluster_reading import translated
from fairlead.app.offline import apply, offline
from fairlead.app.pipeline import Pipeline
from fairlead.graph import GraphError
from fairlead.providers.files.store import Store
from fairlead.providers.files.texts import Text, read

if TYPE_CHECKING:  # it comes with an HTTP client, which files do not take
    from fairlead.providers.kube.listing import Listing


class LintError(Exception):
    """Lint cannot tell what is wrong."""


def lint(
    paths: Sequence[str],
    *,
    channel: api.Channel = "experimental",
    complete: bool = False,
    now: Callable[[], datetime],
) -> tuple[api.Problem, ...]:
    """Every problem of the manifests at `paths`, by file and line.

    Args:
        paths: directories, files (Markdown too) or ``-``.
        channel: of Gateway API, which decides which fields count.
        complete: whether what is referred to has to be among the manifests.
        now: the time, for what ends.

    Raises:
        LintError: translation failed, which is a mistake of ours.
    """
    try:
        return _found(paths, channel, now, complete=complete)
    except GraphError as error:
        raise LintError(f"a mistake of Fairlead's, please report it: {error}") from error


def _found(
    paths: Sequence[str],
    channel: api.Channel,
    now: Callable[[], datetime],
    *,
    complete: bool,
) -> tuple[api.Problem, ...]:
    texts = read(paths)
    store = Store(channel)
    for text in texts:
        if text.fault:
            store.fail(text.file, text.fault)
        else:
            store.put(text.file, text.data)
    batch = store.flush()
    places = Places(
        {text.file: text.data.decode("utf-8-sig", "replace") for text in texts}, store.place
    )
    found = [*_of_texts(store, texts), *_judged(offline(batch, now), places, now, complete)]
    return tuple(_once(sorted(found, key=_place)))


def lint_cluster(
    listing: "Listing", namespace: str | None, now: Callable[[], datetime]
) -> tuple[api.Problem, ...]:
    """Every problem of what was read of a cluster, by kind, namespace and name.

    Args:
        listing: what was read. If nothing is hidden, what is not there is missing.
        namespace: whose problems count; None for all.
        now: the time, for what ends.

    Raises:
        LintError: translation failed, which is a mistake of ours.
    """
    try:
        pipeline = translated(listing, now)
        places = Places({}, lambda _kind, _key: ("", 0))
        remarks = _judged(pipeline, places, now, listing.complete)
    except GraphError as error:
        raise LintError(f"a mistake of Fairlead's, please report it: {error}") from error
    found = [
        each
        for each in (*listing.problems, *remarks)
        if namespace in {None, each.namespace} and each.code not in _OF_MANIFESTS
    ]
    order = sorted(found, key=lambda each: (each.kind, each.namespace, each.name, each.code))
    return tuple(_once(order))


def _judged(
    pipeline: Pipeline,
    places: Places,
    now: Callable[[], datetime],
    complete: bool,  # noqa: FBT001 - as in `Facts`
) -> tuple[api.Problem, ...]:
    """What the rules say of a translation."""
    facts = Facts(pipeline.sources, pipeline.outputs, pipeline.settings, now(), complete)
    remarks = [remark for rule in OF_OBJECTS for remark in rule(facts)]
    remarks += assumed.remarks(facts, places.is_placed)
    if not complete:
        apply(pipeline, stand_ins.certificates(pipeline, now()))
    apply(pipeline, stand_ins.clients(pipeline))
    facts = Facts(pipeline.sources, pipeline.outputs, pipeline.settings, now(), complete)
    remarks += [remark for rule in OF_HOSTS for remark in rule(facts)]
    return places.problems(remarks)


def _of_texts(store: Store, texts: Sequence[Text]) -> Iterator[api.Problem]:
    """Problems of reading, without what is no mistake in a cluster, or none in Markdown."""
    told = {text.file for text in texts if text.markdown}
    for problem in store.problems():
        skipped = _OF_STREAMS if problem.file in told else _OF_PROCESSES
        foreign = problem.code == api.Code.NOT_SERVED and not _OURS.search(problem.message)
        if problem.code not in skipped and not foreign:
            yield problem


_OF_PROCESSES = frozenset({api.Code.NOT_APPLIED})
"""About pods as local processes, which clusters do not have."""
_OF_MANIFESTS = _OF_PROCESSES | {api.Code.NO_PODS, api.Code.NOT_SERVED}
"""What cannot be told of a cluster's objects: pods are not read."""
_OURS = re.compile(r"\bgroup (gateway\.networking|networking\.istio|fairlead)\b")
"""Groups whose kinds ask for something that Fairlead may be expected to do."""
_OF_STREAMS = _OF_PROCESSES | {api.Code.DUPLICATE_OBJECT, api.Code.NOT_AN_OBJECT}
"""What is no mistake in Markdown, where a later block may show the same object again."""


_RANKS = ("error", "warning", "info")


def _place(problem: api.Problem) -> tuple[str, int, int, str, int]:
    rank = _RANKS.index(problem.severity)
    return problem.file, problem.line, problem.column, problem.code, rank


def _once(problems: Sequence[api.Problem]) -> Iterator[api.Problem]:
    """Problems without those that reading and translation both tell: the worse word counts."""
    told: set[tuple[str, ...]] = set()
    for each in problems:
        what = (each.file, each.kind, each.namespace, each.name, each.field)
        if each.code == api.Code.PARENT_GROUP:
            if what in told:
                continue
            told.add(what)
        yield each
