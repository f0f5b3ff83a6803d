import json
from base64 import b64decode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_gateway.output_text import lines_in, text_of
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


@given(st.binary(max_size=60))
def test_base64_is_the_bytes_themselves(data: bytes) -> None:
    assert b64decode(text_of(Slice(0, "stdout", data), "base64"), validate=True) == data


@pytest.mark.parametrize("line", [0, 1, 10, 99, 511, 5_000, 70_000])
def test_lines_are_reckoned_where_they_are_short_and_counted_where_they_are_long(line: int) -> None:
    data = (b"x" * line + b"\n") * (200_000 // (line + 1))
    assert lines_in(data) == data.count(b"\n")
    assert lines_in(b"y" * 10 + data[:-1]) == pytest.approx(data.count(b"\n"), rel=0.05, abs=1)
