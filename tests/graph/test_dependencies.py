"""A function runs again when something that it has read changed, and at no other time."""

import pytest

from fairlead.graph import Change, Graph


def runs(graph, name):
    return next(each.runs for each in graph.dump().collections if each.name == name)


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def numbers(graph):
    return graph.source("numbers")


def put(source, **values):
    return [Change(source, key, value) for key, value in values.items()]


def test_only_readers_of_the_changed_key_run(graph, numbers):
    wishes = graph.source("wishes")
    found = wishes.map("found", lambda ctx, _key, wish: ctx.fetch(numbers, wish))
    graph.apply(put(wishes, x="a", y="a", z="b") + put(numbers, a=1, b=2))
    assert runs(graph, "found") == 3
    graph.apply(put(numbers, a=3))
    assert runs(graph, "found") == 5
    assert found.items() == (("x", 3), ("y", 3), ("z", 2))
    graph.apply(put(numbers, c=9))
    assert runs(graph, "found") == 5


def test_a_read_that_is_no_longer_made_is_forgotten(graph, numbers):
    wishes = graph.source("wishes")
    wishes.map("found", lambda ctx, _key, wish: ctx.fetch(numbers, wish))
    graph.apply(put(wishes, x="a", y="a", z="a") + put(numbers, a=1, b=1))
    graph.apply(put(wishes, x="b", y="b"))
    before = runs(graph, "found")
    graph.apply(put(numbers, a=2))
    assert runs(graph, "found") == before + 1
    graph.apply(put(wishes, x=None, z=None))
    before = runs(graph, "found")
    graph.apply(put(numbers, a=3))
    assert runs(graph, "found") == before
    graph.apply(put(numbers, b=4))
    assert runs(graph, "found") == before + 1


@pytest.mark.parametrize("kind", ["map", "flat_map"])
def test_what_no_one_reads_leaves_no_record(graph, numbers, kind):
    wishes = graph.source("wishes")
    if kind == "map":
        wishes.map("found", lambda ctx, _key, wish: ctx.fetch(numbers, wish))
    else:
        wishes.flat_map("found", lambda ctx, key, wish: [(key, ctx.fetch(numbers, wish))])
    graph.apply(put(wishes, x="a", y="a", z="b"))
    (dependency,) = graph.dump().collections[-1].dependencies
    assert (dependency.name, dependency.by, dependency.keys) == ("numbers", "key", 2)
    graph.apply(put(wishes, x=None, y=None, z="c"))
    (dependency,) = graph.dump().collections[-1].dependencies
    assert dependency.keys == 1


def test_absence_of_a_key_is_a_dependency(graph, numbers):
    wishes = graph.source("wishes")
    found = wishes.map("found", lambda ctx, _key, wish: ctx.fetch(numbers, wish))
    graph.apply(put(wishes, x="late"))
    assert found.items() == ()
    graph.apply(put(numbers, late=7))
    assert found.items() == (("x", 7),)


def test_absence_of_a_term_is_a_dependency(graph, numbers):
    by_parity = numbers.index("by parity", lambda _key, number: (number % 2,))
    odd = graph.singleton("odd", lambda ctx: ctx.fetch_by(by_parity, 1))
    graph.apply([])
    assert odd.get(()) == ()
    graph.apply(put(numbers, a=3))
    assert odd.get(()) == (("a", 3),)


def test_fetch_by_depends_on_its_term_only(graph, numbers):
    by_parity = numbers.index("by parity", lambda _key, number: (number % 2,))
    odd = graph.singleton("odd", lambda ctx: ctx.fetch_by(by_parity, 1))
    graph.apply(put(numbers, a=1, b=2))
    before = runs(graph, "odd")
    graph.apply(put(numbers, b=4, c=6))
    assert runs(graph, "odd") == before
    graph.apply(put(numbers, a=5))
    assert odd.get(()) == (("a", 5),)
    graph.apply(put(numbers, a=8))
    assert odd.get(()) == ()
    assert runs(graph, "odd") == before + 2


def test_count_by_depends_on_the_count_only(graph, numbers):
    by_parity = numbers.index("by parity", lambda _key, number: (number % 2,))
    odd = graph.singleton("odd", lambda ctx: ctx.count_by(by_parity, 1))
    graph.apply(put(numbers, a=1, b=2))
    before = runs(graph, "odd")
    graph.apply(put(numbers, a=3))  # another value under the term
    graph.apply(put(numbers, a=2, b=5))  # one goes, one comes
    assert (runs(graph, "odd"), odd.get(())) == (before, 1)
    graph.apply(put(numbers, c=7))
    assert (runs(graph, "odd"), odd.get(())) == (before + 1, 2)


def test_first_by_depends_on_the_first_key_only(graph, numbers):
    by_parity = numbers.index("by parity", lambda _key, number: (number % 2,))
    odd = graph.singleton("odd", lambda ctx: ctx.first_by(by_parity, 1))
    graph.apply(put(numbers, b=1, c=3))
    before = runs(graph, "odd")
    graph.apply(put(numbers, b=5))  # another value under the first key
    graph.apply(put(numbers, c=2, d=7))  # later keys go and come
    assert (runs(graph, "odd"), odd.get(())) == (before, "b")
    graph.apply(put(numbers, a=9))
    assert (runs(graph, "odd"), odd.get(())) == (before + 1, "a")
    graph.apply(put(numbers, a=None, b=None, d=None))
    assert odd.items() == ()


