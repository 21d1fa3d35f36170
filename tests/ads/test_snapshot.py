"""What a proxy is served, as bytes and back."""

import pytest

from ads.link import cluster, endpoints, listener, routes
from fairlead.ads import snapshot
from fairlead.ads.snapshot import SnapshotError, decode, encode, without

SITE = (
    cluster("one"),
    endpoints("one"),
    listener("edge", "table"),
    routes("table", {f"{number}.example": "one" for number in range(50)}),
)


def message(resource):
    return resource.head + b"".join(bundle.body for bundle in resource.bundles)


def test_what_comes_back_is_what_was_written():
    found = {(each.type_url, each.name): each for each in decode(encode(SITE))}
    assert len(found) == len(SITE)
    for each in SITE:
        made = found[each.type_url, each.name]
        assert (made.version, message(made)) == (each.version, message(each))


def test_same_resources_same_bytes():
    assert encode(SITE) == encode(reversed(SITE))
    assert len(encode(SITE)) < sum(len(message(each)) for each in SITE)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"fairlead snapshot 2\nx",
        b"fairlead snapshot 1\n",
        encode(SITE)[:-10],
        encode(SITE)[:30] + b"\0\0\0\0" + encode(SITE)[34:],
        b'{"kind": "Secret"}',
    ],
)
def test_what_is_no_snapshot_is_told_so(broken):
    with pytest.raises(SnapshotError):
        decode(broken)


def test_one_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(snapshot, "MOST_BYTES", 100)
    with pytest.raises(SnapshotError, match="more than 100 bytes"):
        decode(encode(SITE))


def test_refused_parts_leave_and_fallbacks_stay():
    table = SITE[3]
    made = without(table, {"3.example"})
    assert b"|3.example=500" in message(made)
    assert b"|3.example>one" not in message(made)
    assert made.version != table.version
    assert without(table, set()) is table
    assert without(table, {""}) is None
