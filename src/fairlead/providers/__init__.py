"""Where objects come from. Every provider hands over `Batch`es, plain values."""

from fairlead.providers.batch import Batch, FileProblems, Key, ObjectChange

__all__ = ["Batch", "FileProblems", "Key", "ObjectChange"]
