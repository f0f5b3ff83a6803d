import re

from hypothesis import given
from hypothesis import strategies as st

from devcluster.kubelet.cri_log import MAX_LINE, LineSplitter, Record, decode, encode

RECORD = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] .*", re.DOTALL)
chunks = st.lists(st.sampled_from([b"\n", b"a", b"\xff\x00 ", b"x" * 9000]), max_size=30)


def written(chunks: list[bytes]) -> list[Record]:
    splitter, file = LineSplitter(), b""
    for chunk in chunks:
        file += encode("stdout", 1, splitter.feed(chunk))
    file += encode("stdout", 1, splitter.end())
    records = [decode(line) for line in file.split(b"\n")[:-1]]
    return [record for record in records if record is not None]


@given(chunks)
def test_every_byte_comes_back_however_it_was_cut(chunks: list[bytes]) -> None:
    records = written(chunks)
    texts = [record.text + b"\n" * record.complete for record in records]
    assert b"".join(texts) == b"".join(chunks)
    assert all(len(record.text) <= MAX_LINE for record in records)


def test_a_long_line_comes_in_parts_and_the_last_one_completes_it() -> None:
    records = written([b"x" * (2 * MAX_LINE + 1) + b"\n"])
    found = [(len(record.text), record.complete) for record in records]
    assert found == [(MAX_LINE, False), (MAX_LINE, False), (1, True)]


def test_output_without_a_newline_at_its_end_is_a_part() -> None:
    assert [(r.text, r.complete) for r in written([b"a\nb"])] == [(b"a", True), (b"b", False)]


def test_a_carriage_return_before_the_newline_is_lost_as_in_the_real_one() -> None:
    assert [record.text for record in written([b"a\r", b"\nb\r\n"])] == [b"a", b"b"]


def test_a_record_has_the_format_of_the_cri() -> None:
    line = encode("stderr", 1_767_225_600_000_000_042, [(b"hi there", True)])
    assert line == b"2026-01-01T00:00:00.000000042Z stderr F hi there\n"
    assert RECORD.fullmatch(line.rstrip())


def test_what_is_not_a_record_is_none() -> None:
    assert decode(b"") is None
    assert decode(b"one two three") is None