def test_terms_are_unaffected_by_further_entries(graph, numbers):
    parities = numbers.index("by parity", lambda _key, number: (number % 2,)).terms("parities")
    named = parities.map("named", lambda _ctx, term, _value: ("even", "odd")[term])
    graph.watch(parities)
    graph.apply(put(numbers, a=1))
    assert not graph.apply(put(numbers, b=3, c=5))
    assert not graph.apply(put(numbers, a=None, b=7))
    assert runs(graph, "named") == 1
    assert graph.apply(put(numbers, b=2, c=None))[parities] == {0: (None, 0), 1: (1, None)}
    assert named.items() == ((0, "even"),)


def test_an_entry_may_have_many_terms_or_none(graph, numbers):
    divisors = numbers.index(
        "by divisor", lambda _key, number: [each for each in (2, 3, 3) if number % each == 0]
    )
    found = graph.singleton(
        "found", lambda ctx: tuple(ctx.fetch_by(divisors, each) for each in (2, 3, 5))
    )
    graph.apply(put(numbers, a=6, b=1, c=4))
    assert found.get(()) == ((("a", 6), ("c", 4)), (("a", 6),), ())
    graph.apply(put(numbers, a=9, b=2))
    assert found.get(()) == ((("b", 2), ("c", 4)), (("a", 9),), ())


def test_a_diamond_runs_once_on_settled_inputs(graph, numbers):
    double = numbers.map("double", lambda _ctx, _key, number: number * 2)
    triple = numbers.map("triple", lambda _ctx, _key, number: number * 3)
    seen = []

    def add(ctx, key, value):
        seen.append((value, ctx.fetch(triple, key)))
        return sum(seen[-1])

    total = double.map("total", add)
    graph.apply(put(numbers, a=1))
    graph.apply(put(numbers, a=10))
    assert seen == [(2, 3), (20, 30)]
    assert total.get("a") == 50


def test_a_result_that_is_equal_goes_no_further(graph, numbers):
    parity = numbers.map("parity", lambda _ctx, _key, number: number % 2)
    named = parity.map("named", lambda _ctx, _key, odd: ("even", "odd")[odd])
    graph.apply(put(numbers, a=1))
    graph.apply(put(numbers, a=3))
    assert (runs(graph, "parity"), runs(graph, "named")) == (2, 1)
    assert named.get("a") == "odd"


def test_an_equal_result_keeps_the_object_that_others_hold(graph, numbers):
    tens = numbers.map("tens", lambda _ctx, _key, number: (number // 10, "tens"))
    graph.apply(put(numbers, a=11))
    held = tens.get("a")
    graph.apply(put(numbers, a=12))
    assert tens.get("a") is held


def test_functions_run_in_order_of_keys(graph, numbers):
    order = []
    numbers.map("noted", lambda _ctx, key, _number: order.append(key))
    graph.apply(put(numbers, c=1, a=1, b=1))
    assert order == ["a", "b", "c"]


def test_a_key_moves_between_inputs_of_a_flat_map(graph, numbers):
    by_number = numbers.flat_map("by number", lambda _ctx, key, number: [(number, key)])
    graph.watch(by_number)
    graph.apply(put(numbers, a=1, b=2))
    events = graph.apply(put(numbers, a=2, b=1))
    assert events[by_number] == {1: ("a", "b"), 2: ("b", "a")}
    graph.apply(put(numbers, b=None))
    assert by_number.items() == ((2, "a"),)


def test_events_are_sorted_by_key(graph, numbers):
    negated = numbers.flat_map("negated", lambda _ctx, key, number: [(-number, key)])
    graph.watch(negated)
    events = graph.apply(put(numbers, a=1, b=2, c=3))
    assert list(events[negated]) == [-3, -2, -1]


def test_an_input_may_yield_a_pair_twice_and_none_for_no_value(graph, numbers):
    flat = numbers.flat_map("flat", lambda _ctx, _key, n: [(n, n), (n, n), (n + 1, None)])
    graph.apply(put(numbers, a=1))
    assert flat.items() == ((1, 1),)


def test_joins_fall_back_to_later_collections(graph, numbers):
    fallback = graph.source("fallback")
    joined = graph.join("joined", numbers, fallback)
    graph.watch(joined)
    graph.apply(put(numbers, a=1) + put(fallback, a=-1, b=-2))
    assert joined.items() == (("a", 1), ("b", -2))
    assert not graph.apply(put(fallback, a=-5))
    assert graph.apply(put(numbers, a=None))[joined] == {"a": (1, -5)}


def test_cost_of_a_change_is_that_of_its_readers(graph, numbers):
    doubled = numbers.map("doubled", lambda _ctx, _key, number: number * 2)
    by_tail = doubled.index("by tail", lambda key, _value: (key[-1],))
    tails = by_tail.terms("tails")
    tails.map("sums", lambda ctx, tail, _value: sum(n for _, n in ctx.fetch_by(by_tail, tail)))
    graph.apply(Change(numbers, f"k{each}", each) for each in range(1000))
    before = [(each.name, each.runs) for each in graph.dump().collections]
    graph.apply(put(numbers, k7=-1))
    after = [(each.name, each.runs) for each in graph.dump().collections]
    grown = {name: new - old for (name, old), (_, new) in zip(before, after, strict=True)}
    assert grown == {"numbers": 0, "doubled": 1, "tails": 0, "sums": 1, "by tail": 0}
