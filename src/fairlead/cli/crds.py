"""`fairlead crds`: the definitions of our own kinds, for a cluster."""

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
    from fairlead.install import definitions  # noqa: PLC0415 - heavy

    click.echo("---\n".join(definitions.texts().values()), nl=False)
