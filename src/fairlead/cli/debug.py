"""`fairlead debug`: what a running instance has inside."""

import json

import click

from fairlead.cli.command import Command
from fairlead.cli.where import Where, instance_options


@click.group(short_help="Look inside a running instance.")
def debug() -> None:
    """Look inside a running instance."""


@debug.command(
    cls=Command,
    examples=("fairlead debug graph | jq '.collections[] | {name, size, runs}'",),
    short_help="The graph's collections and what they read.",
)
@instance_options
def graph(where: Where) -> None:
    """Print the graph's collections as JSON: inputs, outputs, dependencies, runs."""
    click.echo(json.dumps(where.client.get("debug", "graph"), indent=2))


@debug.command(
    cls=Command,
    examples=("fairlead debug receipts | jq '.receipts[-1]'",),
    short_help="When the objects that changed last did so.",
)
@instance_options
def receipts(where: Where) -> None:
    """Print when each of the last objects changed, in seconds of the monotonic clock, as JSON."""
    click.echo(json.dumps(where.client.get("debug", "receipts"), indent=2))
