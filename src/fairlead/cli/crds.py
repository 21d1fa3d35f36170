"""`fairlead crds`: the definitions of our own kinds, for a cluster."""

from importlib.resources import files

import click

from fairlead.cli.command import Command


@click.command(
    cls=Command,
    examples=(
        "fairlead crds | kubectl apply -f -",
        "fairlead crds > fairlead-crds.yaml",
    ),
    short_help="Print the CRDs of Fairlead's own kinds.",
)
def crds() -> None:
    """Print the CustomResourceDefinitions of LocalRateLimit and FaultInjection as YAML.

    A cluster needs them before such objects are applied; `fairlead run` knows them anyway.
    """
    directory = files("fairlead") / "crds"
    names = sorted(entry.name for entry in directory.iterdir() if entry.name.endswith(".yaml"))
    click.echo("---\n".join((directory / name).read_text("utf-8") for name in names), nl=False)
