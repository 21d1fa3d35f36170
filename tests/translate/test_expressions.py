"""Regular expressions: what proxies take, and what is said about the rest."""

from fairlead.ir.match import MAX_REGEX_PROGRAM_SIZE
from fairlead.translate import expressions


def test_re2_expressions_pass():
    assert not expressions.fault(r"/users/[0-9]+/(cart|orders)?")


def test_syntax_that_re2_lacks_is_named():
    assert "not an RE2 regular expression" in expressions.fault("(?=look-ahead)")
    assert "empty" in expressions.fault("")
    assert "missing" in expressions.fault("/(unclosed")


def test_what_is_not_ascii_is_bytes_as_it_is_for_proxies():
    assert "invalid escape sequence" in expressions.fault(r"\x{1F600}")
    assert not expressions.fault("/café")
    assert expressions.compiled("/café").fullmatch("/café".encode())
    assert not expressions.compiled("/caf.").fullmatch("/café".encode())


def test_a_program_that_proxies_refuse_is_named_with_its_size():
    fault = expressions.fault("/[^/]{1000}" * 11)
    assert f"more than the {MAX_REGEX_PROGRAM_SIZE}" in fault
    assert not expressions.fault("/[^/]{1,255}/.*")
