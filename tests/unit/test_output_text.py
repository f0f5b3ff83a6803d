import json

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ccx_gateway.output_text import text_of
from ccx_gateway.output_window import OutputWindow, Slice


@given(st.binary(max_size=60))
def test_any_bytes_are_text_that_json_can_carry(data: bytes) -> None:
    text = text_of(Slice(0, "stdout", data))
    assert json.loads(orjson.dumps(text)) == text


@given(st.text(min_size=1, max_size=40), st.integers(4, 9))
def test_what_a_process_prints_as_utf8_is_put_together_again_without_a_replacement(
    printed: str, most: int
) -> None:
    window, text, cursor = OutputWindow(), "", 0
    window.append("stdout", printed.encode())
    window.append_end()
    while isinstance(found := window.read(cursor, most), Slice):
        text, cursor = text + text_of(found), found.end
    assert text == printed
