"""The command line. Each command's module is imported when the command is used, not before."""

from fairlead.cli.root import kubectl_main, main

__all__ = ["kubectl_main", "main"]
