import pytest

from ccx_runner.exit_code import exit_code
from ccx_runner.snapshot import EndedBy


@pytest.mark.parametrize(
    ("of_process", "ended_by", "code"),
    [
        (0, None, 0),
        (3, None, 3),
        (-15, "Cancel", 143),
        (0, "RunnerFault", 125),
        (None, None, 125),
    ],
)
def test_it_is_the_processs_own_as_a_shell_says_it_or_the_runners_fault(
    of_process: int | None, ended_by: EndedBy | None, code: int
) -> None:
    assert exit_code(of_process, ended_by) == code
