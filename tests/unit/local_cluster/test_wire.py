"""Packets and messages of PostgreSQL's protocol, as they are cut out of a stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.protocol import wire

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20)


@given(st.dictionaries(WORDS, WORDS, max_size=5), st.binary(max_size=20))
def test_a_startup_packet_is_read_as_written_and_no_further(
    parameters: dict[str, str], next_bytes: bytes
) -> None:
    written = wire.startup(parameters)
    packet = wire.read_packet(written + next_bytes)
    assert packet is not None
    assert (packet.code >> 16, packet.parameters(), packet.size) == (3, parameters, len(written))


@given(st.dictionaries(WORDS, WORDS, max_size=3), st.data())
def test_half_a_packet_is_waited_for(parameters: dict[str, str], data: st.DataObject) -> None:
    written = wire.startup(parameters)
    assert wire.read_packet(written[: data.draw(st.integers(0, len(written) - 1))]) is None


@given(st.sampled_from([b"p", b"Q", b"D"]), st.binary(max_size=50), st.binary(max_size=20))
def test_a_message_is_read_as_written_and_no_further(kind: bytes, body: bytes, next_bytes: bytes) -> None:
    written = wire.message(kind, body)
    assert wire.read_message(written[:-1], 100) is None
    message = wire.read_message(written + next_bytes, 100)
    assert message is not None
    assert (message.kind, message.body, message.size) == (kind, body, len(written))


@pytest.mark.parametrize("head", [b"\0\0\0\x07\0\3\0\0", b"\x7f\xff\xff\xff\0\3\0\0", b"GET / HTTP/1.1\r\n"])
def test_what_is_no_packet_is_not_waited_for(head: bytes) -> None:
    with pytest.raises(wire.Malformed):
        wire.read_packet(head)


@pytest.mark.parametrize("head", [b"p\0\0\0\x03", b"p\0\1\0\0"])
def test_a_message_of_impossible_length_is_not_waited_for(head: bytes) -> None:
    with pytest.raises(wire.Malformed):
        wire.read_message(head, wire.MAX_PASSWORD)


@pytest.mark.parametrize("body", [b"", b"user\0", b"user\0admin\0", b"user\0admin\0\0more"])
def test_parameters_come_in_pairs_with_an_end(body: bytes) -> None:
    packet = wire.Packet(3 << 16, body, 8 + len(body))
    with pytest.raises(wire.Malformed):
        packet.parameters()
