"""Texts in, changes out: last good versions, first of two, generations."""

from hypothesis import given
from hypothesis import strategies as st

from fairlead.providers import Batch, FileProblems, ObjectChange
from fairlead.providers.files import Store


def namespace(name, **labels):
    pairs = ", ".join(f"{key}: {value}" for key, value in labels.items())
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{pairs}}}}}\n"


def config(name, value):
    return (
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{k: {value}}}}}\n"
    )


def stream(*documents):
    return "---\n".join(documents).encode()


def names(batch):
    """What a batch says: names, with a minus sign if they go."""
    return [("" if change.obj else "-") + change.key[1] for change in batch.changes]


def codes(batch):
    return {each.file: [problem.code for problem in each.problems] for each in batch.problems}


def put(store, file, *documents, keep=False):
    store.put(file, stream(*documents), keep=keep)
    return store.flush()


def test_only_what_changed_is_told():
    store = Store()
    assert names(put(store, "a", config("ada", "v1"), config("bob", "v1"))) == ["ada", "bob"]
    assert put(store, "a", config("ada", "v1"), config("bob", "v1")) == Batch()
    batch = put(store, "a", "# moved\n" + config("bob", "v2"), config("ada", "v1"))
    assert names(batch) == ["bob"]
    assert batch.changes[0].obj.data == {"k": "v2"}
    assert names(put(store, "a", config("ada", "v1"))) == ["-bob"]
    store.remove("a")
    assert store.flush() == Batch((ObjectChange("ConfigMap", ("default", "ada"), None),))
    assert store.files() == frozenset()


def test_the_metadata_of_an_api_server():
    store = Store()
    first = put(store, "a", config("ada", "v1")).changes[0].obj.metadata
    again = put(Store(), "b", config("ada", "v2")).changes[0].obj.metadata
    assert first.generation == again.generation == 1
    assert first.uid == again.uid
    assert first.uid != put(store, "b", config("cyd", "v1")).changes[0].obj.metadata.uid


def test_a_generation_counts_changes_of_content():
    store = Store()
    put(store, "a", namespace("ada", p=1))
    put(store, "b", config("bob", "v1"))
    labelled = put(store, "a", namespace("ada", p="q")).changes[0].obj
    assert labelled.metadata.labels == {"p": "q"}
    assert labelled.metadata.generation == 1
    assert put(store, "b", config("bob", "v2")).changes[0].obj.metadata.generation == 2
    assert put(store, "b", config("bob", "v1")).changes[0].obj.metadata.generation == 3
    put(store, "b")
    assert put(store, "b", config("bob", "v1")).changes[0].obj.metadata.generation == 1


def test_what_is_written_about_the_metadata_does_not_count():
    text = (
        "apiVersion: v1\nkind: ConfigMap\n"
        "metadata: {name: ada, generation: 7, uid: u%s, resourceVersion: '%s'}\n"
    )
    store = Store()
    obj = put(store, "a", text % (1, 1)).changes[0].obj
    assert obj.metadata.generation == 1
    assert put(store, "a", text % (2, 2)) == Batch()


def test_an_object_that_turns_bad_keeps_its_last_good_version():
    store = Store()
    put(store, "a", config("ada", "v1"), config("bob", "v1"))
    batch = put(store, "a", config("ada", "[]"), config("bob", "v2"))
    assert names(batch) == ["bob"]
    assert codes(batch) == {"a": ["GW011"]}
    assert names(put(store, "a", config("ada", "v3"), config("bob", "v2"))) == ["ada"]
    assert store.problems() == ()


def test_an_object_that_was_never_good_is_not_there():
    store = Store()
    batch = put(store, "a", config("ada", "[]"))
    assert (names(batch), codes(batch)) == ([], {"a": ["GW011"]})


def test_a_misspelt_kind_keeps_the_object():
    store = Store()
    put(store, "a", config("ada", "v1"))
    batch = put(store, "a", config("ada", "v1").replace("ConfigMap", "ConfigMaps"))
    assert (names(batch), codes(batch)) == ([], {"a": ["GW004"]})


def test_a_document_that_cannot_be_read_removes_nothing():
    store = Store()
    put(store, "a", config("ada", "v1"), config("bob", "v1"), config("cyd", "v1"))
    batch = put(store, "a", config("ada", "v2"), "a: [\n", config("cyd", "v2"))
    assert names(batch) == ["ada", "cyd"]
    assert codes(batch) == {"a": ["GW100"]}
    assert names(put(store, "a", config("ada", "v2"), config("cyd", "v2"))) == ["-bob"]


