"""Secret (core/v1). Its values never appear in a repr, so neither in a log nor in a traceback."""

from collections.abc import Mapping
from typing import Any

from fairlead.api.metadata import ApiObject


class Secret(ApiObject, frozen=True, kw_only=True):
    """Bytes by key; `data` is base64, `string_data` is text and wins over `data`."""

    api_version: str = "v1"
    kind: str = "Secret"
    type: str = "Opaque"
    data: Mapping[str, str] = {}
    string_data: Mapping[str, str] = {}
    immutable: bool = False

    def __repr__(self) -> str:
        keys = sorted({*self.data, *self.string_data})
        namespace, name = self.key
        return f"Secret({namespace}/{name}, type={self.type}, keys={keys}, values=[redacted])"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        keys = sorted({*self.data, *self.string_data})
        return [("name", "/".join(self.key)), ("type", self.type), ("keys", keys)]
