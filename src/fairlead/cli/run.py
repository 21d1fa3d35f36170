"""`fairlead run`: the standalone role in the foreground."""

import sys
from pathlib import Path
from typing import Literal

import click

from fairlead.app.instance import InstanceError
from fairlead.cli.command import LOG_LEVELS, Command
from fairlead.cli.where import state_dir_option

CHANNELS = ("standard", "experimental")


def _images(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """``NAME=COMMAND`` pairs; the last one of a name counts."""
    del ctx, parameter
    mapped: dict[str, str] = {}
    for value in values:
        name, equals, command = value.partition("=")
        if not (name and equals and command.strip()):
            raise click.BadParameter(f"{value!r} is not NAME=COMMAND")
        mapped[name] = command
    return mapped


@click.command(
    cls=Command,
    examples=(
        "fairlead run ./manifests",
        "fairlead run gateway.yaml routes/ --port-offset 8000",
        "kubectl kustomize overlays/dev | fairlead run -",
        "fairlead run . --image 'shop/cart=python3 cart.py --listen {ip}:{port}'",
    ),
    short_help="Serve the manifests of directories or files, live.",
)
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=click.Path(exists=True, allow_dash=True, readable=True),
)
@click.option(
    "--port-offset",
    type=click.IntRange(0, 64511),
    help="Added to Gateway ports below 1024.  [default: 0 if they may be bound, else 10000]",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME=COMMAND",
    callback=_images,
    help="Run containers of image NAME as COMMAND; {ip}, {port}, {name} and {namespace} are "
    "filled in. May be repeated.",
)
@state_dir_option
@click.option(
    "--status-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write each object's status there, as KIND/NAMESPACE/NAME.yaml.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1024),
    help="Worker threads of each Envoy.  [default: one per CPU, at most 2]",
)
@click.option(
    "--log-level", type=click.Choice(LOG_LEVELS), default="warning", show_default=True,
    help="Of the control plane and the Envoys.",
)  # fmt: skip
@click.option(
    "--access-log",
    is_flag=True,
    help="Let proxies log each request as JSON, to logs/proxies/PROXY/access.log in the state "
    "directory.",
)
@click.option(
    "--channel", type=click.Choice(CHANNELS), default="experimental", show_default=True,
    help="Channel of Gateway API v1.7 that is served: standard drops and refuses what clusters "
    "with its CRDs would.",
)  # fmt: skip
def run(
    paths: tuple[str, ...],
    *,
    port_offset: int | None,
    images: dict[str, str],
    state_dir: Path | None,
    status_dir: Path | None,
    concurrency: int | None,
    log_level: str,
    access_log: bool,
    channel: Literal["standard", "experimental"],
) -> None:
    """Serve the manifests of directories, files or - (standard input), and follow their changes.

    Starts an Envoy for each Gateway and one for the mesh, and the pods of Deployments and Pods as
    local processes. A document with an error is reported with file and line, and disturbs nothing
    else. Ctrl-C or SIGTERM stops everything that was started, and so does closing the terminal; a
    second one does not wait.

    Exit codes: 0 stopped by SIGTERM or SIGHUP, 130 by Ctrl-C, 1 it could not start,
    2 wrong usage.
    """
    from fairlead.app.run import main  # noqa: PLC0415 - heavy, and no other command needs it
    from fairlead.app.settings import RunSettings  # noqa: PLC0415

    asked = RunSettings(
        paths=paths,
        port_offset=port_offset,
        images=images,
        state_dir=state_dir,
        status_dir=status_dir,
        concurrency=concurrency,
        log_level=log_level,
        access_log=access_log,
        channel=channel,
    )
    try:
        code = main(asked)
    except InstanceError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(code)
