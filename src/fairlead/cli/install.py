"""`fairlead install`: the control plane into a cluster, or its objects as YAML."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fairlead.cli.command import Command
from fairlead.cli.kubernetes import cluster_options, in_cluster, namespace_option

if TYPE_CHECKING:
    from fairlead.install.values import Values
    from fairlead.providers.kube.client import KubeClient

_NO_YAML: Final = (ValueError, RecursionError)
"""What parsing raises, msgspec's own errors among it: dates that are none, what is too deep."""


@click.command(
    cls=Command,
    examples=(
        "fairlead install --wait",
        "fairlead install --image registry.example.com/fairlead:0.1.0 --set replicas=3",
        "fairlead install -f values.yaml --dry-run -o yaml | kubectl diff -f -",
    ),
    short_help="Install or upgrade Fairlead in a Kubernetes cluster.",
)
@namespace_option
@click.option("--image", help="The same as --set image=IMAGE.")
@click.option(
    "-f", "--values", "files", multiple=True, metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Values as YAML, the same as the chart's. May be repeated, the last one counts.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help=r"One value, such as resources.limits.memory=2Gi. A dot within a name is written \.; "
    "lists and maps are YAML. May be repeated.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the objects; no cluster is asked.")
@click.option(
    "-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True,
    help="Of --dry-run.",
)  # fmt: skip
@click.option("--wait/--no-wait", default=False, show_default=True, help="Wait until it serves.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=120, show_default=True,
    metavar="SECONDS", help="Of --wait.",
)  # fmt: skip
@click.option(
    "--force-conflicts", is_flag=True,
    help="Take over fields of our objects that others have changed.",
)  # fmt: skip
@cluster_options
def install(
    *,
    namespace: str,
    image: str | None,
    files: tuple[Path, ...],
    settings: tuple[str, ...],
    dry_run: bool,
    output: str,
    wait: bool,
    timeout: float,
    force_conflicts: bool,
    kubeconfig: Path | None,
    context: str | None,
) -> None:
    """Install Fairlead in a Kubernetes cluster, or upgrade it: the same command does both.

    Applies all objects by server-side apply and removes what an earlier version had. Values are
    those of the Helm chart, described in docs/install.md. Gateways go on serving meanwhile.

    Exit codes: 0 done, 1 the cluster refused or it took too long, 2 wrong usage.
    """
    named = [f"image={image}"] if image else []
    values = _values(files, (f"namespace={namespace}", *settings, *named))
    if dry_run:
        _print(values, output)
        return
    from fairlead.install import apply  # noqa: PLC0415 - heavy

    async def task(client: "KubeClient") -> None:
        patience = timeout if wait else 0
        await apply.install(client, values, _say, force=force_conflicts, patience=patience)
        if wait:
            await apply.wait(client, values, _say, timeout)

    in_cluster(kubeconfig, context, task)
    click.echo("Fairlead is installed" + (" and serves" if wait else ""), err=True)


def _values(files: tuple[Path, ...], settings: tuple[str, ...]) -> "Values":
    """What is asked for. Raises click.UsageError naming what cannot be."""
    from fairlead.install.values import ValuesError, parse  # noqa: PLC0415 - heavy

    try:
        return parse([_file(path) for path in files], [_setting(each) for each in settings])
    except ValuesError as error:
        raise click.UsageError(f"{error}; docs/install.md lists all values") from None


def _file(path: Path) -> dict[str, Any]:
    import msgspec.yaml  # noqa: PLC0415 - heavy

    try:
        found: dict[str, Any] = (
            msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any] | None) or {}
        )
    except (*_NO_YAML, OSError) as error:
        raise click.UsageError(f"{path}: {error}") from None
    if "namespace" in found:
        raise click.UsageError(f"{path}: `namespace` is no value of the chart; give --namespace")
    return found


def _setting(text: str) -> tuple[str, Any]:
    """A key and its value, which is YAML as in a values file."""
    import msgspec.yaml  # noqa: PLC0415 - heavy

    key, equals, value = text.partition("=")
    if not key or not equals:
        raise click.UsageError(f"--set {text!r} is not KEY=VALUE")
    try:
        return key, msgspec.yaml.decode(value) if value else ""
    except _NO_YAML as error:
        raise click.UsageError(f"--set {key}: {error}") from None


def _print(values: "Values", output: str) -> None:
    from fairlead.install import manifests  # noqa: PLC0415 - heavy

    made = manifests.manifests(values)
    if output == "json":
        click.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": made}, indent=2))
    else:
        click.echo(manifests.to_yaml(made), nl=False)


def _say(line: str) -> None:
    click.echo(line, err=True)
