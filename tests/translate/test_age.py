"""Who comes first among objects that claim the same."""

import pytest

from fairlead import api
from fairlead.translate import age

KEYS = ("a/b", "a/z", "a-b/a", "a.b/a", "a0/a", "ab/a", "b/a")


def metadata(text, created=None):
    namespace, _, name = text.partition("/")
    return api.ObjectMeta(name=name, namespace=namespace, creation_timestamp=created)


def test_of_one_age_the_first_by_namespace_slash_name_counts():
    ordered = sorted(KEYS, key=lambda text: age.order(metadata(text)))
    assert ordered == sorted(KEYS)
    assert ordered.index("a-b/a") < ordered.index("a/b")


@pytest.mark.parametrize("text", KEYS)
def test_the_older_comes_before_all_and_one_of_unknown_age_after_them(text):
    oldest = age.order(metadata("z/z", "2025-12-31T23:59:59Z"))
    known = age.order(metadata(text, "2026-01-01T00:00:00Z"))
    assert oldest < known < age.order(metadata("a/a"))
