"""Messages of a forwarded port, as the API server sends them."""

import pytest

from fairlead.providers.kube.port_forward import Channels, PortForwardError

PORT = (15000).to_bytes(2, "little")


def test_the_first_message_of_each_channel_repeats_the_port():
    channels = Channels(15000)
    assert not channels.opened
    assert channels.received(b"\x00" + PORT) == b""
    assert channels.received(b"\x01" + PORT) == b""
    assert channels.opened
    assert channels.received(b"\x00HTTP/1.1 200 OK") == b"HTTP/1.1 200 OK"


def test_data_may_come_with_the_port_and_before_the_other_channel():
    channels = Channels(15000)
    assert channels.received(b"\x00" + PORT + b"abc") == b"abc"
    assert channels.received(b"\x00" + PORT) == PORT
    assert channels.received(b"\x01" + PORT) == b""


def test_what_is_sent_goes_to_the_channel_of_data():
    assert Channels.sent(b"GET /") == b"\x00GET /"


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([b"\x01" + PORT, b"\x01connection refused\n"], "connection refused"),
        ([b"\x01" + PORT + b"no such pod"], "no such pod"),
        ([b"\x00\x00\x50"], "another port"),
        ([b"\x02abc"], "channel 2"),
        ([b""], "channel -1"),
    ],
)
def test_errors_are_in_the_words_of_the_other_side(messages, words):
    channels = Channels(15000)
    with pytest.raises(PortForwardError, match=words):
        _ = [channels.received(message) for message in messages]
