"""The commands' tests start instances as the feature tests do."""

from feature.conftest import serve

__all__ = ["serve"]
