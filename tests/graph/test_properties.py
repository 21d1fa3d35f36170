"""Random graphs and random changes: incremental equals a fresh build, in any order of arrival.

Hypothesis draws a `Plan` (collections of any kind over earlier ones, with functions that read
any earlier collection or index) and batches of changes. The oracle evaluates the same plan from
scratch over plain dicts, without the engine.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.graph import Change, Graph, GraphError
from support.generators import finish

SOURCES = ("s0", "s1")
POISON = 13
KEYS = st.sampled_from("abcde")
VALUES = st.one_of(st.none(), st.integers(0, 6))


class PoisonError(Exception):
    pass


class ClashError(Exception):
    """Two inputs of a flat_map yield one key."""


@dataclass(frozen=True)
class Node:
    """One collection with an index over it; `reads` are (how, number of an earlier node)."""

    kind: str
    inputs: tuple[int, ...]
    reads: tuple[tuple[str, int], ...]
    salt: int


@st.composite
def plans(draw):
    """Draw between two and eight nodes over the sources."""
    nodes = []
    for number in range(len(SOURCES), len(SOURCES) + draw(st.integers(2, 8))):
        earlier = st.integers(0, number - 1)
        kind = draw(st.sampled_from(["map", "flat_map", "moving", "join", "terms", "singleton"]))
        reads = st.tuples(st.sampled_from(["key", "term", "count", "first", "all"]), earlier)
        nodes.append(
            Node(
                kind=kind,
                inputs=tuple(draw(st.lists(earlier, min_size=1, max_size=3))),
                reads=tuple(draw(st.lists(reads, max_size=3))),
                salt=draw(st.integers(0, 3)),
            )
        )
    return tuple(nodes)


BATCHES = st.lists(
    st.lists(st.tuples(st.sampled_from(SOURCES), KEYS, VALUES), max_size=6),
    min_size=1,
    max_size=6,
)


def number_of(value):
    """A small number that depends on the content of a value."""
    return sum(map(ord, repr(value))) % 7


def term_of(key, value):
    return [f"t{number_of(value) % 3}", f"k{key}"[:2]]


def combine(node, ctx, place, key, value):
    """The value of a function of `node`: it reads, and what it reads decides what it reads."""
    collections, indexes = place
    total = number_of(value) + node.salt
    for how, target in node.reads:
        match how:
            case "key":
                found = ctx.fetch(collections[target], "abcde"[total % 5])
            case "term":
                found = ctx.fetch_by(indexes[target], f"t{total % 3}")
            case "count":
                found = ctx.count_by(indexes[target], f"t{total % 3}")
            case "first":
                found = ctx.first_by(indexes[target], f"t{total % 3}")
            case _:
                found = ctx.fetch_all(collections[target])
        total += number_of(found)
    if total % 11 == 10:
        return None
    if value == POISON:
        raise PoisonError(key)
    return (total % 5, str(key))


def pairs(node, ctx, place, key, value):
    """What a flat_map yields: under keys of its own, or under keys that may clash."""
    found = combine(node, ctx, place, key, value)
    if found is None:
        return
    if node.kind == "moving":
        yield "abcdefghijklmnopqrstuvwxyz"[(number_of(value) * 5 + ord(str(key)[0])) % 26], found
        return
    for part in range(found[0] % 3):
        yield f"{key}{part}", found


@dataclass
class Engine:
    """The plan as a graph."""

    plan: tuple[Node, ...]
    graph: Graph = field(default_factory=Graph)

    def __post_init__(self):
        self.collections: list[Any] = []
        self.indexes: list[Any] = []
        for name in SOURCES:
            self._add(self.graph.source(name))
        for number, node in enumerate(self.plan, len(SOURCES)):
            self._add(self._build(f"n{number}", node))
        self.mirror = [{} for _ in self.collections]

    def _add(self, collection):
        self.graph.watch(collection)
        self.collections.append(collection)
        self.indexes.append(collection.index(f"index of {collection.name}", term_of))

    def _build(self, name, node):
        place = self.collections, self.indexes
        first = self.collections[node.inputs[0]]
        match node.kind:
            case "map":
                return first.map(name, lambda ctx, k, v: combine(node, ctx, place, k, v))
            case "flat_map" | "moving":
                return first.flat_map(name, lambda ctx, k, v: pairs(node, ctx, place, k, v))
            case "join":
                return self.graph.join(name, *(self.collections[each] for each in node.inputs))
            case "terms":
                return self.indexes[node.inputs[0]].terms(name)
            case _:
                one = self.graph.singleton(name, lambda ctx: combine(node, ctx, place, "", ""))
                return one.flat_map(f"{name} by letter", lambda _ctx, _key, v: [("a", v)])

    def changes(self, batch):
        return [Change(self.collections[SOURCES.index(name)], k, v) for name, k, v in batch]

    def apply(self, batch):
        self.follow(self.graph.apply(self.changes(batch)))

    def follow(self, events):
        """Keep what someone who knows the events only would hold."""
        for mirror, collection in zip(self.mirror, self.collections, strict=True):
            for key, (old, new) in events[collection].items():
                assert old != new
                assert mirror.pop(key, None) == old
                if new is not None:
                    mirror[key] = new

    def state(self):
        return [dict(collection.items()) for collection in self.collections]


class Oracle:
    """Reads for functions, over plain dicts."""

    def fetch(self, collection, key):
        return collection.get(key)

    def fetch_all(self, collection):
        return tuple(sorted(collection.items()))

    def fetch_by(self, index, term):
        return tuple(sorted(index.get(term, {}).items()))

    def count_by(self, index, term):
        return len(index.get(term, {}))

    def first_by(self, index, term):
        return min(index.get(term, {}), default=None)


def indexed(collection):
    groups = defaultdict(dict)
    for key, value in collection.items():
        for term in term_of(key, value):
            groups[term][key] = value
    return groups


def evaluate(plan, sources):
    """All collections of the plan, from scratch.

    Raises:
        ClashError: Two inputs of a flat_map yield one key.
        PoisonError: A source holds a value that functions refuse.
    """
    collections = [sources[name] for name in SOURCES]
    indexes = [indexed(each) for each in collections]
    for node in plan:
        made = _evaluate(node, collections, indexes)
        collections.append(made)
        indexes.append(indexed(made))
    return collections


def _evaluate(node, collections, indexes):
    ctx, place = Oracle(), (collections, indexes)
    first = collections[node.inputs[0]]
    match node.kind:
        case "map":
            made = {k: combine(node, ctx, place, k, v) for k, v in first.items()}
        case "flat_map" | "moving":
            found = [pair for k, v in first.items() for pair in pairs(node, ctx, place, k, v)]
            made = dict(found)
            if len(made) < len(found):
                raise ClashError
        case "join":
            made = {}
            for each in reversed(node.inputs):
                made |= collections[each]
        case "terms":
            made = {term: term for term in indexes[node.inputs[0]]}
        case _:
            made = {"a": combine(node, ctx, place, "", "")}
    return {k: v for k, v in made.items() if v is not None}


def changed(sources, batch):
    result = {name: dict(values) for name, values in sources.items()}
    for name, key, value in batch:
        result[name].pop(key, None)
        if value is not None:
            result[name][key] = value
    return result


def everything(sources):
    return [(name, k, v) for name, values in sources.items() for k, v in values.items()]


def holds(engine, plan, batch, sources):
    """Apply a batch; whether it went through, which only the oracle may forbid."""
    before = engine.state()
    try:
        expected = evaluate(plan, changed(sources, batch))
    except (ClashError, PoisonError):
        with pytest.raises(GraphError):
            engine.apply(batch)
        assert engine.state() == engine.mirror == before
        return False
    engine.apply(batch)
    assert engine.state() == engine.mirror == expected
    return True


@settings(derandomize=True, max_examples=250, deadline=None)
@given(plans(), BATCHES)
def test_incremental_equals_fresh_build(plan, batches):
    engine = Engine(plan)
    sources = {name: {} for name in SOURCES}
    for batch in batches:
        if holds(engine, plan, batch, sources):
            sources = changed(sources, batch)
    fresh = Engine(plan)
    fresh.apply(everything(sources))
    assert fresh.state() == engine.state()


@settings(derandomize=True, max_examples=100, deadline=None)
@given(plans(), st.data())
def test_order_and_slices_of_arrival_leave_no_trace(plan, data):
    places = st.tuples(st.sampled_from(SOURCES), KEYS)
    drawn = data.draw(st.dictionaries(places, st.integers(0, 6)))
    arriving = [(*place, value) for place, value in drawn.items()]
    whole, one_by_one, sliced = Engine(plan), Engine(plan), Engine(plan)
    try:
        whole.apply(arriving)
        one_by_one.apply([])
        for change in data.draw(st.permutations(arriving)):
            one_by_one.apply([change])
    except GraphError:  # a clash, perhaps one that a later change resolves
        return
    assert one_by_one.state() == whole.state()
    shuffled = data.draw(st.permutations(arriving))
    sliced.follow(finish(sliced.graph.steps(sliced.changes(shuffled), every=1)))
    assert sliced.state() == sliced.mirror == whole.state()


def abandon(engine, batch, pauses):
    """Start a sliced apply and close it after some pauses; None if it ended before."""
    steps = engine.graph.steps(engine.changes(batch), every=2)
    try:
        for _ in range(pauses):
            next(steps)
    except (StopIteration, GraphError) as end:
        return end
    steps.close()
    return None


@settings(derandomize=True, max_examples=100, deadline=None)
@given(plans(), BATCHES, st.sampled_from(SOURCES), KEYS, st.integers(0, 5))
def test_a_failed_or_abandoned_apply_leaves_no_trace(plan, batches, name, key, pauses):
    engine = Engine(plan)
    sources = {each: {} for each in SOURCES}
    for batch in batches:
        for attempt in ([*batch, (name, key, POISON)], batch):
            before = engine.state()
            ended = abandon(engine, attempt, pauses)
            if isinstance(ended, StopIteration):
                engine.follow(ended.value)
                sources = changed(sources, attempt)
                assert engine.state() == engine.mirror == evaluate(plan, sources)
                continue
            assert engine.state() == before
            if holds(engine, plan, attempt, sources):
                sources = changed(sources, attempt)
