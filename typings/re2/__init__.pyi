# What is used of google-re2, which ships no types.

class error(Exception): ...  # noqa: N801, N818
class _Encoding: ...

class Options:
    class Encoding:
        LATIN1: _Encoding

    log_errors: bool
    encoding: _Encoding

class Pattern:
    @property
    def programsize(self) -> int: ...
    def fullmatch(self, text: str | bytes) -> object | None: ...

def compile(pattern: str | bytes, options: Options | None = None) -> Pattern: ...  # noqa: A001
