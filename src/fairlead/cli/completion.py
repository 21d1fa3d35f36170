"""`fairlead completion`: scripts that make a shell complete our commands."""

import click
from click.shell_completion import get_completion_class

from fairlead.cli import root
from fairlead.cli.command import Command


@click.command(
    cls=Command,
    examples=(
        "source <(fairlead completion bash)",
        "fairlead completion zsh > ~/.zfunc/_fairlead",
        "fairlead completion fish > ~/.config/fish/completions/fairlead.fish",
    ),
    short_help="Print the shell's completion script.",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell."""
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(script(root.cli, {}, "fairlead", "_FAIRLEAD_COMPLETE").source())
