"""Fuzzing without an end, or with one: ``make fuzz ARGS="--inputs 1000000"``.

atheris chooses what to spoil by the code that it reaches. Inputs that find something are kept in
the folder that is named last, as libFuzzer keeps them; its own options (``-max_total_time=60``) are
passed on. ``--plain`` takes choices from a random generator instead, which is quicker and needs no
compiler's help; ``--each`` sets every place to every value in turn; ``--envoy`` has two real
proxies take what is let in.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice

from fuzz.envoys import running
from fuzz.mutation import Choose, Raw, each_spoilt, spoilt
from fuzz.proving import Proving

TELL = 30.0
"""Seconds between two lines about how far it is."""
BYTES = 4096
"""Of an input of libFuzzer's: more than all choices need."""


class Progress:
    """Counts, and says so now and then."""

    def __init__(self, proving: Proving) -> None:
        self._proving = proving
        self._begin = self._told = time.monotonic()

    def tell(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if last or now - self._told > TELL:
            self._told = now
            made = self._proving
            print(  # noqa: T201
                f"{made.inputs} inputs in {now - self._begin:.0f} s, {made.let_in} let in, "
                f"the slowest took {made.slowest * 1000:.0f} ms",
                flush=True,
            )


def _chosen(inputs: int, seed: int) -> Iterator[tuple[int, Raw]]:
    for number in range(seed, seed + inputs):
        yield number, spoilt(random.Random(number).randrange)


def _plain(chosen: Iterable[tuple[int, Raw]]) -> None:
    proving = Proving()
    progress = Progress(proving)
    for number, raw in chosen:
        try:
            proving.restore(proving.attempt(raw))
        except BaseException:
            print(f"seed {number}: {raw!r:.4000}", flush=True)  # noqa: T201
            raise
        progress.tell()
    progress.tell(last=True)


async def _envoy(inputs: int, seed: int) -> None:
    proving = Proving()
    progress = Progress(proving)
    async with running() as envoys:
        refused = await envoys.take(proving.start)
        for number, raw in _chosen(inputs, seed):
            effects = proving.attempt(raw)
            for each in (effects, proving.restore(effects)):
                refused = refused or (await envoys.take(each) if each else [])
            if refused:
                raise SystemExit(f"seed {number}: {refused[0]}\n{raw!r:.4000}")
            progress.tell()
    progress.tell(last=True)


def _atheris(inputs: int, options: list[str]) -> None:
    """Never returns: libFuzzer ends the process, with 0 if nothing was found."""
    import atheris  # noqa: PLC0415 - only where it is wanted

    atheris.instrument_all()
    proving = Proving()
    progress = Progress(proving)

    def choices(provider: atheris.FuzzedDataProvider) -> Choose:
        return lambda bound: provider.ConsumeIntInRange(0, bound - 1)

    def one(data: bytes) -> None:
        proving.restore(proving.attempt(spoilt(choices(atheris.FuzzedDataProvider(data)))))
        progress.tell()

    limits = [f"-max_len={BYTES}", f"-runs={inputs}", "-timeout=5", "-len_control=0"]
    atheris.Setup([sys.argv[0], *limits, *options], one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="first one, but for atheris")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--envoy", action="store_true")
    known, rest = parser.parse_known_args()
    if known.envoy:
        asyncio.run(_envoy(known.inputs, known.seed))
    elif known.plain:
        _plain(_chosen(known.inputs, known.seed))
    elif known.each:
        _plain(islice(enumerate(each_spoilt()), known.seed, known.seed + known.inputs))
    else:
        _atheris(known.inputs, rest)


if __name__ == "__main__":
    main()
