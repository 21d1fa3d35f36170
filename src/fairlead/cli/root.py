"""The `fairlead` command: names its subcommands without importing them.

Exit codes of all commands: 0 fine, 1 a problem was found or the command failed, 2 wrong usage.
Data goes to stdout, messages to stderr.
"""

import difflib
import errno
import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from fairlead.cli.command import KubectlPlugin, write_examples

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("fairlead.cli.run:run", "Serve the manifests of directories or files, live."),
    "get": ("fairlead.cli.get:get", "List objects with what became of them."),
    "describe": ("fairlead.cli.describe:describe", "Tell everything about one object."),
    "explain": ("fairlead.cli.explain:explain", "Tell why a request goes where it goes."),
    "lint": ("fairlead.cli.lint:lint", "Find mistakes in manifests, without running anything."),
    "test": (
        "fairlead.cli.traffic_test:traffic_test",
        "Hold traffic to what files expect of it.",
    ),
    "exec": ("fairlead.cli.execute:execute", "Run a command as one of the pods."),
    "demo": ("fairlead.cli.demo:demo", "Walk through a canary rollout with real traffic."),
    "debug": ("fairlead.cli.debug:debug", "Look inside a running instance."),
    "install": ("fairlead.cli.install:install", "Install or upgrade Fairlead in a cluster."),
    "check": ("fairlead.cli.check:check", "Check a cluster, and Fairlead in it."),
    "uninstall": ("fairlead.cli.uninstall:uninstall", "Remove Fairlead from a cluster."),
    "crds": ("fairlead.cli.crds:crds", "Print the CRDs of Fairlead's own kinds."),
    "controller": (
        "fairlead.cli.controller:controller",
        "Serve a cluster; what 'fairlead install' runs there.",
    ),
    "proxy": ("fairlead.cli.proxy:proxy", "Run a Gateway's Envoy; the main process of its pods."),
    "completion": ("fairlead.cli.completion:completion", "Print the shell's completion script."),
    "version": ("fairlead.cli.version:version", "Print the versions of Fairlead and Envoy."),
}
"""Name of a subcommand to (module:attribute, line of help)."""


class LazyGroup(click.Group):
    """A group whose subcommands are imported on use; listing them imports nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of `COMMANDS`: what users need first comes first."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of `cmd_name`; None if there is no such command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then click's epilog."""
        write_examples(formatter, EXAMPLES)
        super().format_epilog(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a name that is nearly one of ours."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


EXAMPLES = (
    "fairlead run ./manifests               serve a directory, follow its changes",
    "fairlead get routes -A                 what became of each route",
    "fairlead describe service backend      where its requests go, and why",
    "fairlead lint ./manifests              mistakes, without running anything",
    "fairlead exec client -- curl http://backend",
)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Run 'fairlead COMMAND --help' for examples of a command.",
)
def cli() -> None:
    """Gateway API for both directions, on Envoy: into a cluster and between its services."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit; the console script's entry point."""
    _exit("fairlead", arguments, None)


def kubectl_main(arguments: list[str] | None = None) -> NoReturn:
    """The same as `kubectl fairlead`: about the cluster, whatever runs on this machine."""
    _exit("kubectl fairlead", arguments, KubectlPlugin())


def _drop_output() -> None:
    """Let what is left in the buffer go nowhere when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit(program: str, arguments: list[str] | None, plugin: KubectlPlugin | None) -> NoReturn:
    try:
        code: Any = cli.main(args=arguments, prog_name=program, standalone_mode=False, obj=plugin)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        code = 130
    except BrokenPipeError:
        # The reader (head, grep -q) has left: that is no failure of ours.
        _drop_output()
        code = 0
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        _drop_output()
        click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
