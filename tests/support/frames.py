"""Read a server's WebSocket frames by RFC 6455, section 5.2: what it must not send is refused."""

import struct


def messages_in(frames: bytes) -> list[bytes]:
    """Of text frames that are whole messages."""
    messages = list[bytes]()
    while frames:
        size, start = _size(frames)
        assert frames[0] == 0x81, "FIN, no RSV bit, text"
        assert len(frames) >= start + size, "as much as the length says"
        messages.append(frames[start : start + size])
        frames = frames[start + size :]
    return messages


def _size(frames: bytes) -> tuple[int, int]:
    """Of the message, and of the header before it."""
    length = frames[1]
    assert not length & 0x80, "a server does not mask"
    if length < 126:
        return length, 2
    size: int
    if length == 126:
        (size,) = struct.unpack_from("!H", frames, 2)
        assert size >= 126, "in as few bytes as it takes"
        return size, 4
    (size,) = struct.unpack_from("!Q", frames, 2)
    assert 1 << 16 <= size < 1 << 63, "in as few bytes as it takes, the topmost bit 0"
    return size, 10
