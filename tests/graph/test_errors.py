"""Bugs are told by collection and key, and leave the graph as it was."""

import re

import pytest

from fairlead.graph import Change, Graph, GraphError


class BrokenError(Exception):
    pass


def fragile(value):
    if value == "poison":
        raise BrokenError
    return value


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def source(graph):
    return graph.source("source")


def dependencies(graph):
    return {each.name: each.dependencies for each in graph.dump().collections}


def runs(graph):
    return {each.name: each.runs for each in graph.dump().collections}


def put(source, **values):
    return [Change(source, key, value) for key, value in values.items()]


FRAGILE = {
    "map 'fragile'": lambda _graph, source: source.map(
        "fragile", lambda _ctx, _key, value: fragile(value)
    ),
    "flat_map 'fragile'": lambda _graph, source: source.flat_map(
        "fragile", lambda _ctx, key, value: ((key, fragile(each)) for each in (value,))
    ),
    "singleton 'fragile'": lambda graph, source: graph.singleton(
        "fragile", lambda ctx: fragile(ctx.fetch(source, "b"))
    ),
    "index 'fragile'": lambda _graph, source: source.index(
        "fragile", lambda _key, value: (fragile(value),)
    ).terms("all terms"),
}


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("name", FRAGILE)
def test_a_function_that_raises_undoes_the_apply(name, started):
    graph = Graph()
    early, source = graph.source("early"), graph.source("source")
    key = "()" if name.startswith("singleton") else "'b'"
    counted = graph.singleton("counted", lambda ctx: len(ctx.fetch_all(early)))
    broken = FRAGILE[name](graph, source)
    by_value = source.index("by value", lambda _key, value: (value,))
    values = by_value.terms("values")
    counts = values.map("counts", lambda ctx, value, _: ctx.count_by(by_value, value))
    listed = graph.singleton("listed", lambda ctx: ctx.fetch_all(source))
    flat = source.flat_map("flat", lambda _ctx, key, value: [(value + key, value)])
    everything = (early, counted, source, values, counts, listed, flat, broken)
    for collection in everything:
        graph.watch(collection)
    if started:
        graph.apply(put(source, a="fine", b="fine", c="gone") + put(early, x="y"))
    before = [collection.items() for collection in everything]
    read_before = dependencies(graph)
    failing = put(source, a="other", b="poison", c=None, d="new") + put(early, x=None, z="z")
    for _ in range(2):
        with pytest.raises(GraphError, match=re.escape(f"{name} failed for key {key}")) as raised:
            graph.apply(failing)
        assert isinstance(raised.value.__cause__, BrokenError)
        assert [collection.items() for collection in everything] == before
        assert dependencies(graph) == read_before
    if started:
        ran = runs(graph)
        assert not graph.apply([])
        assert runs(graph) == ran
    graph.apply(put(source, a="other", b="fine", c=None, d="new"))
    assert counts.items() == (("fine", 1), ("new", 1), ("other", 1))
    assert listed.get(()) == source.items()
    assert flat.keys() == ("fineb", "newd", "othera")
    graph.apply(put(source, d="fine"))
    assert counts.items() == (("fine", 2), ("other", 1))


def test_dependencies_are_as_before_after_an_undone_apply(graph, source):
    others = graph.source("others")
    found = source.map("found", lambda ctx, _key, wish: ctx.fetch(others, wish))
    found.map("fragile", lambda _ctx, _key, value: fragile(value))
    graph.apply(put(source, x="a") + put(others, a="first", b="second"))
    before = dependencies(graph)
    with pytest.raises(GraphError):
        graph.apply(put(source, x="b", y="a", z="c") + put(others, b="poison"))
    assert found.items() == (("x", "first"),)
    assert dependencies(graph) == before
    ran = runs(graph)
    graph.apply([])
    assert runs(graph) == ran
    graph.apply(put(others, b="third"))
    assert found.items() == (("x", "first"),)
    graph.apply(put(others, a="fourth", c="fifth"))
    assert found.items() == (("x", "fourth"),)
    assert dependencies(graph) == before


def test_reads_of_a_function_that_raises_leave_no_record(graph, source):
    def reading(ctx, key, value):
        return ctx.fetch(source, f"next to {key}") or fragile(value)

    source.map("reading", reading)
    graph.apply([])
    with pytest.raises(GraphError):
        graph.apply(put(source, a="poison"))
    assert dependencies(graph)["reading"] == ()


def test_singletons_run_again_after_a_failed_first_apply(graph, source):
    first = graph.singleton("first", lambda ctx: len(ctx.fetch_all(source)))
    source.map("fragile", lambda _ctx, _key, value: fragile(value))
    with pytest.raises(GraphError):
        graph.apply(put(source, a="poison"))
    assert first.get(()) is None
    graph.apply([])
    assert first.get(()) == 0


