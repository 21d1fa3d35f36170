"""Objects from files: `FilesProvider` reads and watches, `Store` turns texts into changes."""

from fairlead.providers.files.provider import FilesProvider
from fairlead.providers.files.store import Store

__all__ = ["FilesProvider", "Store"]
