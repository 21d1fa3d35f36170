"""ConfigMap (core/v1)."""

from collections.abc import Mapping

from fairlead.api.metadata import ApiObject


class ConfigMap(ApiObject, frozen=True, kw_only=True):
    """Text by key; `binary_data` is base64."""

    api_version: str = "v1"
    kind: str = "ConfigMap"
    data: Mapping[str, str] = {}
    binary_data: Mapping[str, str] = {}
    immutable: bool = False
