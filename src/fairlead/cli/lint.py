"""`fairlead lint`: what is wrong with manifests, without running anything."""

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import click

from fairlead import __version__
from fairlead.cli.command import Command
from fairlead.cli.run import CHANNELS
from fairlead.cli.where import Where, cluster_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fairlead import api

Severity: TypeAlias = Literal["error", "warning", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")
"""From the worst on."""
_COLOURS: Final = {"error": "red", "warning": "yellow", "info": "cyan"}


@click.command(
    cls=Command,
    examples=(
        "fairlead lint ./manifests",
        "fairlead lint gateway.yaml routes/ --failure-threshold warning",
        "kubectl kustomize overlays/prod | fairlead lint - --complete",
        "fairlead lint README.md",
        "fairlead lint . -o sarif > fairlead.sarif",
        "fairlead lint --cluster -A             what is in the cluster, as far as you may read it",
    ),
    short_help="Find mistakes in manifests, without running anything.",
)
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option(
    "-f", "--filename", "named", multiple=True, metavar="PATH",
    help="The same as PATH, as in kubectl. May be repeated.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Choice(["text", "json", "sarif"]), default="text",
    show_default=True,
)  # fmt: skip
@click.option(
    "--failure-threshold", "threshold", type=click.Choice(SEVERITIES), default="error",
    show_default=True, help="The least severity that makes the exit code 1.",
)  # fmt: skip
@click.option(
    "--complete",
    is_flag=True,
    help="The manifests are all there is: what they refer to has to be among them.",
)
@click.option(
    "--channel", type=click.Choice(CHANNELS), default="experimental", show_default=True,
    help="Channel of Gateway API v1.7 of the cluster that they are for.",
)  # fmt: skip
@click.option("-n", "--namespace", help="Problems of a namespace of the cluster; means --cluster.")
@click.option(
    "-A", "--all-namespaces", is_flag=True, help="Problems of all namespaces; means --cluster."
)
@cluster_options
def lint(
    paths: tuple[str, ...],
    *,
    named: tuple[str, ...],
    output: str,
    threshold: Severity,
    complete: bool,
    channel: Literal["standard", "experimental"],
    namespace: str | None,
    all_namespaces: bool,
    where: Where,
) -> None:
    """Find mistakes in the manifests of directories, files or - (standard input), or a cluster.

    Of Markdown files the fenced YAML counts. Each problem has a code, explained in docs/lint.md,
    the place in its file, the reason and what to do. References to what is not among the manifests
    are taken to be fine, unless something alike is among them.

    Of a cluster, all objects that you may read are looked at, with your own rights; Secrets are
    never read. References count as broken only if nothing is hidden from you.

    Exit codes: 0 nothing as severe as the threshold, 1 something is, 2 wrong usage.
    """
    wanted = (*paths, *named)
    of_cluster = where.wants_cluster or namespace is not None or all_namespaces
    if wanted and (of_cluster and not where.plugin):
        raise click.UsageError("either PATH... or a cluster: what shall be looked at?")
    if not wanted and not of_cluster:
        raise click.UsageError("Missing argument 'PATH...': what shall be looked at?")
    from fairlead.app.lint import LintError, lint_cluster  # noqa: PLC0415 - heavy
    from fairlead.app.lint import lint as find  # noqa: PLC0415

    try:
        if wanted:
            problems = find(wanted, channel=channel, complete=complete, now=_now)
        else:
            scope = None if all_namespaces else namespace or where.namespace
            problems = lint_cluster(where.listing(scope), scope, _now)
    except LintError as error:
        raise click.ClickException(str(error)) from None
    if output == "text":
        _print(problems)
    elif output == "json":
        _dump([_as_json(problem) for problem in problems])
    else:
        from fairlead.analysis.lint import sarif  # noqa: PLC0415 - heavy

        _dump(sarif.log(problems, __version__))
    counts = SEVERITIES[: SEVERITIES.index(threshold) + 1]
    sys.exit(1 if any(problem.severity in counts for problem in problems) else 0)


def _now() -> datetime:
    return datetime.now(UTC)


def _print(problems: "Sequence[api.Problem]") -> None:
    """A line for each problem on stdout, the sum of them on stderr."""
    for problem in problems:
        text = str(problem)
        word = f"{problem.severity} {problem.code}"
        colour = _COLOURS[problem.severity]
        click.echo(text.replace(word, click.style(word, fg=colour), 1))
    found = [(sum(p.severity == each for p in problems), each) for each in SEVERITIES]
    said = [f"{n} {word}{'s' if n > 1 and word != 'info' else ''}" for n, word in found if n]
    click.echo(", ".join(said) or "no problems", err=True)


def _as_json(problem: "api.Problem") -> dict[str, object]:
    import msgspec  # noqa: PLC0415 - heavy

    return msgspec.structs.asdict(problem)


def _dump(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
