import pytest

from ccx_runner.stall import Remedy, Silence, remedy
from ccx_runner.turn import TurnWatch

CALL = {"type": "assistant", "message": {"content": [{"type": "tool_use", "id": "a"}]}}


def a_silence(*, limit: float | None = 10, counts: bool = True) -> Silence:
    """Since 100."""
    silence = Silence()
    silence.tend(100, limit=limit, counts=counts)
    return silence


def test_it_is_too_long_once_its_limit_has_passed_since_the_last_sign_of_life() -> None:
    silence = a_silence()
    assert silence.left(104) == 6
    silence.since = 105
    assert (silence.left(111), silence.left(115), silence.left(200)) == (4, 0, 0)


@pytest.mark.parametrize("silence", [a_silence(limit=None), a_silence(counts=False)])
def test_without_a_limit_or_while_it_does_not_run_freely_nothing_is_too_long(
    silence: Silence,
) -> None:
    assert silence.left(1e9) is None


def test_a_freeze_is_no_silence_and_after_it_a_new_one_begins() -> None:
    silence = a_silence()
    silence.tend(109, limit=10, counts=False)
    assert silence.left(500) is None
    silence.tend(500, limit=10, counts=True)
    assert silence.left(509) == 1


def test_another_limit_holds_for_the_silence_that_is() -> None:
    silence = a_silence()
    silence.tend(105, limit=3, counts=True)
    assert silence.left(105) == 0


def a_turn(*, thawed: bool = False, tool: bool = False) -> TurnWatch:
    turn = TurnWatch()
    if tool:
        turn.take(CALL)
    if thawed:
        turn.thawed()
    return turn


@pytest.mark.parametrize(
    ("turn", "restartable", "result_seen", "reported", "failed"),
    [
        (None, False, False, "tell", "end"),
        (a_turn(), True, False, "tell", "end"),  # no pause is to blame
        (a_turn(thawed=True), True, False, "restart", "restart"),
        (a_turn(thawed=True), False, False, "tell", "end"),
        (a_turn(thawed=True, tool=True), False, False, "wait", "wait"),
        (a_turn(tool=True), True, False, "wait", "wait"),
        (a_turn(thawed=True), True, True, "wait", "wait"),  # its exit has a limit of its own
    ],
)
def test_what_is_done_about_a_stall(
    turn: TurnWatch | None,
    restartable: bool,
    result_seen: bool,
    reported: Remedy,
    failed: Remedy,
) -> None:
    for fails, expected in ((False, reported), (True, failed)):
        found = remedy(turn, restartable=restartable, result_seen=result_seen, fails=fails)
        assert found == expected
