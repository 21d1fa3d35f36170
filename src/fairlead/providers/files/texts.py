"""Files read once, for commands that look at manifests and serve nothing."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from fairlead.providers.files.markdown import is_markdown, manifests
from fairlead.providers.files.tree import STDIN, look

_STDIN_NAME: Final = "<stdin>"


class Text(msgspec.Struct, frozen=True):
    """What a file holds, or why it cannot be read."""

    file: str
    """Name as the user would write it."""
    data: bytes = b""
    """Of Markdown, its manifests, each on the line that it stands on there."""
    fault: str = ""
    """Why it cannot be read; empty if it was."""
    markdown: bool = False


def read(paths: Iterable[str]) -> tuple[Text, ...]:
    """Read directories, files (Markdown too) and ``-``, which is standard input; sorted by name."""
    wanted = tuple(paths)
    tree = look(path for path in wanted if path != STDIN)
    found = [_text(Path(absolute), name) for absolute, name in tree.files]
    found += [Text(path, fault="there is no such file or directory") for path in tree.missing]
    if STDIN in wanted:
        found.append(Text(_STDIN_NAME, sys.stdin.buffer.read()))
    return tuple(sorted(found, key=lambda text: text.file))


def _text(path: Path, name: str) -> Text:
    try:
        data = path.read_bytes()
        if is_markdown(name):
            return Text(name, manifests(data.decode("utf-8-sig")).encode(), markdown=True)
    except OSError as error:
        return Text(name, fault=f"the file cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return Text(name, fault=f"byte {error.start} is not UTF-8")
    return Text(name, data)
