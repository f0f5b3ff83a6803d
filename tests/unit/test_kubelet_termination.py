from pathlib import Path

import pytest

from devcluster.kubelet.termination import message_of, read_tail


@pytest.mark.parametrize(("containers", "kept"), [(1, 4096), (3, 4096), (4, 3072), (12, 1024)])
def test_a_pod_has_twelve_kib_for_the_messages_of_all_its_containers(
    containers: int, kept: int
) -> None:
    assert message_of(b"x" * 4096, containers) == "x" * kept


def test_the_end_of_a_long_message_is_read_and_of_that_the_beginning_kept(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"lost" + b"a" * 2048 + b"b" * 2048)
    assert message_of(read_tail(file), 1) == "a" * 2048 + "b" * 2048
    assert message_of(read_tail(file), 6) == "a" * 2048


def test_a_log_that_the_container_has_removed_is_empty(tmp_path: Path) -> None:
    assert message_of(read_tail(tmp_path / "none"), 1) == ""


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert message_of(b"a\xffb", 1) == "a\ufffdb"
