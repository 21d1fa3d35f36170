"""Compile modules so that Python neither looks at their sources' times nor compiles at start.

Run alone, in a fresh interpreter: marshal marks what else refers to an object, so only the same
modules in the same order give the same bytes. Stdin: lines ``SOURCE<tab>NAME<tab>OUTPUT``, where
NAME is the path that tracebacks show. Modules that do not compile (templates, other Pythons'
syntax) are left out.
"""

import py_compile
import sys
import warnings


def main() -> None:
    """Compile what stdin names."""
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        source, name, output = line.rstrip("\n").split("\t")
        try:
            py_compile.compile(
                source,
                cfile=output,
                dfile=name,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, UnicodeDecodeError):
            continue


if __name__ == "__main__":
    main()
