"""What every kind of collection keeps to, whatever fills it.

A `Kind` builds a collection of its kind and says how to bring a value to a key, so that each test
below is written once. Values come in versions; terms have a single one, the term itself.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from fairlead.graph import Change, Graph, GraphError, Source
from support.generators import finish


class Value(msgspec.Struct, frozen=True):
    key: Any
    version: int


@dataclass(frozen=True)
class Built:
    """A graph with the collection under test and the source that drives it."""

    graph: Graph
    source: Source
    collection: Any

    def put(self, key, version):
        return Change(self.source, key, Value(key, version))

    def drop(self, key):
        return Change(self.source, key, None)

    def runs(self, name):
        return next(each.runs for each in self.graph.dump().collections if each.name == name)


class Kind:
    """How to build a collection; the keys and the number of versions that it can show."""

    keys = ("a", "b", "c", "d")
    versions = 3

    def value(self, key, version):
        return Value(key, version)

    def build(self):
        graph = Graph()
        source = graph.source("driver")
        collection = self.collection(graph, source)
        graph.watch(collection)
        return Built(graph, source, collection)


class SourceKind(Kind):
    name = "source"

    def collection(self, _graph, source):
        return source


class MapKind(Kind):
    name = "map"

    def collection(self, _graph, source):
        return source.map("tested", lambda _ctx, _key, value: value)


class FetchingMapKind(Kind):
    """A map that learns its values by fetch only."""

    name = "map"

    def collection(self, _graph, source):
        keys = source.map("keys", lambda _ctx, key, _value: key)
        return keys.map("tested", lambda ctx, key, _value: ctx.fetch(source, key))


class FlatMapKind(Kind):
    name = "flat_map"

    def collection(self, _graph, source):
        return source.flat_map("tested", lambda _ctx, key, value: [(key, value)])


class HandingOverFlatMapKind(Kind):
    """A flat_map where a key comes from another input for each version."""

    name = "flat_map"

    def collection(self, _graph, source):
        inputs = source.flat_map("inputs", lambda _ctx, key, value: [((value.version, key), value)])
        return inputs.flat_map("tested", lambda _ctx, key, value: [(key[1], value)])


class JoinKind(Kind):
    """A join whose odd versions come from the first input, even ones from the second."""

    name = "join"

    def collection(self, graph, source):
        odd = source.map("odd", lambda _ctx, _key, value: value if value.version % 2 else None)
        hidden = source.map("all", lambda _ctx, _key, value: value)
        return graph.join("tested", odd, hidden)


class TermsKind(Kind):
    name = "terms"
    versions = 1

    def value(self, key, _version):
        return key

    def collection(self, _graph, source):
        return source.index("index", lambda key, _value: (key,)).terms("tested")


class SingletonKind(Kind):
    name = "singleton"
    keys = ((),)

    def collection(self, graph, source):
        return graph.singleton("tested", lambda ctx: ctx.fetch(source, ()))


KINDS = [
    SourceKind(),
    MapKind(),
    FetchingMapKind(),
    FlatMapKind(),
    HandingOverFlatMapKind(),
    JoinKind(),
    TermsKind(),
    SingletonKind(),
]


@pytest.fixture(params=KINDS, ids=lambda kind: type(kind).__name__.removesuffix("Kind"))
def kind(request):
    return request.param


@pytest.fixture
def built(kind):
    return kind.build()


def test_is_empty_before_anything_came(kind, built):
    collection = built.collection
    assert len(collection) == 0
    assert collection.keys() == collection.items() == ()
    assert collection.get(kind.keys[0]) is None
    assert kind.keys[0] not in collection


def test_shows_what_came_sorted_by_key(kind, built):
    events = built.graph.apply([built.put(key, 1) for key in reversed(kind.keys)])
    collection = built.collection
    expected = {key: kind.value(key, 1) for key in kind.keys}
    assert collection.keys() == tuple(sorted(kind.keys))
    assert collection.items() == tuple(sorted(expected.items()))
    assert len(collection) == len(kind.keys)
    assert all(key in collection and collection.get(key) == expected[key] for key in kind.keys)
    assert list(events[collection]) == sorted(kind.keys)
    assert events[collection] == {key: (None, value) for key, value in expected.items()}
    assert events


def test_tells_edits_with_old_and_new_value(kind, built):
    key = kind.keys[-1]
    built.graph.apply([built.put(each, 1) for each in kind.keys])
    for version in range(2, kind.versions + 1):
        events = built.graph.apply([built.put(key, version)])
        old, new = kind.value(key, version - 1), kind.value(key, version)
        assert events[built.collection] == {key: (old, new)}
        assert built.collection.get(key) == new


def test_tells_deletion_once(kind, built):
    key = kind.keys[0]
    built.graph.apply([built.put(each, 1) for each in kind.keys])
    events = built.graph.apply([built.drop(key)])
    assert events[built.collection] == {key: (kind.value(key, 1), None)}
    assert key not in built.collection
    assert not built.graph.apply([built.drop(key)])


def test_comes_back_after_deletion(kind, built):
    key = kind.keys[0]
    for change in (built.put(key, 1), built.drop(key)):
        built.graph.apply([change])
    events = built.graph.apply([built.put(key, 1)])
    assert events[built.collection] == {key: (None, kind.value(key, 1))}


def test_equal_value_is_no_event_and_wakes_no_reader(kind):
    key = kind.keys[0]
    built = kind.build()
    graph, collection = built.graph, built.collection
    follower = collection.map("follower", lambda _ctx, _key, value: str(value))
    reader = graph.singleton("reader", lambda ctx: str(ctx.fetch(collection, key)))
    graph.watch(follower)
    graph.watch(reader)
    graph.apply([built.put(key, 1)])
    before = built.runs("follower"), built.runs("reader")
    assert not graph.apply([built.put(key, 1)])
    assert (built.runs("follower"), built.runs("reader")) == before


def test_last_change_of_a_key_counts(kind, built):
    key = kind.keys[0]
    events = built.graph.apply([built.put(key, 1), built.drop(key), built.put(key, 1)])
    assert events[built.collection] == {key: (None, kind.value(key, 1))}
    assert not built.graph.apply([built.drop(key), built.put(key, 1)])


def test_events_do_not_depend_on_order_of_arrival(kind):
    changes = [(key, 1) for key in kind.keys]
    one, other = kind.build(), kind.build()
    first = one.graph.apply([one.put(*change) for change in changes])[one.collection]
    second = other.graph.apply([other.put(*change) for change in changes[::-1]])[other.collection]
    assert list(first.items()) == list(second.items())


def test_fetch_depends_on_one_key_and_on_its_absence(kind):
    built = kind.build()
    key = kind.keys[0]
    seen = built.graph.singleton("seen", lambda ctx: repr(ctx.fetch(built.collection, key)))
    built.graph.apply([])
    assert seen.get(()) == "None"
    built.graph.apply([built.put(key, 1)])
    assert seen.get(()) == repr(kind.value(key, 1))
    before = built.runs("seen")
    built.graph.apply([built.put(other, 1) for other in kind.keys[1:]])
    assert built.runs("seen") == before
    built.graph.apply([built.drop(key)])
    assert seen.get(()) == "None"


def test_fetch_all_sees_everything_sorted(kind):
    built = kind.build()
    seen = built.graph.singleton("seen", lambda ctx: ctx.fetch_all(built.collection))
    for change in [built.put(key, 1) for key in kind.keys] + [built.drop(kind.keys[0])]:
        built.graph.apply([change])
        assert seen.get(()) == built.collection.items()


def test_can_be_indexed(kind):
    built = kind.build()
    index = built.collection.index("by all", lambda _key, _value: ("everything",))
    pairs = built.graph.singleton("pairs", lambda ctx: ctx.fetch_by(index, "everything"))
    count = built.graph.singleton("count", lambda ctx: ctx.count_by(index, "everything"))
    first = built.graph.singleton("first", lambda ctx: ctx.first_by(index, "everything"))
    terms = index.terms("terms")
    built.graph.apply([])
    assert (pairs.get(()), count.get(()), terms.keys()) == ((), 0, ())
    for change in [built.put(key, 1) for key in kind.keys]:
        built.graph.apply([change])
        assert first.get(()) == built.collection.keys()[0]
        assert pairs.get(()) == built.collection.items()
        assert count.get(()) == len(built.collection)
        assert terms.items() == (("everything", "everything"),)
    built.graph.apply([built.drop(key) for key in kind.keys])
    assert (pairs.get(()), count.get(()), terms.keys()) == ((), 0, ())


def test_can_be_mapped_flattened_and_joined(kind):
    built = kind.build()
    mapped = built.collection.map("mapped", lambda _ctx, _key, value: str(value))
    flat = built.collection.flat_map(
        "flat", lambda _ctx, key, value: [((part, str(key)), value) for part in range(2)]
    )
    joined = built.graph.join("joined", mapped, built.collection)
    built.graph.apply([built.put(key, 1) for key in kind.keys])
    built.graph.apply([built.drop(kind.keys[0])])
    items = built.collection.items()
    assert mapped.items() == joined.items() == tuple((key, str(value)) for key, value in items)
    assert len(flat) == 2 * len(items)


def test_a_failing_reader_leaves_everything_as_it_was(kind):
    built = kind.build()
    key = kind.keys[0]

    def fragile(ctx):
        if ctx.fetch(built.collection, key) is not None:
            raise ValueError("too fragile")
        return "fine"

    fragile_one = built.graph.singleton("fragile", fragile)
    built.graph.apply([built.put(other, 1) for other in kind.keys[1:]])
    before = built.collection.items()
    for _ in range(2):
        with pytest.raises(GraphError, match="singleton 'fragile'"):
            built.graph.apply([built.put(key, 1)])
        assert built.collection.items() == before
        assert fragile_one.get(()) == "fine"
    assert not built.graph.apply([built.drop(key)])


def test_slices_give_what_one_go_gives(kind):
    whole, sliced = kind.build(), kind.build()
    expected = whole.graph.apply([whole.put(key, 1) for key in kind.keys])
    steps = sliced.graph.steps([sliced.put(key, 1) for key in kind.keys], every=1)
    assert finish(steps)[sliced.collection] == expected[whole.collection]
    assert sliced.collection.items() == whole.collection.items()


def test_is_in_the_dump_under_its_kind(kind, built):
    built.graph.apply([built.put(key, 1) for key in kind.keys])
    found = {each.name: each for each in built.graph.dump().collections}[built.collection.name]
    assert (found.kind, found.size, found.watched) == (kind.name, len(kind.keys), True)
    assert found.changes == len(kind.keys)
    assert repr(built.collection) == f"<{kind.name} {found.name!r}: {found.size}>"
