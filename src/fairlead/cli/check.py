"""`fairlead check`: is a cluster fit for Fairlead, and does Fairlead do well in it."""

import asyncio
import itertools
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fairlead.cli.command import Command
from fairlead.cli.kubernetes import cluster_options, in_cluster, namespace_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fairlead.install.check.finding import Finding
    from fairlead.install.values import Values
    from fairlead.providers.kube.client import KubeClient

_COLOURS: Final = {"ok": "green", "warning": "yellow", "error": "red"}
_INTERVAL: Final = 1.0


@click.command(
    cls=Command,
    examples=(
        "fairlead check --pre",
        "fairlead check",
        "fairlead check --wait 60 -o json",
    ),
    short_help="Check a cluster before installing, and Fairlead in it afterwards.",
)
@click.option("--pre", is_flag=True, help="Before installing: can it be installed here?")
@namespace_option
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
@click.option(
    "--wait", type=click.FloatRange(min=0), default=0, metavar="SECONDS",
    help="Try again until there is no error, so long at most.",
)  # fmt: skip
@cluster_options
def check(
    *,
    pre: bool,
    namespace: str,
    output: str,
    wait: float,
    kubeconfig: Path | None,
    context: str | None,
) -> None:
    """Check a cluster, and what Fairlead does in it; nothing is changed.

    With --pre: version of the API server, Gateway API's CRDs with the fields that their channel or
    release does not have, your rights to install. Without: also the control plane's replicas,
    leader and rights, the GatewayClass, each Gateway's proxies, and whether its addresses can be
    reached from here. What is wrong comes with what to do.

    Exit codes: 0 fine, perhaps with warnings, 1 something is wrong, 2 wrong usage.
    """
    from fairlead.install.values import ValuesError, parse  # noqa: PLC0415 - heavy

    try:
        values = parse([], [("namespace", namespace)])
    except ValuesError as error:
        raise click.UsageError(str(error)) from None
    found = in_cluster(kubeconfig, context, lambda client: _until(client, values, wait, pre=pre))
    if output == "json":
        click.echo(json.dumps([_as_json(each) for each in found], indent=2, ensure_ascii=False))
    else:
        _print(found)
    sys.exit(1 if _wrong(found) else 0)


async def _until(
    client: "KubeClient", values: "Values", seconds: float, *, pre: bool
) -> "Sequence[Finding]":
    """Check until nothing is wrong, or the time is over."""
    from fairlead.install.check import gateways, run  # noqa: PLC0415 - heavy

    end = asyncio.get_running_loop().time() + seconds
    while True:
        if pre:
            found = await run.before(client, values)
        else:
            found = await run.after(client, values, lambda: datetime.now(UTC), gateways.dial)
        if not _wrong(found) or asyncio.get_running_loop().time() >= end:
            return found
        await asyncio.sleep(_INTERVAL)


def _wrong(found: "Sequence[Finding]") -> bool:
    return any(each.severity == "error" for each in found)


def _print(found: "Sequence[Finding]") -> None:
    """A paragraph for each topic on stdout, the sum on stderr."""
    for topic, findings in itertools.groupby(found, key=lambda each: each.topic):
        click.echo(click.style(topic, bold=True))
        for each in findings:
            severity = click.style(f"{each.severity:8}", fg=_COLOURS[each.severity])
            click.echo(f"  {severity} {each.message}")
            if each.remedy:
                click.echo(f"{'':11}-> {each.remedy}")
    counts = [
        f"{number} {severity}{'s' if number > 1 else ''}"
        for severity in ("error", "warning")
        if (number := sum(each.severity == severity for each in found))
    ]
    click.echo(", ".join(counts) or "all is well", err=True)


def _as_json(finding: "Finding") -> dict[str, object]:
    import msgspec  # noqa: PLC0415 - heavy

    return msgspec.structs.asdict(finding)
