"""Lines that are pieces of a message are passed over; the one that matters among them never is."""

import pytest

from ccx_runner.event_lines import _AT_A_TIME, _NEXT_PIECE, EventLines

EVENT = b'{"type":"result","subtype":"success"}\n'
PASSED_OVER = _AT_A_TIME + len(_NEXT_PIECE) + 1


def pieces(size: int) -> bytes:
    """One line of that many bytes."""
    head, foot = b'{"type":"stream_event","text":"', b'"}\n'
    return head + b"x" * (size - len(head) - len(foot)) + foot


def found(data: bytes) -> list[bytes | None]:
    return list(EventLines(max_line_bytes=1_000_000).feed(data, data.count(b"\n"), pieces=False))


@pytest.mark.parametrize("size", range(_AT_A_TIME - 1, PASSED_OVER + 1))
def test_an_event_is_found_wherever_the_parts_of_the_search_meet(size: int) -> None:
    """A line begins near where the second part does: neither counts it for the other."""
    assert found(pieces(size) + pieces(100) + EVENT + pieces(100)) == [EVENT[:-1]]


@pytest.mark.parametrize("size", range(_AT_A_TIME - 1, PASSED_OVER + 1))
def test_pieces_alone_are_not_even_searched(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventLines, "_whole_lines", None)
    assert found(pieces(size) + pieces(100) * 1000) == []
