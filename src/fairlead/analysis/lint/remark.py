"""What a rule of lint says about an object, before it is known where the object is written."""

from typing import Protocol

import msgspec

from fairlead import api
from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.problem import Severity
from fairlead.translate.sources import Key


class Written(Protocol):
    """Any object."""

    @property
    def kind(self) -> str:
        """Its kind."""
        ...

    @property
    def metadata(self) -> api.ObjectMeta:
        """Standard object's metadata."""
        ...


class Remark(msgspec.Struct, frozen=True):
    """A finding about one object."""

    kind: str
    key: Key
    finding: Finding


def remark(
    obj: Written,
    code: Code,
    path: Path,
    message: str,
    remedy: str = "",
    *,
    severity: Severity = "warning",
) -> Remark:
    """Say something about an object, at a path of it."""
    finding = Finding(code, path, message, remedy, severity)
    return Remark(obj.kind, obj.metadata.key, finding)
