"""Lists and events in any order, twice, or too late."""

from hypothesis import given
from hypothesis import strategies as st

from fairlead.providers.kube.known import Known

KEY = ("a", "b")


def test_old_and_repeated_events_are_no_news():
    known = Known()
    assert known.changed(KEY, ("u", "5"))
    assert not known.changed(KEY, ("u", "5"))
    assert not known.changed(KEY, ("u", "4"))
    assert not known.removed(KEY, ("u", "4"))
    assert known.changed(KEY, ("u", "10"))
    assert known.removed(KEY, ("u", "11"))
    assert not known.removed(KEY, ("u", "11"))
    assert not known.changed(KEY, ("u", "9"))
    assert known.changed(KEY, ("v", "12"))


def test_a_list_counts_even_if_it_is_older():
    known = Known()
    known.changed(KEY, ("u", "50"))
    known.changed(("a", "c"), ("w", "51"))
    known.begin_list()
    assert known.listed(KEY, ("u", "7"))
    assert known.end_list() == [("a", "c")]
    assert known.changed(("a", "c"), ("w", "8"))
    assert list(known) == [KEY, ("a", "c")]


def test_a_list_that_begins_again_forgets_what_it_saw():
    known = Known()
    known.changed(KEY, ("u", "1"))
    known.begin_list()
    known.listed(KEY, ("u", "2"))
    known.begin_list()
    assert known.end_list() == [KEY]


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("xyz")), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_events_may_come_in_any_order(events, random):
    numbered = [(str(at), *event) for at, event in enumerate(events, start=1)]
    last = {name: there for _, there, name in numbered}
    disordered = [*numbered, *random.choices(numbered, k=len(numbered))]
    random.shuffle(disordered)
    known = Known()
    for at, there, name in disordered:
        (known.changed if there else known.removed)(("", name), ("u", at))
    assert sorted(key[1] for key in known) == sorted(name for name in last if last[name])
