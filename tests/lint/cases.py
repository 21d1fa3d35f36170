"""Cases of lint: manifests, and the problems that they have.

Each file of `cases/` starts with the head that its cases share. A case is a title (`###`, with the
options `[complete]` and `[standard]`), the rest of the manifests, and the problems (`#=>`) that
they have; a case without problems is one that lint has nothing to say about. Set REFRESH_GOLDEN=1
to rewrite the problems, then read the difference.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from fairlead.app.lint import lint

DIRECTORY = Path(__file__).parent / "cases"
TITLE, PROBLEM = "### ", "#=> "
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Case(NamedTuple):
    title: str
    head: str
    body: str
    problems: list[str]

    @property
    def text(self):
        return self.head + self.body


def read(path):
    head, *parts = path.read_text().split(TITLE)
    for part in parts:
        title, _, text = part.partition("\n")
        lines = text.splitlines(keepends=True)
        body = "".join(line for line in lines if not line.startswith(PROBLEM))
        told = [line[len(PROBLEM) :].rstrip("\n") for line in lines if line.startswith(PROBLEM)]
        yield Case(title, head, body, told)


def told(case, directory):
    """What lint says, with lines as they count from the case's own first line."""
    file = directory / "case.yaml"
    file.write_text(case.text)
    channel = "standard" if "[standard]" in case.title else "experimental"
    found = found_in(file, channel=channel, complete="[complete]" in case.title)
    return [str(problem).replace(f"{file}:", "") for problem in found]


def found_in(*paths, **options):
    return lint([str(path) for path in paths], now=lambda: NOW, **options)


def refresh(path, directory):
    text = path.read_text().partition(TITLE)[0]
    for case in read(path):
        problems = "".join(f"{PROBLEM}{line}\n" for line in told(case, directory))
        text += f"{TITLE}{case.title}\n{case.body}{problems}"
    path.write_text(text)