def test_a_file_that_cannot_be_read_keeps_its_objects():
    store = Store()
    put(store, "a", config("ada", "v1"))
    store.fail("a", "permission denied")
    batch = store.flush()
    assert (names(batch), codes(batch)) == ([], {"a": ["GW001"]})
    assert codes(put(store, "a", config("ada", "v1"))) == {"a": []}


def test_a_bad_object_that_is_removed_goes():
    store = Store()
    put(store, "a", config("ada", "v1"))
    put(store, "a", config("ada", "[]"))
    batch = put(store, "a", "")
    assert names(batch) == ["-ada"]
    assert codes(batch) == {"a": []}


def test_what_seems_to_go_may_be_kept_for_a_moment():
    store = Store()
    put(store, "a", config("ada", "v1"), config("bob", "v1"))
    assert store.put("a", stream(config("ada", "v2")), keep=True)
    assert names(store.flush()) == ["ada"]
    assert not store.put("a", stream(config("ada", "v2"), config("bob", "v1")), keep=True)
    assert store.flush() == Batch()
    assert store.put("a", b"", keep=True)
    assert not store.put("a", b"", keep=False)
    assert names(store.flush()) == ["-ada", "-bob"]


def test_the_first_file_of_two_wins_whichever_comes_first():
    store = Store()
    assert put(store, "b", config("ada", "v2")).changes[0].obj.data == {"k": "v2"}
    batch = put(store, "a", config("ada", "v1"))
    assert batch.changes[0].obj.data == {"k": "v1"}
    assert codes(batch) == {"b": ["GW007"]}
    assert str(store.problems()[0]) == (
        "b:1:1: error GW007 ConfigMap default/ada: the same object is in a, which counts;"
        " remove one of them"
    )
    assert names(put(store, "b", config("ada", "v3"))) == []
    store.remove("a")
    batch = store.flush()
    assert batch.changes[0].obj.data == {"k": "v3"}
    assert batch.problems == (FileProblems("b", ()),)


def test_an_object_that_moves_to_another_file_is_not_away_in_between():
    store = Store()
    put(store, "a", config("ada", "v1"))
    store.put("b", stream(config("ada", "v1")))
    store.remove("a")
    assert store.flush() == Batch()


def test_the_same_object_twice_in_one_file():
    store = Store()
    batch = put(store, "a", config("ada", "v1"), config("ada", "v2"))
    assert batch.changes[0].obj.data == {"k": "v1"}
    (problem,) = batch.problems[0].problems
    assert (problem.code, problem.line) == ("GW007", 3)


def test_lines_of_problems_follow_their_document():
    store = Store()
    put(store, "a", config("ada", "v1"), config("bob", "[]"))
    batch = put(store, "a", "# one\n# two\n" + config("ada", "v1"), config("bob", "[]"))
    assert [problem.line for problem in batch.problems[0].problems] == [5]


# A small world: three files, each with a few documents; None is a file that is not there.
documents = st.lists(
    st.sampled_from(
        [config(name, value) for name in ("ada", "bob", "cyd") for value in ("v1", "v2")]
        + [namespace("ada", p="q"), config("ada", "[]"), "a: [\n", "# nothing\n"]
    ),
    max_size=4,
)
steps = st.lists(st.tuples(st.sampled_from("abc"), st.none() | documents), max_size=12)


def good(text):
    return [] if text is None else [each for each in text if "[" not in each]


def run(store, moves):
    held = {}
    for file, text in moves:
        if text is None:
            store.remove(file)
        else:
            store.put(file, stream(*text))
        for change in store.flush().changes:
            held[change.kind, change.key] = change.obj
            if change.obj is None:
                del held[change.kind, change.key]
    return held


@given(steps)
def test_edits_end_where_a_fresh_start_ends(moves):
    """Without bad documents, there is no memory of how the files came to be."""
    moves = [(file, None if text is None else good(text)) for file, text in moves]
    edited, fresh = Store(), Store()
    held = run(edited, moves)
    started = run(fresh, sorted((file, text) for file, text in dict(moves).items() if text))
    content = {key: (obj.metadata.uid, getattr(obj, "data", None)) for key, obj in held.items()}
    assert content == {
        key: (obj.metadata.uid, getattr(obj, "data", None)) for key, obj in started.items()
    }
    assert edited.problems() == fresh.problems()


@given(steps)
def test_what_is_good_now_is_served_now(moves):
    """Bad documents around it or not: an object that a first file holds as good is served so."""
    held = run(Store(), moves)
    state = {file: text for file, text in moves if text is not None}
    for file, text in moves:
        if text is None:
            state.pop(file, None)
        else:
            state[file] = text
    for text in state.values():
        for each in good(text):
            if "ConfigMap" in each:
                name = each.split("name: ")[1][:3]
                assert ("ConfigMap", ("default", name)) in held
