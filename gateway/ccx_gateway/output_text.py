"""The text of a notification: what a process printed, as JSON can carry it."""

from ccx_gateway.output_window import Slice


def text_of(found: Slice) -> str:
    """Bytes that are not UTF-8 are replaced, one U+FFFD for each broken sequence.

    So the text's length says nothing of the bytes: `offset` and `end` do. No character is split
    over two slices but by the process itself, or by an offset that a client chose.
    """
    return decoded(found.data)


def decoded(data: bytes | memoryview) -> str:
    return str(data, "utf-8", "replace")
