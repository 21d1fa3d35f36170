"""`fairlead uninstall`: what `install` made out of a cluster again."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fairlead.cli.command import Command
from fairlead.cli.kubernetes import cluster_options, in_cluster, namespace_option

if TYPE_CHECKING:
    from fairlead.install.remove import Plan
    from fairlead.providers.kube.client import KubeClient


@click.command(
    cls=Command,
    examples=(
        "fairlead uninstall",
        "fairlead uninstall --yes --delete-proxies --delete-crds",
    ),
    short_help="Remove Fairlead from a Kubernetes cluster.",
)
@namespace_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--delete-proxies", is_flag=True,
    help="Also delete the proxies of Gateways, which otherwise go on serving.",
)  # fmt: skip
@click.option(
    "--delete-crds", is_flag=True,
    help="Delete the CRDs of our kinds although there are objects of them.",
)  # fmt: skip
@cluster_options
def uninstall(
    *,
    namespace: str,
    yes: bool,
    delete_proxies: bool,
    delete_crds: bool,
    kubeconfig: Path | None,
    context: str | None,
) -> None:
    """Remove from a cluster what 'fairlead install' made, after asking.

    Gateways, routes and policies are their owners' and stay. So do the proxies of Gateways, which
    go on serving what they last got, until their Gateway is deleted; the CRDs of Gateway API; and
    those of our own kinds while there are objects of them.

    Exit codes: 0 done, 1 the cluster refused, or the answer was no, 2 wrong usage, 130 Ctrl-C.
    """
    from fairlead.install import remove  # noqa: PLC0415 - heavy
    from fairlead.install.values import ValuesError, parse  # noqa: PLC0415

    try:
        values = parse([], [("namespace", namespace)])
    except ValuesError as error:
        raise click.UsageError(str(error)) from None

    async def planned(client: "KubeClient") -> "Plan":
        return await remove.plan(client, values, definitions=delete_crds, proxies=delete_proxies)

    async def removed(client: "KubeClient") -> None:
        await remove.remove(client, values, plan, lambda line: click.echo(line, err=True))

    plan = in_cluster(kubeconfig, context, planned)
    if not plan.objects:
        click.echo(f"Fairlead is not installed in {namespace}", err=True)
        return
    _ask(plan, yes=yes)  # outside of an event loop, which would keep a Ctrl-C to itself
    in_cluster(kubeconfig, context, removed)
    for line in plan.kept:
        click.echo(f"stays: {line}", err=True)


def _ask(plan: "Plan", *, yes: bool) -> None:
    """Tell what would be done. Raises click.ClickException if it is not to be done."""
    if plan.by_helm:
        raise click.ClickException("it was installed by Helm: use `helm uninstall`")
    if yes:
        return
    for key in plan.objects:
        click.echo(f"delete {key}", err=True)
    if plan.proxies:
        click.echo(f"delete {len(plan.proxies)} objects of Gateways' proxies", err=True)
    for line in plan.kept:
        click.echo(f"stays: {line}", err=True)
    try:
        agreed = click.confirm("Go on?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise click.ClickException("nobody answers: --yes does not ask") from None
    if not agreed:
        raise click.ClickException("nothing is deleted")
