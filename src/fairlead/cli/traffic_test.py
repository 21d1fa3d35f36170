"""`fairlead test`: expectations about traffic, kept in files beside manifests."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from fairlead.cli.client import NotPermitted
from fairlead.cli.command import Command
from fairlead.cli.where import Where, instance_options

if TYPE_CHECKING:
    from fairlead.analysis.explain import Request
    from fairlead.analysis.traffic.case import Case
    from fairlead.analysis.traffic.junit import Result
    from fairlead.cli.reading import Reading

Decide: TypeAlias = "Callable[[Request], Mapping[str, Any]]"
"""From a request to the document of its decision."""

_STDIN = "-"


@click.command(
    name="test",
    cls=Command,
    examples=(
        "fairlead test -f tests.yaml -f manifests/",
        "fairlead test -f tests.yaml -f manifests/ --junit report.xml",
        "fairlead test -f tests.yaml           ask the running instance",
        "fairlead test -f tests.yaml --live    and send every request",
    ),
    short_help="Hold traffic to what files expect of it.",
)
@click.option(
    "-f", "--filename", "paths", multiple=True, required=True, metavar="PATH",
    type=click.Path(exists=True, allow_dash=True, readable=True),
    help="Tests (a file with `tests:`), or manifests to test offline. May be repeated.",
)  # fmt: skip
@click.option(
    "--live", is_flag=True, help="Send the requests, from where they come, and look at the answers."
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Also write the results as JUnit XML.",
)  # fmt: skip
@instance_options
def traffic_test(paths: tuple[str, ...], *, live: bool, junit: Path | None, where: Where) -> None:
    """Decide on requests and compare: who gets them, in what form, and what is answered.

    With manifests, the tests run offline, as if all that is written ran. Without, they ask the
    running instance; --live sends each request as well, through the Gateway or from the pod.

    Exit codes: 0 all is as expected, 1 something is not, 2 a file cannot be read, or holds no test.
    """
    from fairlead.analysis.traffic.case import CaseError  # noqa: PLC0415 - heavy
    from fairlead.analysis.traffic.junit import document  # noqa: PLC0415

    try:
        tests, manifests = _sorted(paths)
    except CaseError as error:
        raise click.UsageError(str(error)) from None
    if not tests:
        raise click.UsageError("no file holds tests; name one with `tests:` at the top, by -f")
    if live and manifests:
        raise click.UsageError("--live asks the running instance: leave out the manifests")
    decide = _offline(manifests) if manifests else _instance(where)
    results: list[Result] = []
    for file, case in tests:
        results.append(_run(file, case, decide, live=live))
        _tell(results[-1], case, manifests)
    failed = sum(bool(result.differences) for result in results)
    click.echo(f"{len(results) - failed} passed, {failed} failed")
    if junit is not None:
        junit.write_text(document(results), encoding="utf-8")
    sys.exit(1 if failed else 0)


def _sorted(paths: tuple[str, ...]) -> "tuple[list[tuple[str, Case]], list[str]]":
    """Tests with their files, and paths of manifests."""
    from fairlead.analysis.traffic.case import read  # noqa: PLC0415 - heavy

    tests: list[tuple[str, Case]] = []
    manifests: list[str] = []
    for path in paths:
        found = None
        if path != _STDIN and Path(path).is_file():
            found = read(Path(path).read_text(encoding="utf-8", errors="replace"), path)
        if found is None:
            manifests.append(path)
        else:
            tests += [(path, case) for case in found]
    return tests, manifests


def _offline(paths: list[str]) -> Decide:
    from fairlead.app.explanation import Manifests, Question, answer  # noqa: PLC0415 - heavy

    manifests = Manifests.read(paths)
    for problem in manifests.problems:
        if problem.severity == "error":
            click.echo(str(problem), err=True)
    return lambda request: answer(manifests.facts, Question(request, brief=True))["decision"]


def _instance(where: Where) -> Decide:
    import msgspec  # noqa: PLC0415 - heavy

    client = where.client
    readings: list[Reading] = []

    def decide(request: "Request") -> Mapping[str, Any]:
        if not readings:
            question = msgspec.json.encode({"request": request, "brief": True}).decode()
            try:
                return client.get("v1", "explain", question=question)["decision"]
            except NotPermitted as refusal:
                readings.append(where.reading(refusal))
        return readings[0].explain(request, every=False, brief=True)["decision"]

    return decide


def _run(file: str, case: "Case", decide: Decide, *, live: bool) -> "Result":
    from fairlead.analysis.explain import RequestError, parse  # noqa: PLC0415 - heavy
    from fairlead.analysis.traffic.junit import Result  # noqa: PLC0415
    from fairlead.analysis.traffic.verdict import Observed, differences  # noqa: PLC0415
    from fairlead.cli.real_request import can_send, send  # noqa: PLC0415

    started = time.perf_counter()
    try:
        request = parse(
            case.request,
            case.header_lines,
            source=case.source,
            gateway=case.gateway,
            sni=case.sni,
        )
    except RequestError as error:
        return Result(file, case.title, (str(error),))
    decision = decide(request)
    observed = None
    if live and can_send(request):
        listener: Mapping[str, Any] = decision.get("listener", {})
        known = bool(listener.get("addresses"))
        observed = send(request, listener, case.body) if known else Observed(None)
    found = tuple(differences(decision, case.expect, observed))
    return Result(file, case.title, found, time.perf_counter() - started)


def _tell(result: "Result", case: "Case", manifests: list[str]) -> None:
    if not result.differences:
        click.echo(f"ok    {result.name}")
        return
    click.echo(f"FAIL  {result.name}")
    for difference in result.differences:
        click.echo(f"      {difference}")
    click.echo(f"      why: {' '.join(_explain(case, manifests))}")


def _explain(case: "Case", manifests: list[str]) -> Iterator[str]:
    """The command that tells why."""
    yield f"fairlead explain {quote(case.request)}"
    for line in case.header_lines:
        yield f"-H {quote(line)}"
    for option, value in (
        ("--from", case.source),
        ("--gateway", case.gateway),
        ("--sni", case.sni),
    ):
        if value is not None:
            yield f"{option} {quote(value)}"
    for path in manifests:
        yield f"-f {quote(path)}"
