"""Traffic tests as they are written in files."""

from collections.abc import Iterator, Mapping
from typing import Final, cast

import msgspec

from fairlead.api.raw import Raw
from fairlead.api.yaml_text import TextError, parse, split

_MARK: Final = "tests"


class CaseError(ValueError):
    """A file of tests cannot be read; the message says where and what to write."""


class Expectation(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What must come of a request; what is left out does not matter."""

    status: int | None = None
    """Offline, a backend is taken to answer 200."""
    grpc_status: int | None = None
    """What the proxy itself answers a client of gRPC."""
    location: str | None = None
    headers: Mapping[str, str | None] = {}
    """Of the answer; null for one that must not be there."""
    body: str | None = None
    """A part of the answer's body (live only)."""
    backend: str | None = None
    """``NAME``, ``NAMESPACE/NAME``, each with or without ``:PORT``: it gets every request."""
    backends: Mapping[str, float] | tuple[str, ...] | None = None
    """All who get requests, with their weights if those matter. A status stands for a share that
    the proxy answers itself."""
    route: str | None = None
    """``NAME`` or ``NAMESPACE/NAME``."""
    rule: str | None = None
    """Its name, or its index."""
    host: str | None = None
    """As backends get it."""
    path: str | None = None
    """As backends get it, with the query."""
    request_headers: Mapping[str, str | None] = {}
    """As backends get them; null for one that must not be there."""
    closed: bool | None = None
    """Whether the connection is closed without an answer."""


class Case(msgspec.Struct, frozen=True, rename={"source": "from"}, forbid_unknown_fields=True):
    """One request, and what is expected of it."""

    request: str
    """``[METHOD] URL``."""
    expect: Expectation
    name: str = ""
    headers: Mapping[str, str] | tuple[str, ...] = ()
    """By name, or as ``Name: value``."""
    source: str | None = None
    """``NAMESPACE/POD``."""
    body: str = ""
    """Sent with the request (live only)."""
    gateway: str | None = None
    sni: str | None = None

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or (f"{self.request} from {self.source}" if self.source else self.request)

    @property
    def header_lines(self) -> tuple[str, ...]:
        """Headers as ``Name: value``."""
        if isinstance(self.headers, tuple):
            return self.headers
        return tuple(f"{name}: {value}" for name, value in self.headers.items())


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tests: tuple[Case, ...]


def read(text: str, file: str) -> tuple[Case, ...] | None:
    """The tests of a file; None for one that holds something else.

    Raises:
        CaseError: it holds tests, but some cannot be read.
    """
    found: list[Case] = []
    for line, raw in _documents(text):
        if not isinstance(raw, dict) or _MARK not in raw or "kind" in raw:
            continue
        try:
            found += msgspec.convert(raw, _File).tests
        except msgspec.ValidationError as error:
            raise CaseError(f"{file}: document at line {line}: {error}") from None
    return tuple(found) if found else None


def _documents(text: str) -> Iterator[tuple[int, Mapping[str, Raw] | None]]:
    """Documents that can be read, with their lines; manifests are read by others."""
    for chunk in split(text):
        try:
            raw = parse(chunk.text)
        except TextError:
            continue
        yield chunk.line, cast("Mapping[str, Raw]", raw) if isinstance(raw, dict) else None
