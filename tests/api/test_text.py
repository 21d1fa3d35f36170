"""YAML is read as kubectl reads it; what would be read in two ways is refused."""

import re

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from fairlead import api
from fairlead.api.yaml_position import locate
from fairlead.api.yaml_text import TextError, parse, split


def refusal(text):
    with pytest.raises(TextError) as caught:
        parse(text)
    return caught.value.code, caught.value.message, caught.value.line, caught.value.column


def test_documents_and_the_lines_they_start_on():
    text = "# head\n---\na: 1\n--- # empty\n\n---\n---\nb: |\n  ---\n  x\n...\nc: 3\n--- {d: 4}\n"
    assert [(chunk.line, parse(chunk.text)) for chunk in split(text)] == [
        (2, {"a": 1}),
        (7, {"b": "---\nx\n"}),
        (11, {"c": 3}),
        (13, {"d": 4}),
    ]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a comment\n", "---\n---\n...\n", "%YAML 1.2\n"]
)
def test_nothing_is_no_document(text):
    assert split(text) == ()
    assert api.decode(text) == api.Decoded()


def test_windows_lines_and_byte_order_marks():
    text = "\ufeffa: 1\r\n---\r\nb: 2\r\n".encode()
    assert [parse(chunk.text) for chunk in split(text.decode("utf-8-sig"))] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("word", ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"])
def test_words_that_kubectl_takes_for_true(word):
    assert parse(f"a: {word}\nb: [x, {word}]\nc: '{word}'\nd: {{e: {word}}}\n") == {
        "a": True,
        "b": ["x", True],
        "c": word,
        "d": {"e": True},
    }


@pytest.mark.parametrize("word", ["n", "N", "no", "No", "NO", "off", "Off", "OFF"])
def test_words_that_kubectl_takes_for_false(word):
    assert parse(f"- {word}\n- {word}x\n- x {word}\n- !!str {word}\n") == [
        False,
        f"{word}x",
        f"x {word}",
        word,
    ]


def test_numbers_that_kubectl_takes_for_octal():
    assert parse("a: 010\nb: '010'\nc: 08\n") == {"a": 8, "b": "010", "c": 8}


def test_an_unquoted_word_in_a_text_field_is_explained():
    (problem,) = api.decode(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {debug: on}}"
    ).problems
    assert problem.message == "must be a string, not the boolean true"
    assert problem.remedy.startswith("put it in quotes")
    assert problem.field == "data.debug"


def test_the_same_key_twice():
    assert refusal("a:\n  b: 1\n  c: 2\n  b: 3\n") == (
        "GW005",
        "`b` stands twice in one mapping",
        4,
        3,
    )


def test_merge_keys_are_refused_but_not_their_text():
    assert refusal("x: &x {a: 1}\ny:\n  <<: *x\n")[0] == "GW006"
    assert refusal("x: &x {a: 1}\ny:\n  <<: *x\n")[2:] == (3, 3)
    assert parse('a: "<<"\nb: x << y\n"<<": 1\n') == {"a": "<<", "b": "x << y", "<<": 1}


def test_tabs_in_the_indentation():
    assert refusal("a:\n\tb: 1\n")[2] == 2
    assert refusal("\ta: 1\n") == ("GW100", "a tab stands where YAML takes spaces only", 1, 1)
    assert parse("a: |\n  x\n  \ty\n") == {"a": "x\n\ty\n"}
    assert parse('{\n\t"a": 1\n}\n') == {"a": 1}


def test_control_characters():
    assert refusal("a: b\nc: \x07\n") == (
        "GW100",
        "the control character U+0007 may not stand in YAML",
        2,
        4,
    )


def test_an_alias_bomb_ends_quickly():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    code, message, _, _ = refusal("\n".join(lines))
    assert code == "GW100"
    assert "alias" in message


@pytest.mark.parametrize("text", ["[" * 5000 + "]" * 5000, "{a: " * 5000 + "}" * 5000])
def test_deep_nesting_is_refused(text):
    assert api.decode(text).problems[0].severity == "error"


def test_deep_indentation_is_refused():
    text = "\n".join(" " * depth + "a:" for depth in range(3000))
    assert api.decode(text).problems[0].severity == "error"


def test_what_is_not_utf8():
    decoded = api.decode(b"a: \xff\xfe\n", "f.yaml")
    assert str(decoded.problems[0]) == "f.yaml: error GW001: byte 3 is not UTF-8"
    assert decoded.unidentified


def test_lines_count_from_the_top_of_the_file():
    text = "# one\n---\na: 1\n---\n# two\nb: [\n"
    first, second = api.decode(text, "f.yaml").problems
    assert (first.file, first.line) == ("f.yaml", 3)
    assert (second.code, second.line) == ("GW100", 6)


def test_places():
    text = "a:\n- b: 1\n  'c d': {e: [x, y]}\n- &k f\n- *k\n"
    paths = {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", 0): (2, 3),
        ("a", 0, "b"): (2, 3),
        ("a", 0, "c d", "e", 1): (3, 18),
        ("a", 1): (4, 3),
        ("a", 2): (5, 3),
        ("a", 0, "gone", "deeper"): (2, 3),
        ("z",): (1, 1),
    }
    assert locate(text, set(paths)) == paths


# PyYAML writes without quotes what only kubectl takes for booleans; those are left out.
text_values = st.text(
    alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12
).filter(lambda text: text not in {"y", "Y", "n", "N"})
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | text_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text_values, inner, max_size=3),
    max_leaves=12,
)


@given(values)
def test_both_parsers_agree(value):
    """The fast parser against PyYAML's own, on what PyYAML writes."""
    text = yaml.safe_dump(value, allow_unicode=True)
    assume(not re.search(r"\d[eE][-+]?\d", text))  # 0E0: a number for kubectl, a text for PyYAML
    try:
        parsed = parse(text)
    except TextError as error:
        assert "<<" in text, error  # noqa: PT017 - the only refusal that may happen
        return
    assert parsed == value


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    decoded = api.decode(text)
    assert decoded.objects == () or not decoded.unidentified
    for problem in decoded.problems:
        assert problem.line >= 1
        assert problem.message


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data):
    decoded = api.decode(data)
    assert decoded.problems or not decoded.unidentified
