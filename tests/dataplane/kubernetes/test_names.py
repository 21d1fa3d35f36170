"""Names of what is made for a Gateway: valid for every kind, apart for all Gateways."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.dataplane.kubernetes import names

LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
PART = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?\Z")
GATEWAYS = st.lists(PART, min_size=1, max_size=4).map(".".join).filter(lambda n: len(n) <= 253)
LONGEST = "gateway-name-maximum-length-" + "a" * 225


@given(GATEWAYS)
def test_names_are_valid_for_every_kind(gateway):
    for number in (1, 16):
        name = names.service_name(gateway, number)
        assert LABEL.fullmatch(name)
        assert len(name) <= 63
    assert VALUE.fullmatch(names.label_value(gateway))
    assert len(names.label_value(gateway)) <= 63


@given(GATEWAYS, GATEWAYS)
def test_no_two_gateways_share_a_name(one, other):
    if one != other:
        assert names.resource_name(one) != names.resource_name(other)
        assert names.label_value(one) != names.label_value(other)


@pytest.mark.parametrize(
    ("gateway", "name"),
    [
        ("edge", "edge-fairlead"),
        ("shop.example.com", "shop-example-com-5ee6de4b14-fairlead"),
        ("1st", "gateway-1st-e6d89fc98d-fairlead"),
    ],
)
def test_a_name_is_known_again(gateway, name):
    assert names.resource_name(gateway) == name
    assert names.label_value(gateway) == gateway


def test_the_longest_name_is_cut_and_told_apart_by_a_hash():
    other = LONGEST[:-1] + "b"
    assert names.resource_name(LONGEST).startswith("gateway-name-maximum-length-aaa")
    assert names.resource_name(LONGEST) != names.resource_name(other)
    assert names.label_value(LONGEST) != names.label_value(other)
    assert names.snapshot_name("edge") == "edge-fairlead-snapshot"
