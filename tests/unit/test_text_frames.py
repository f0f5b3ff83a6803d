import pytest

from ccx_gateway.text_frames import frame_header
from support.frames import messages_in

LENGTHS = {
    0: b"\x81\x00",
    1: b"\x81\x01",
    125: b"\x81\x7d",
    126: b"\x81\x7e\x00\x7e",
    127: b"\x81\x7e\x00\x7f",
    255: b"\x81\x7e\x00\xff",
    256: b"\x81\x7e\x01\x00",
    65_535: b"\x81\x7e\xff\xff",
    65_536: b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
    400_000: b"\x81\x7f\x00\x00\x00\x00\x00\x06\x1a\x80",
    1 << 40: b"\x81\x7f\x00\x00\x01\x00\x00\x00\x00\x00",
}
"""RFC 6455, 5.2: FIN, text, no mask; the length in 7, 7 + 16 or 7 + 64 bits, the fewest."""


@pytest.mark.parametrize(("length", "header"), LENGTHS.items())
def test_a_header_is_what_the_rfc_says_it_is(length: int, header: bytes) -> None:
    assert frame_header(length) == header


@pytest.mark.parametrize("length", [length for length in LENGTHS if length < 1 << 20])
def test_a_message_is_read_as_it_was_written(length: int) -> None:
    message = bytes(n % 251 for n in range(length))
    assert messages_in(frame_header(length) + message) == [message]


def test_several_messages_stand_one_behind_the_other() -> None:
    messages = [b"one", b"", b"x" * 70_000, "é".encode()]
    assert messages_in(b"".join(frame_header(len(m)) + m for m in messages)) == messages
