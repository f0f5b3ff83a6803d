"""RFC 6455 as a table: what a client sends, byte by byte, and how the gateway must answer.

Sections of the RFC stand beside the cases. Where aiohttp, which reads the frames, does otherwise
than the RFC asks, DEVIATIONS says so, with the reason why we live with it.
"""

import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import pytest

from ccx_dev.stack import Stack
from support.raw_socket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MASK,
    PING,
    PONG,
    TEXT,
    Frames,
    RawSocket,
    a_raw_socket,
    frame,
)

LIST: Final = b'{"jsonrpc":"2.0","id":"i","method":"pong"}'
"""Answered with an error that has its id: the connection goes on."""

MASKED_LIST: Final = frame(TEXT, LIST)[6:]
ANSWER, MAX_FRAME = "answer", 10 * 1024 * 1024
BAD_UTF8: Final = (
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\x80"),
    *(b"a\xc3", b"\xe2\x82", b"\xf0\x9f\x99", b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited"),
)


@dataclass(frozen=True)
class Case:
    name: str
    sent: bytes
    wanted: str | bytes | int
    """ANSWER: to a call. Bytes: what a pong brings back. A number: the code of the close frame."""


def head(length: int, rest: bytes) -> bytes:
    """Of a text, up to where its payload begins."""
    return bytes([0x81, 0x80 | length]) + rest + MASK


def a_close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


def in_pieces(*pieces: bytes, between: bytes = b"") -> bytes:
    """A text in fragments."""
    first, *others = pieces
    sent = frame(TEXT, first, fin=False)
    for n, piece in enumerate(others, 1):
        sent += between + frame(CONTINUATION, piece, fin=n == len(others))
    return sent


TALKING = [  # 5.4, 5.5.2, 5.6
    Case("a text", frame(TEXT, LIST), ANSWER),
    Case("a text with a mask of zeros", frame(TEXT, LIST, mask=b"\0\0\0\0"), ANSWER),
    Case("two texts in one write", frame(PONG) + frame(TEXT, LIST), ANSWER),
    Case("a text of 125 bytes", frame(TEXT, LIST.ljust(125)), ANSWER),
    Case("a text of 126 bytes", frame(TEXT, LIST.ljust(126)), ANSWER),
    Case("a text of 65,535 bytes", frame(TEXT, LIST.ljust(65_535)), ANSWER),
    Case("a text of 65,536 bytes", frame(TEXT, LIST.ljust(65_536)), ANSWER),
    Case("a text of the longest size", frame(TEXT, LIST.ljust(1 << 20)), ANSWER),
    Case("a ping", frame(PING), b""),
    Case("a ping with a payload", frame(PING, b"hello"), b"hello"),
    Case("a ping with bytes that are no text", frame(PING, b"\0\xff\xfe\xfd"), b"\0\xff\xfe\xfd"),
    Case("a ping of 125 bytes", frame(PING, b"x" * 125), b"x" * 125),
    Case("a pong that nobody asked for", frame(PONG, b"?") + frame(TEXT, LIST), ANSWER),
    Case("a text in two fragments", in_pieces(LIST[:9], LIST[9:]), ANSWER),
    Case("a text in fragments, one of them empty", in_pieces(LIST[:9], b"", LIST[9:]), ANSWER),
    Case("a text that begins with nothing", in_pieces(b"", LIST), ANSWER),
    Case("a text that ends with nothing", in_pieces(LIST, b""), ANSWER),
    Case("a text byte by byte", in_pieces(*(LIST[n : n + 1] for n in range(len(LIST)))), ANSWER),
    Case("a ping between fragments", in_pieces(b"{", b"}", between=frame(PING, b"in")), b"in"),
    Case("a pong between fragments", in_pieces(LIST[:9], LIST[9:], between=frame(PONG)), ANSWER),
    Case("a character over two fragments", in_pieces(b'{"id":"\xc3', b'\xa9"}'), ANSWER),
    Case("text beyond the BMP", frame(TEXT, '{"id":"🙂"}'.encode()), ANSWER),
    Case("an empty text, which is not JSON", frame(TEXT), ANSWER),
]

CLOSING = [  # 5.5.1, 7.4
    Case("a close without a code", frame(CLOSE), 1000),
    *(Case(f"a close with {code}", a_close(code), 1000) for code in (1000, 1001, 1002, 1003)),
    *(Case(f"a close with {code}", a_close(code), 1000) for code in (1007, 1008, 1009, 1010, 1011)),
    *(Case(f"a close with {code}", a_close(code), 1000) for code in (3000, 3999, 4000, 4999)),
    Case("a close with a reason", a_close(1000, b"bye"), 1000),
    Case("a close with the longest reason", a_close(1000, b"x" * 123), 1000),
    Case("a close of one byte", frame(CLOSE, b"\x03"), 1002),
    *(Case(f"a close with {code}", a_close(code), 1002) for code in (0, 999, 1004, 1005, 1006)),
    *(Case(f"a close with {code}", a_close(code), 1002) for code in (1015, 1016, 1100, 2000, 2999)),
    *(Case(f"a close with {code}", a_close(code), 1002) for code in (5000, 65_535)),
    Case("a close whose reason is not UTF-8", a_close(1000, b"\xff"), 1007),
    Case("a close of 126 bytes", frame(CLOSE, struct.pack("!H", 1000) + b"x" * 124), 1002),
    Case("a close in fragments", frame(CLOSE, struct.pack("!H", 1000), fin=False), 1002),
]

BROKEN = [  # 5.1, 5.2, 5.4, 5.5
    *(Case(f"reserved bits {rsv:03b}", frame(TEXT, LIST, rsv=rsv), 1002) for rsv in range(1, 8)),
    *(Case(f"a reserved opcode {code}", frame(code, b"x"), 1002) for code in (3, 4, 5, 6, 7)),
    *(Case(f"a reserved opcode {code}", frame(code), 1002) for code in (11, 12, 13, 14, 15)),
    Case("a ping of 126 bytes", frame(PING, b"x" * 126), 1002),
    Case("a pong of 126 bytes", frame(PONG, b"x" * 126), 1002),
    Case("a ping in fragments", frame(PING, b"x", fin=False), 1002),
    Case("a pong in fragments", frame(PONG, b"x", fin=False), 1002),
    Case("a ping with a reserved bit", frame(PING, b"x", rsv=4), 1002),
    Case("a continuation of nothing", frame(CONTINUATION, LIST), 1002),
    Case("a continuation of nothing, to go on", frame(CONTINUATION, LIST, fin=False), 1002),
    Case("a continuation after the end", in_pieces(b"{", b"}") + frame(CONTINUATION, b"x"), 1002),
    Case("a text inside a text", frame(TEXT, b"{", fin=False) + frame(TEXT, LIST), 1002),
    Case("a binary inside a text", frame(TEXT, b"{", fin=False) + frame(BINARY, b"x"), 1002),
    Case("not masked", frame(TEXT, LIST, mask=None), 1002),
    Case("a ping that is not masked", frame(PING, b"x", mask=None), 1002),
    Case("a close that is not masked", frame(CLOSE, struct.pack("!H", 1000), mask=None), 1002),
    Case("a length of 64 bits with the top one set", head(127, b"\x80" + b"\0" * 7), 1002),
    Case("a length in more bytes than it takes", head(126, b"\0\x2a") + MASKED_LIST, 1002),
]

REFUSED = [  # 8.1, and what is our own
    *(Case(f"not UTF-8: {data!r}", frame(TEXT, data), 1007) for data in BAD_UTF8),
    Case("not UTF-8 over two fragments", in_pieces(b'{"id":"\xc3', b'"}'), 1007),
    Case("not UTF-8 in the first of two fragments", in_pieces(b"\xff", b"x"), 1007),
    Case("a binary message", frame(BINARY, LIST), 1003),
    Case("an empty binary message", frame(BINARY), 1003),
    Case("a header of one byte too many", head(127, struct.pack("!Q", MAX_FRAME + 1)), 1009),
    Case("a header of 8 EiB", head(127, struct.pack("!Q", (1 << 63) - 1)), 1009),
    Case(
        "too much over fragments",
        in_pieces(b"x" * (MAX_FRAME // 2), b"x" * (MAX_FRAME // 2), b"xx"),
        1009,
    ),
]

CASES = [*TALKING, *CLOSING, *BROKEN, *REFUSED]

DEVIATIONS: Final[dict[str, str | bytes | int]] = {
    # Masks keep a page from speaking HTTP through a browser to a proxy, and every browser masks.
    # A client that does not is taken at its word: nobody but itself is in danger.
    "not masked": ANSWER,
    "a ping that is not masked": b"x",
    "a close that is not masked": 1000,
    # The connection ends, as it must; it is told why in another word.
    "a length of 64 bits with the top one set": 1009,
    "a close with 1006": 1000,
    "a close with 5000": 1000,
    "a close with 65535": 1000,
    # It costs a few bytes, and says nothing else.
    "a length in more bytes than it takes": ANSWER,
}


async def what_comes(raw: RawSocket) -> str | bytes | int | None:
    """The first frame that tells something; None: the connection has ended without a word."""
    frames = Frames()
    while data := await raw.read():
        for kind, payload in frames.feed(data):
            match kind:
                case _ if kind == TEXT:
                    return ANSWER
                case _ if kind == PONG:
                    return payload
                case _ if kind == CLOSE:
                    return int.from_bytes(payload[:2])
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_frame_is_answered_as_the_rfc_asks(local_stack: Stack, case: Case) -> None:
    async with a_raw_socket(local_stack.websocket) as raw:
        with suppress(ConnectionError):  # what is refused is not read to its end
            await raw.send(case.sent)
        assert await what_comes(raw) == DEVIATIONS.get(case.name, case.wanted)


def test_no_case_stands_twice_and_no_deviation_stands_for_nothing() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 60
    assert DEVIATIONS.keys() <= set(names)
    wanted = {case.name: case.wanted for case in CASES}
    assert all(wanted[name] != found for name, found in DEVIATIONS.items())
