"""The dump says what the graph is built of and what it did, as JSON."""

import msgspec

from fairlead.graph import Change, Dependency, Dump, Graph


def build():
    graph = Graph()
    orders = graph.source("orders")
    prices = graph.source("prices")
    by_item = orders.index("orders by item", lambda _key, item: (item,))
    items = by_item.terms("items")

    def price(ctx, item, _value):
        listed = ctx.fetch(prices, item) or len(ctx.fetch_all(prices))
        discount = ctx.count_by(by_item, item) - 1
        return listed - discount if ctx.fetch_by(by_item, item) else None

    priced = items.map("priced", price)
    everything = graph.join("everything", priced, prices)
    graph.singleton("total", lambda ctx: sum(price for _, price in ctx.fetch_all(everything)))
    graph.watch(everything)
    return graph, orders, prices


def fill(graph, orders, prices):
    graph.apply([Change(orders, str(each), ("tea", "milk")[each % 2]) for each in range(4)])
    graph.apply([Change(prices, "tea", 5)])
    return graph.dump()


def test_names_kinds_sizes_and_edges():
    found = {each.name: each for each in fill(*build()).collections}
    assert list(found) == [
        "orders",
        "prices",
        "items",
        "priced",
        "everything",
        "total",
        "orders by item",
    ]
    assert {name: (each.kind, each.size) for name, each in found.items()} == {
        "orders": ("source", 4),
        "prices": ("source", 1),
        "items": ("terms", 2),
        "priced": ("map", 2),
        "everything": ("join", 2),
        "total": ("singleton", 1),
        "orders by item": ("index", 2),
    }
    assert found["orders"].outputs == ("orders by item",)
    assert found["orders by item"].inputs == ("orders",)
    assert found["orders by item"].outputs == ("items",)
    assert found["everything"].inputs == ("priced", "prices")
    assert [name for name, each in found.items() if each.watched] == ["everything"]


def test_dependencies_and_counts():
    found = {each.name: each for each in fill(*build()).collections}
    assert found["priced"].dependencies == (
        Dependency("orders by item", "count", 2),
        Dependency("orders by item", "term", 2),
        Dependency("prices", "all", 1),
        Dependency("prices", "key", 2),
    )
    # "tea" reads by key alone from the second apply on, "milk" as a whole too
    assert (found["priced"].runs, found["priced"].changes) == (4, 4)
    assert (found["orders"].runs, found["orders"].changes) == (0, 4)
    assert found["total"].dependencies == (Dependency("everything", "all", 1),)


def test_is_json_and_the_same_for_the_same_history():
    one, other = (msgspec.json.encode(fill(*build())) for _ in range(2))
    assert one == other
    assert msgspec.json.decode(one, type=Dump) == fill(*build())