def test_two_inputs_of_a_flat_map_must_not_yield_one_key(graph, source):
    flat = source.flat_map("flat", lambda _ctx, key, value: [(value, key)])
    with pytest.raises(GraphError, match=r"'flat' failed for key 'b'.* 'one', and so does 'a'"):
        graph.apply(put(source, a="one", b="one"))
    graph.apply(put(source, b="one"))
    with pytest.raises(GraphError, match=r"'flat' failed for key 'c'.* 'one', and so does 'b'"):
        graph.apply(put(source, c="one"))
    assert flat.items() == (("one", "b"),)


def test_one_input_must_not_yield_two_values_under_a_key(graph, source):
    source.flat_map("flat", lambda _ctx, _key, value: [("same", value), ("same", value * 2)])
    with pytest.raises(GraphError, match=r"'flat' failed for key 'a'.*two values under.*'same'"):
        graph.apply(put(source, a="one"))


def test_reading_what_was_built_later_is_a_cycle(graph, source):
    late = []
    source.map("early", lambda ctx, key, _value: ctx.fetch(late[0], key))
    late.append(source.map("late", lambda _ctx, _key, value: value))
    with pytest.raises(GraphError, match="'early' reads 'late', which was built after it"):
        graph.apply(put(source, a="x"))


def test_reading_oneself_is_a_cycle(graph, source):
    built = []
    built.append(source.map("own", lambda ctx, key, _value: ctx.fetch(built[0], key)))
    with pytest.raises(GraphError, match="'own' reads 'own'"):
        graph.apply(put(source, a="x"))


def test_an_index_over_a_later_collection_is_a_cycle_too(graph, source):
    late = []
    source.map("early", lambda ctx, _key, value: ctx.count_by(late[0], value))
    late.append(source.map("late", lambda _ctx, _key, value: value).index("by", lambda k, _v: k))
    with pytest.raises(GraphError, match="'early' reads 'by'"):
        graph.apply(put(source, a="x"))


def test_graphs_do_not_mix(graph, source):
    other = Graph()
    foreign = other.source("foreign")
    with pytest.raises(GraphError, match="'foreign' belongs to another graph"):
        graph.join("joined", source, foreign)
    source.map("reading", lambda ctx, key, _value: ctx.fetch(foreign, key))
    with pytest.raises(GraphError, match="'foreign' belongs to another graph"):
        graph.apply(put(source, a="x"))
    with pytest.raises(GraphError, match="'foreign' belongs to another graph"):
        graph.apply(put(foreign, a="x"))


def test_names_are_unique(graph, source):
    with pytest.raises(GraphError, match="'source' is taken"):
        source.index("source", lambda key, _value: key)
    with pytest.raises(GraphError, match="'source' is taken"):
        graph.source("source")


def test_the_shape_is_settled_by_the_first_apply(graph, source):
    graph.apply([])
    with pytest.raises(GraphError, match="'late' comes too late"):
        source.map("late", lambda _ctx, _key, value: value)


def test_only_sources_are_filled_from_outside(graph, source):
    derived = source.map("derived", lambda _ctx, _key, value: value)
    with pytest.raises(GraphError, match="'derived' is no source"):
        graph.apply(put(derived, a="x"))


def test_only_watched_collections_have_events(graph, source):
    events = graph.apply(put(source, a="x"))
    with pytest.raises(GraphError, match="'source' is not watched"):
        events[source]


def test_a_context_ends_with_its_function(graph, source):
    kept = []
    source.map("keeping", lambda ctx, _key, _value: kept.append(ctx))
    graph.apply(put(source, a="x"))
    with pytest.raises(GraphError, match="after the function"):
        kept[0].fetch(source, "a")
    assert graph.dump().collections[-1].dependencies == ()


def test_a_function_must_not_apply(graph, source):
    source.map("feedback", lambda _ctx, _key, _value: graph.apply([]))
    with pytest.raises(GraphError, match=r"'feedback' failed.*an apply is underway"):
        graph.apply(put(source, a="x"))
    assert graph.apply([]) is not None


def test_an_interrupt_undoes_the_apply_and_stays_what_it_is(graph, source):
    def interrupted(ctx, key, value):
        ctx.fetch(source, key)
        if value == "poison":
            raise KeyboardInterrupt
        return value

    derived = source.map("derived", interrupted)
    graph.apply(put(source, a="x"))
    with pytest.raises(KeyboardInterrupt):
        graph.apply(put(source, a="poison"))
    assert source.items() == derived.items() == (("a", "x"),)
