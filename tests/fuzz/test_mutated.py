"""Spoilt manifests of every kind go the whole way to resources, and texts of any kind are read."""

import os
from random import Random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.api.kinds import KINDS
from fuzz.mutation import seeds, spoilt
from fuzz.proving import LONGEST, Proving

INPUTS = 1500
TEXTS = 300
NUMBERS = st.integers(0, 2**64)


@pytest.fixture(scope="module")
def proving():
    made = Proving()
    yield made
    print(  # noqa: T201
        f"{made.inputs} inputs, of which {made.let_in} were let in; "
        f"the slowest took {made.slowest * 1000:.0f} ms"
    )


def test_there_is_a_manifest_of_every_kind():
    assert {raw["kind"] for raw in seeds()} == {kind.kind for kind in KINDS}


@settings(max_examples=INPUTS)
@given(NUMBERS)
def test_a_spoilt_manifest_disturbs_nobody(proving, number):
    effects = proving.attempt(spoilt(Random(number).randrange))
    proving.restore(effects)


@settings(max_examples=TEXTS)
@given(NUMBERS, st.binary(max_size=8))
def test_a_spoilt_text_disturbs_nobody(proving, number, garbage):
    """Bytes of a written manifest are replaced, left out or repeated."""
    random = Random(number)
    raw = seeds()[random.randrange(len(seeds()))]
    text = bytearray(yaml.safe_dump(raw, allow_unicode=True).encode())
    for _ in range(1 + random.randrange(4)):
        begin = random.randrange(len(text) + 1)
        end = min(begin + random.randrange(12), len(text))
        text[begin:end] = (garbage, b"", bytes(text[begin:end]) * 2)[random.randrange(3)]
    effects = proving.attempt(bytes(text))
    proving.restore(effects)


def test_what_takes_long_is_noticed(proving):
    """The bound itself: an input that works for longer than allowed fails."""
    before, slowest = proving.apply, proving.slowest

    def slow(objects):
        begin = os.times().user
        while os.times().user - begin < 1.2 * LONGEST:
            pass
        return before(objects)

    proving.apply = slow
    try:
        with pytest.raises(AssertionError, match="took"):
            proving.attempt(seeds()[0])
    finally:
        proving.apply, proving.slowest = before, slowest
