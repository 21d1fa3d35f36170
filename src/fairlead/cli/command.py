"""Commands whose help ends with examples, and what several have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

LOG_LEVELS = ("debug", "info", "warning", "error")
"""Of what runs for long; Envoy's are the same."""


@dataclass(frozen=True, slots=True)
class KubectlPlugin:
    """The `obj` of click's context where we run as `kubectl fairlead`."""


def is_plugin(ctx: click.Context) -> bool:
    """Whether we run as `kubectl fairlead`, which is about the cluster alone."""
    return isinstance(ctx.find_root().obj, KubectlPlugin)


class Command(click.Command):
    """A command with `examples` in its help, one line each, printed as they are."""

    def __init__(
        self,
        name: str | None = None,
        *,
        examples: Sequence[str] = (),
        **attributes: Any,  # noqa: ANN401 - whatever click's own commands take
    ) -> None:
        super().__init__(name, **attributes)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then click's epilog."""
        lines = self.examples
        if is_plugin(ctx):
            lines = tuple(line.replace("fairlead ", "kubectl fairlead ", 1) for line in lines)
        write_examples(formatter, lines)
        super().format_epilog(ctx, formatter)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """A section of lines that are neither wrapped nor joined."""
    if not examples:
        return
    with formatter.section("Examples"):
        formatter.write("".join(f"  {line}\n" for line in examples))
