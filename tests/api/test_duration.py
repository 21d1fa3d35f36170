"""Durations are exact, and nothing else passes for one."""

import pytest

from fairlead.api.duration import go_seconds, seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0s", 0),
        ("500ms", 0.5),
        ("10s", 10),
        ("1h30m10s500ms", 5410.5),
        ("99999h", 359996400),
        ("1m1m", 120),
        ("100ms", 0.1),
    ],
)
def test_gateway_api_durations(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize(
    "text", ["", "1", "s", "1.5s", "-1s", "1s ", "1d", "100000s", "1h1m1s1ms1s", "1s\n", "٣s"]
)
def test_what_is_no_gateway_api_duration(text):
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5s", 1.5), ("-2m", -120), (".5s", 0.5), ("0", 0), ("1h0.001s", 3600.001), ("5us", 5e-6)],
)
def test_go_durations(text, value):
    assert go_seconds(text) == value


@pytest.mark.parametrize("text", ["", "1", "1 s", "s", ".s", "1.5", "--1s", "1s\n"])
def test_what_is_no_go_duration(text):
    with pytest.raises(ValueError, match="is not a duration"):
        go_seconds(text)
