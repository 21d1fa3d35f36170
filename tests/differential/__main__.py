"""``python -m differential``: figures as JSON on stdout, mismatches on stderr."""

import argparse
import asyncio
import json
import sys
import time

from differential.running import run
from differential.trial import Tried


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--configurations", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the first configuration")
    parser.add_argument("--most", type=int, default=10, help="mismatches after which to end")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.configurations)
    shown = 0

    def told(tried: Tried) -> bool:
        nonlocal shown
        for manifests, mismatch in tried.mismatches[shown:]:
            seed = options.seed + tried.configurations - 1
            sys.stderr.write(f"===== seed {seed}\n{manifests}-----\n{mismatch}\n\n")
        shown = len(tried.mismatches)
        return shown < options.most

    begin = time.monotonic()
    tried = asyncio.run(run(seeds, options.requests, told))
    seconds = time.monotonic() - begin
    for words in tried.refused:
        sys.stderr.write(f"refused: {words}\n")
    figures = {
        name: value if isinstance(value, int) else len(value) for name, value in vars(tried).items()
    }
    sys.stdout.write(f"{json.dumps({**figures, 'seconds': round(seconds, 1)})}\n")
    return 1 if tried.mismatches or tried.refused else 0


if __name__ == "__main__":
    sys.exit(main())
