"""`fairlead exec`: a command in the environment of a pod."""

import os
import sys
from pathlib import Path

import click

from fairlead.cli.client import Client
from fairlead.cli.command import Command, is_plugin
from fairlead.cli.where import state_dir_option

NOT_FOUND = 127
NOT_EXECUTABLE = 126


@click.command(
    "exec",
    cls=Command,
    examples=(
        "fairlead exec client -- curl -s http://backend",
        "fairlead exec -n istio-test client -- sh -c 'for i in 1 2 3; do curl -s backend; done'",
    ),
    short_help="Run a command as one of the pods.",
)
@click.argument("pod")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD...")
@click.option("-n", "--namespace", default="default", show_default=True, help="Namespace.")
@click.option("-c", "--container", help="Container of the pod.  [default: the first]")
@state_dir_option
def execute(
    pod: str,
    command: tuple[str, ...],
    *,
    namespace: str,
    container: str | None,
    state_dir: Path | None,
) -> None:
    """Run CMD on this machine as the pod: with its environment, and its way out into the mesh.

    HTTP clients that honour http_proxy go through the pod's own outbound listener, so its
    namespace and identity are known, and `http://SERVICE`, `http://SERVICE.NAMESPACE` and
    `http://SERVICE.NAMESPACE.svc.cluster.local` are Services.

    The exit code is the command's own; 126 and 127 if it can't be started or isn't found.
    """
    if is_plugin(click.get_current_context()):
        raise click.UsageError("in a cluster, 'kubectl exec' runs commands in pods")
    answer = Client(state_dir).get("v1", "exec-env", namespace, pod, container=container)
    environment = {**os.environ, **answer["environment"]}
    if extra := answer["path"]:
        environment["PATH"] = os.pathsep.join([environment.get("PATH", os.defpath), *extra])
    sys.stdout.flush()
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606 - the user's own command
    except FileNotFoundError:
        click.echo(f"Error: {command[0]}: command not found", err=True)
        sys.exit(NOT_FOUND)
    except OSError as error:
        click.echo(f"Error: {command[0]}: {error.strerror}", err=True)
        sys.exit(NOT_EXECUTABLE)
