"""A large load goes in slices."""

import itertools

import pytest

from fairlead.graph import Change, Graph, GraphError


@pytest.fixture
def built():
    graph = Graph()
    source = graph.source("source")
    doubled = source.map("doubled", lambda _ctx, _key, value: value * 2)
    by_tail = doubled.index("by tail", lambda key, _value: (key[-1],))
    tails = by_tail.terms("tails").map(
        "sums", lambda ctx, tail, _: sum(value for _, value in ctx.fetch_by(by_tail, tail))
    )
    graph.watch(tails)
    return graph, source, tails


def load(source, count):
    return [Change(source, f"k{each}", each) for each in range(count)]


def finish(steps):
    """Exhaust a generator: the number of pauses, and its return value."""
    for pauses in itertools.count():
        try:
            next(steps)
        except StopIteration as end:
            return pauses, end.value
    raise AssertionError


def test_pauses_are_regular_and_the_result_is_that_of_apply(built):
    graph, source, tails = built
    pauses, events = finish(graph.steps(load(source, 100), every=10))
    # 100 functions and 100 index entries, then 10 terms and 10 functions
    assert pauses == 22
    assert events[tails] == {str(tail): (None, 20 * tail + 900) for tail in range(10)}
    assert tails.get("3") == 960


def test_a_small_change_takes_no_pause(built):
    graph, source, _ = built
    assert finish(graph.steps(load(source, 5)))[0] == 0


def test_nothing_happens_before_the_first_step(built):
    graph, source, tails = built
    steps = graph.steps(load(source, 100))
    graph.apply(load(source, 1))
    assert tails.items() == (("0", 0),)
    finish(steps)
    assert len(source) == 100


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("pauses", [1, 4, 7, 15, 19])
def test_closing_undoes_what_was_done(built, started, pauses):
    graph, source, tails = built
    if started:
        graph.apply(load(source, 7))
    before = source.items(), tails.items()
    steps = graph.steps(load(source, 100), every=10)
    for _ in range(pauses):
        next(steps)
    steps.close()
    assert (source.items(), tails.items()) == before
    finish(graph.steps(load(source, 100)))
    assert tails.get("3") == 960


def test_one_apply_at_a_time(built):
    graph, source, tails = built
    steps = graph.steps(load(source, 100), every=10)
    next(steps)
    with pytest.raises(GraphError, match="an apply is underway"):
        graph.apply([])
    finish(steps)
    graph.apply([Change(source, "k3", None)])
    assert tails.get("3") == 954
