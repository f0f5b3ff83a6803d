"""A pod that is not Ready, such as a paused one, on a node that has fallen silent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ccx_api.status import ExecutionStatus
from ccx_kube.errors import ApiError, Unreachable
from ccx_operator.actions import Look
from ccx_operator.observed import Looked, Observed, Silence
from ccx_operator.outcomes import Unanswered
from ccx_operator.reconcile import decide
from ccx_operator.store import Store
from support.deciding import a_command, actions, status
from support.reconciling import NOW, POD, POD_UID, UID, a_pod, a_snapshot, ago, seen, was

LOOK = Look(POD, POD_UID)
PAUSED = was("Paused", "PausedByUser")
FROZEN = a_pod(running=True, ready=False)


def silent(seconds: float, *, last_try: float = 1, **pod: Any) -> Observed:
    """Nobody has answered for its node for so long."""
    silence = Silence(ago(seconds), ago(last_try), tries=4, node_since=ago(seconds))
    return seen(replace(FROZEN, **pod), silence=silence, snapshot=a_snapshot("Paused"))


def running(found: ExecutionStatus) -> str:
    """The condition."""
    return next(c.status for c in found.conditions if c.type == "Running")


def test_a_paused_pod_is_looked_at_every_minute_whether_its_node_is_there() -> None:
    looked = Looked(ago(59), ready=False)
    paused = a_command(status=PAUSED)
    fresh = seen(FROZEN, snapshot=a_snapshot("Paused"), looked=looked)
    assert actions(paused, fresh) == ()
    assert decide(paused, fresh, now=NOW).check_after == 1
    assert actions(paused, replace(fresh, looked=Looked(ago(60), ready=False))) == (LOOK,)


def test_a_pause_that_goes_on_writes_nothing() -> None:
    told = status(a_command(status=PAUSED), seen(FROZEN, snapshot=a_snapshot("Paused")))
    paused = a_command(status=told.model_dump(mode="json", by_alias=True))
    later = seen(FROZEN, snapshot=a_snapshot("Paused", pausedSeconds=60))
    assert status(paused, later) == told
    printed = a_snapshot("Paused", pausedSeconds=60, output={"bytes": 9})
    assert status(paused, seen(FROZEN, snapshot=printed)).paused_seconds == 60
    on = a_snapshot(pausedSeconds=60)
    assert status(paused, seen(a_pod(running=True), snapshot=on)).paused_seconds == 60


def test_that_nobody_answers_for_its_node_for_30_s_is_told() -> None:
    paused = a_command(status=PAUSED)
    assert running(status(paused, silent(29))) == "True"
    assert decide(paused, silent(29), now=NOW).check_after == 1
    told = status(paused, silent(30))
    assert (told.phase, told.reason, running(told)) == ("Paused", "NodeUnreachable", "Unknown")
    assert "node n1 cannot be reached" in told.message


def test_it_is_not_lost_for_that_and_asked_on_less_often() -> None:
    paused = a_command(status=PAUSED, backoffLimit=3)
    hours = silent(36_000, last_try=59)
    assert status(paused, hours).reason == "NodeUnreachable"
    assert actions(paused, hours) == ()
    assert actions(paused, silent(36_000, last_try=60)) == (LOOK,)


def test_with_its_first_answer_it_is_as_it_was() -> None:
    told = status(a_command(status=PAUSED), silent(30))
    back = seen(FROZEN, snapshot=a_snapshot("Paused"))
    after = status(a_command(status=told.model_dump(mode="json", by_alias=True)), back)
    assert (after.phase, after.reason, running(after)) == ("Paused", "PausedByUser", "True")


@pytest.mark.parametrize(
    ("execution", "observed"),
    [
        (a_command(), silent(99, ready=True)),  # its Ready condition would tell
        (a_command(status=was("Starting", "PodCreated")), silent(99)),
        (a_command(status=PAUSED), replace(silent(99), silence=Silence(ago(99), ago(1)))),
    ],
)
def test_of_others_it_is_not_told(execution: Any, observed: Observed) -> None:
    assert status(execution, observed).reason != "NodeUnreachable"


def test_one_that_is_being_deleted_is_overdue_only_when_its_time_is_up() -> None:
    going = silent(99, gone_by=NOW - timedelta(seconds=29))
    paused = a_command(status=PAUSED)
    assert "cannot be reached" in status(paused, going).message
    overdue = silent(99, gone_by=NOW - timedelta(seconds=30))
    assert "does not end its pod" in status(paused, overdue).message


def test_one_answer_of_somebody_ends_the_nodes_silence() -> None:
    store = Store()
    nobody, refused = Unanswered("no route", node_is_silent=True), Unanswered("not allowed")

    def since() -> Any:
        silence = store.observe(UID).silence
        assert silence is not None
        return silence.node_since

    store.heard_nothing(UID, nobody, ago(20), cancel=False)
    store.heard_nothing(UID, nobody, ago(9), cancel=False)
    assert since() == ago(20)
    store.heard_nothing(UID, refused, ago(8), cancel=False)
    assert since() is None
    store.heard_nothing(UID, nobody, ago(7), cancel=False)
    assert since() == ago(7)


def late() -> ApiError:
    error = Unreachable("no answer in time")
    error.__cause__ = TimeoutError()
    return error


@pytest.mark.parametrize(
    ("error", "is_silent"),
    [
        (ApiError(500, "", "error dialing backend: dial tcp 10.0.0.1:10250: i/o timeout"), True),
        (late(), True),
        (Unreachable("Connection reset by peer"), False),
        (ApiError(500, "InternalError", 'container not found ("agent")'), False),
        (ApiError(403, "Forbidden", "error dialing backend"), False),
    ],
)
def test_the_nodes_silence_is_told_from_the_servers_and_the_kubelets_words(
    error: ApiError, is_silent: bool
) -> None:
    assert error.is_of_the_way == is_silent


def test_of_one_that_runs_on_its_time_is_written() -> None:
    told = status(a_command(), seen(a_pod(running=True), snapshot=a_snapshot()))
    running = a_command(status=told.model_dump(mode="json", by_alias=True))
    later = seen(a_pod(running=True), snapshot=a_snapshot(pausedSeconds=0.0, activeSeconds=5.0))
    thawed = replace(later, snapshot=a_snapshot(pausedSeconds=7))
    assert status(running, later) == told
    known = {**told.model_dump(mode="json", by_alias=True), "reason": "Resumed"}
    assert status(a_command(status=known), thawed).paused_seconds == 7


def test_as_long_as_it_may_be_there_it_is_tried_as_any_other_that_is_silent() -> None:
    soon = replace(silent(10), looked=Looked(ago(90), ready=False))
    assert decide(a_command(status=PAUSED), soon, now=NOW).check_after == 15


def test_one_of_which_nothing_is_known_is_looked_at_in_a_minute() -> None:
    unasked = replace(seen(FROZEN, snapshot=a_snapshot("Paused")), looked=None)
    assert decide(a_command(status=PAUSED), unasked, now=NOW).check_after == 60


def test_what_the_cluster_itself_calls_unreachable_is_called_so_also_when_it_is_overdue() -> None:
    both = silent(99, gone_by=ago(30), unreachable_since=ago(200))
    assert "cannot be reached" in status(a_command(status=PAUSED), both).message
