"""kubernetes_asyncio's reading of kubeconfig files and service accounts, and nothing else of it.

Authentication (merged files, exec plugins, token files, OIDC, certificates) is left to that
library. Importing it as a whole loads a model for every kind of Kubernetes, 66 MiB in 2 s, none of
which is used here. So the two modules wanted are imported beside a stand-in for its client package,
of which they only name two classes; should that ever fail, the whole is imported.
"""

import importlib
import importlib.util
import logging
import sys
import threading
from types import ModuleType
from typing import Any, Final

_ROOT: Final = "kubernetes_asyncio"
_importing = threading.Lock()
logging.getLogger(_ROOT).addHandler(logging.NullHandler())
"""It logs what it also raises: where nothing else takes its records, they are told once."""


def library(module: str) -> Any:  # noqa: ANN401 - it carries no types
    """A module of `kubernetes_asyncio.config`, new at each call unless the package is loaded.

    New, because it remembers the temporary files that it wrote keys into.

    Args:
        module: `kube_config` or `incluster_config`.
    """
    with _importing:
        if _ROOT in sys.modules:
            return importlib.import_module(f"{_ROOT}.config.{module}")
        try:
            return _alone(module)
        except (ImportError, AttributeError):
            _forget()
            return importlib.import_module(f"{_ROOT}.config.{module}")


def _alone(module: str) -> ModuleType:
    spec = importlib.util.find_spec(_ROOT)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(_ROOT)
    root, client = ModuleType(_ROOT), ModuleType(f"{_ROOT}.client")
    root.__path__ = list(spec.submodule_search_locations)
    vars(client).update(ApiClient=object, Configuration=object)
    sys.modules.update({_ROOT: root, client.__name__: client})
    try:
        return importlib.import_module(f"{_ROOT}.config.{module}")
    finally:
        _forget()


def _forget() -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == _ROOT]:
        del sys.modules[name]
