"""Problem: what is wrong with something a user wrote, where, and what to do about it."""

from typing import Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["error", "warning", "info"]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding. Of an object with an error, the last good version stays in force.

    Except where the error is a field that the standard channel drops: then the rest counts.
    """

    severity: Severity
    code: str
    """`GW` and three digits, see `fairlead.api.codes`."""
    message: str
    remedy: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    field: str = ""
    """Path in the object, such as `spec.rules[0].matches[1].path`; empty for the whole."""
    file: str = ""
    line: int = 0
    """From 1; 0 if unknown."""
    column: int = 0
    """From 1; 0 if unknown."""

    def __str__(self) -> str:
        """`file:line:column: severity CODE Kind ns/name field: message; remedy`, in one line."""
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        owner = "/".join(part for part in (self.namespace, self.name) if part)
        what = " ".join(part for part in (self.kind, owner, self.field) if part)
        head = f"{where}: {self.severity} {self.code}" if where else f"{self.severity} {self.code}"
        tail = f"; {self.remedy}" if self.remedy else ""
        return f"{head} {what}: {self.message}{tail}" if what else f"{head}: {self.message}{tail}"
