"""What the user asked of an instance."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fairlead import api


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Options of `fairlead run`; None leaves a choice to the instance."""

    paths: tuple[str, ...]
    """Directories, files, ``-`` for standard input."""
    port_offset: int | None = None
    """Added to Gateway ports below 1024."""
    images: Mapping[str, str] = field(default_factory=dict[str, str])
    """Image name to command line."""
    state_dir: Path | None = None
    status_dir: Path | None = None
    concurrency: int | None = None
    """Worker threads of each Envoy."""
    log_level: str = "warning"
    access_log: bool = False
    """Whether proxies log each request."""
    channel: api.Channel = "experimental"
    """The channel of Gateway API whose fields count."""
