"""`fairlead debug`: what a running instance has inside."""

import json
from pathlib import Path

import click

from fairlead.cli.client import Client, state_dir_option
from fairlead.cli.command import Command


@click.group(short_help="Look inside a running instance.")
def debug() -> None:
    """Look inside a running instance."""


@debug.command(
    cls=Command,
    examples=("fairlead debug graph | jq '.collections[] | {name, size, runs}'",),
    short_help="The graph's collections and what they read.",
)
@state_dir_option
def graph(state_dir: Path | None) -> None:
    """Print the graph's collections as JSON: inputs, outputs, dependencies, runs."""
    click.echo(json.dumps(Client(state_dir).get("debug", "graph"), indent=2))


@debug.command(
    cls=Command,
    examples=("fairlead debug receipts | jq '.receipts[-1]'",),
    short_help="When the objects that changed last did so.",
)
@state_dir_option
def receipts(state_dir: Path | None) -> None:
    """Print when each of the last objects changed, in seconds of the monotonic clock, as JSON."""
    click.echo(json.dumps(Client(state_dir).get("debug", "receipts"), indent=2))
