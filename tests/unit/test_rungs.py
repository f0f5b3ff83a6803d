"""Rungs of decide() that the phase table does not need, one case each: see `make mutation`."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ccx_api.conditions import Reason
from ccx_api.snapshot import Snapshot
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import (
    Action,
    AddFinalizer,
    CreatePod,
    DeletePod,
    Deliver,
    Look,
    RecordUsage,
    RemoveFinalizer,
)
from ccx_operator.facts import AgentFacts
from ccx_operator.observed import Gone, Looked, Observed, Usage
from ccx_operator.reconcile import decide
from support.deciding import a_command, actions, status
from support.reconciling import (
    NEXT_POD,
    NOW,
    POD,
    POD_UID,
    a_pod,
    a_snapshot,
    ago,
    an_execution,
    claude,
    drained,
    ended,
    over,
    refused,
    seen,
    was,
)

COMMAND = ["true"]
DELETE = DeletePod(POD, POD_UID)
LOOK = Look(POD, POD_UID)
STARTING = was("Starting", "PodCreated")
RUNNING = was("Running", "Started")
CLAIMED: dict[str, Any] = {"volumeClaimTemplate": {"storage": "1Gi"}}
CREATE = (AddFinalizer(), CreatePod(POD))
DELETE_NEXT = DeletePod(NEXT_POD, POD_UID)
SECOND: dict[str, Any] = {"podName": None, "podUID": None, "attempts": 2, "startTime": ago(60)}
USED = {**SECOND, "endedAttempts": {"activeSeconds": 59}}
RESUMED: dict[str, Any] = {
    "attempts": 2,
    "podName": NEXT_POD,
    "session": {"id": "s", "turns": 2},
    "endedAttempts": {"turns": 2, "resume": "s"},
}
PAUSED = was("Paused", "PausedByUser")
SUSPENDED = was("Queued", "Suspended", attempts=1)
HELD = was("Queued", "Suspended", podName=None, podUID=None)
LOST_NODE: dict[str, Any] = {"running": True, "ready": False, "unreachable_since": ago(301)}


# Which row it is


@pytest.mark.parametrize(
    ("execution", "observed", "outcome"),
    [
        (
            a_command(status=PAUSED),
            seen(a_pod(running=True), snapshot=a_snapshot("Ending"), ending_since=ago(1)),
            "Paused PausedByUser",
        ),
        (
            an_execution(),
            seen(a_pod(running=True, ready=False, unreachable_since=NOW)),
            "Starting NodeUnreachable",
        ),
        (an_execution(), seen(a_pod(created_at=None)), "Starting PodCreated"),
        (
            an_execution(),
            seen(a_pod(created_at=None, running=True, ready=False)),
            "Starting PodCreated",
        ),
        (  # its container began too late, whatever its runner may say
            an_execution(),
            seen(replace(a_pod(age=601, ready=False), agent=AgentFacts(running_since=NOW))),
            "Failed StartDeadlineExceeded",
        ),
        (
            a_command(session={"id": "s1", "gateway": "g1"}),
            seen(a_pod(exit_code=0), silent_gateway="g1"),
            "Succeeded Completed",
        ),
        (a_command(), over(ended(0, "Outside")), "Failed PodLost"),
        (a_command(), seen(Gone(), snapshot=a_snapshot("Ending", exitCode=0)), "Failed PodLost"),
        (an_execution(), over(ended(1, **claude(is_error=None, cutOff=True))), "Failed NoResult"),
        (  # it has found its conversation
            an_execution(status=was("Running", "Started", **RESUMED)),
            over(ended(1, **claude(is_error=True, terminalReason="x")), name=NEXT_POD),
            "Failed ClaudeError",
        ),
        (  # a cancel has been heard of, its end has not
            a_command(status=STARTING),
            seen(
                a_pod(running=True),
                snapshot=a_snapshot(control={"action": "cancel", "at": 0}),
                ending_since=ago(0.5),
            ),
            "Running Started",
        ),
        (  # who has frozen it is kept until it is over
            a_command(status=was("Paused", "BudgetSoftLimit")),
            seen(a_pod(running=True), snapshot=a_snapshot("Ending"), ending_since=ago(1)),
            "Paused BudgetSoftLimit",
        ),
        (  # a sidecar's end, after the agent's
            a_command(),
            seen(a_pod(exit_code=0, init_failure="init container side ended with exit code 1")),
            "Succeeded Completed",
        ),
        (a_command(), seen(a_pod(exit_code=0, gone_by=NOW)), "Failed PodLost"),
        (
            a_command(),
            seen(a_pod(exit_code=137, agent={"reason": "ContainerStatusUnknown"})),
            "Failed PodLost",
        ),
        (a_command(), seen(a_pod(exit_code=3), snapshot=a_snapshot()), "Failed ExitCode"),
        # its runner's word is enough
        (a_command(desired="Cancelled"), drained(ended(-9)), "Cancelled CancelledByUser"),
        (
            an_execution(status=RUNNING),
            drained(ended(143, "Outside", **claude())),
            "Succeeded Completed",
        ),
        (a_command(), drained(ended(-9, "Deadline")), "Failed DeadlineExceeded"),
        (a_command(), replace(drained(ended()), ending_since=None), "Running Started"),
    ],
)
def test_the_row(execution: ClaudeExecution, observed: Observed, outcome: str) -> None:
    found = status(execution, observed)
    assert f"{found.phase} {found.reason}" == outcome


@pytest.mark.parametrize(
    ("exit_code", "snapshot"),
    [(143, ended(143, "Outside")), (137, a_snapshot()), (137, None), (0, None), (None, ended())],
)
def test_a_pod_that_suspend_has_deleted_has_no_outcome_unless_it_came_to_its_own_end(
    exit_code: int | None, snapshot: Snapshot | None
) -> None:
    execution = an_execution(command=COMMAND, suspend=True, status=SUSPENDED)
    pod = a_pod(exit_code=exit_code, running=exit_code is None, gone_by=ago(301))
    waiting = status(execution, seen(pod, snapshot=snapshot))
    assert (waiting.phase, waiting.reason, waiting.pod_uid) == ("Queued", "Suspended", POD_UID)
    assert ("node n1 does not end pod" in waiting.message) == (exit_code is None)
    for own in (ended(), ended(3)):
        over = a_pod(exit_code=own.exit_code, gone_by=NOW)
        assert status(execution, seen(over, snapshot=own)).phase.is_terminal


# What is done


def ending(since: datetime) -> Observed:
    snapshot = a_snapshot("Ending", endedBy="Deadline")
    return seen(a_pod(running=True, ready=False), snapshot=snapshot, ending_since=since)


@pytest.mark.parametrize(
    ("execution", "observed", "expected"),
    [
        # nobody is asked who cannot answer, or need not
        (a_command(generation=2), seen(a_pod(running=True, gone_by=NOW)), ()),
        (a_command(generation=2), seen(a_pod(running=True, unreachable_since=NOW)), ()),
        (
            an_execution(status=PAUSED),
            seen(
                a_pod(running=True, ready=False),
                snapshot=a_snapshot("Paused"),
                looked=Looked(ago(31), ready=False),
            ),
            (),
        ),
        (
            a_command(),
            seen(
                a_pod(running=True, ready=False),
                snapshot=a_snapshot("Paused"),
                looked=Looked(ago(9), ready=True),
            ),
            (),
        ),
        # who may have news is
        (a_command(), Observed(a_pod(running=True, ready=False)), (LOOK,)),
        (
            an_execution(status=STARTING),
            seen(a_pod(running=True, age=2), looked=Looked(NOW)),
            (LOOK,),
        ),
        (
            an_execution(status=STARTING),
            seen(a_pod(running=True, ready=False), looked=Looked(NOW)),
            (LOOK,),
        ),
        # a claim alone suspends nothing, and what goes already needs no second word
        (a_command(workspace=CLAIMED), seen(a_pod(running=True), snapshot=a_snapshot()), ()),
        (
            a_command(workspace=CLAIMED, suspend=True),
            seen(a_pod(running=True, gone_by=NOW), snapshot=a_snapshot()),
            (),
        ),
        # an attempt that is given up has no outcome without the last words of its runner
        (a_command(suspend=True, status=SUSPENDED), seen(a_pod(exit_code=3)), (DELETE,)),
        (
            a_command(suspend=True, status=SUSPENDED),
            seen(a_pod(exit_code=3), snapshot=a_snapshot()),
            (DELETE,),
        ),
        # the next one is made in time
        (a_command(activeDeadlineSeconds=60, status={}), seen(Gone()), CREATE),
        (
            a_command(activeDeadlineSeconds=60, status=was("Starting", "Retrying", **USED)),
            seen(Gone()),
            (AddFinalizer(), CreatePod(NEXT_POD)),
        ),
        # a pod of another attempt goes once, unless that attempt may be the newer one
        (a_command(desired="Cancelled"), seen(a_pod(name=NEXT_POD)), (DELETE_NEXT,)),
        (a_command(), seen(a_pod(name=NEXT_POD, gone_by=NOW)), ()),
        (a_command(status=was("Starting", "Retrying", **USED)), seen(a_pod(gone_by=NOW)), ()),
        (a_command(status=was("Starting", "Retrying", **USED)), seen(a_pod()), (DELETE,)),
        # what is to go goes
        (a_command(desired="Cancelled"), seen(a_pod(running=True, gone_by=NOW)), ()),
        (an_execution(suspend=True, status=HELD), seen(a_pod()), (DELETE,)),
        (a_command(), ending(ago(309)), ()),
        (a_command(), ending(ago(310)), (DELETE,)),
        (
            an_execution(finalizer=False, status=was("Failed", "PodLost")),
            seen(a_pod(**LOST_NODE)),
            (DELETE,),
        ),
        (
            an_execution(status=was("Failed", "PodLost")),
            seen(a_pod(**LOST_NODE), usage=Usage.SETTLED),
            (DELETE, RemoveFinalizer()),
        ),
        (
            an_execution(status=was("Failed", "PodLost")),
            seen(a_pod(**LOST_NODE), usage=Usage.ASKED),
            (DELETE,),
        ),
        (
            an_execution(status=was("Failed", "PodLost")),
            seen(a_pod(**LOST_NODE)),
            (RecordUsage(), DELETE),
        ),
        (  # its process was not seen to end: there is nothing to drain
            a_command(
                status=was("Failed", "PodLost", process={"state": "Running"}, completionTime=NOW)
            ),
            seen(a_pod(running=True)),
            (RecordUsage(), DELETE),
        ),
        (
            a_command(status=was("Failed", "ExitCode", process={"state": "Ended"})),
            seen(a_pod(running=True)),
            (RecordUsage(), DELETE),
        ),
    ],
)
def test_the_action(
    execution: ClaudeExecution, observed: Observed, expected: tuple[Action, ...]
) -> None:
    assert actions(execution, observed) == expected


def test_an_object_that_somebody_else_holds_is_cancelled_like_any_other() -> None:
    execution = a_command(deleted=100, finalizer=False)
    (deliver,) = actions(execution, seen(a_pod(running=True)))
    assert isinstance(deliver, Deliver)


def test_a_pod_that_goes_before_its_process_started_is_waited_for() -> None:
    execution = an_execution(status=STARTING)
    going = seen(a_pod(gone_by=NOW, waiting=Reason.UNSCHEDULABLE))
    assert status(execution, going) == execution.status


def test_an_end_is_told_of_before_it_is_over_only_if_it_takes_a_second() -> None:
    execution = a_command()
    begun = seen(a_pod(running=True), snapshot=a_snapshot("Ending"), ending_since=ago(0.75))
    decision = decide(execution, begun, now=NOW)
    assert (decision.status, decision.check_after) == (execution.status, 0.25)


def test_a_cancel_that_is_asked_for_hides_nothing_of_a_process_that_still_runs() -> None:
    asked = a_snapshot(control={"action": "cancel", "at": ago(0).timestamp(), "millis": 1.0})
    observed = seen(a_pod(running=True), snapshot=asked, ending_since=NOW)
    assert status(an_execution(desired="Cancelled", status=STARTING), observed).phase == "Running"


# Facts


def test_the_time_of_the_start_is_the_first_that_was_told() -> None:
    started = seen(a_pod(running=True, age=31), looked=Looked(NOW, ready=True))
    assert status(a_command(status=STARTING), started).start_time == ago(30)
    assert status(a_command(), started).start_time == ago(60)


def test_the_end_is_told_with_its_time_its_pod_and_its_node() -> None:
    agent = {"finished_at": ago(7)}
    found = status(an_execution(command=COMMAND), seen(a_pod(exit_code=0, agent=agent)))
    assert (found.completion_time, found.pod_name, found.node_name) == (ago(7), POD, "n1")
    known = a_command(status=was("Running", "Started", nodeName="n0"))
    assert status(known, seen(a_pod(exit_code=0, node=None))).node_name == "n0"
    gone = status(known, seen(Gone()))
    assert (gone.completion_time, gone.node_name) == (NOW, "n0")


def test_only_an_end_has_a_time_of_its_end() -> None:
    queued = status(an_execution(), seen(Gone(), refusal=refused("quota")))
    assert queued.completion_time is None
    assert status(an_execution(), seen(Gone(), refusal=refused("rejected"))).completion_time == NOW


def test_an_end_that_its_node_may_know_more_of_is_not_looked_at_again_too_early() -> None:
    ended_by_kill = drained(ended(-9), seconds=0.5)
    check_after = decide(a_command(), ended_by_kill, now=NOW).check_after
    assert check_after is not None
    assert check_after > 1
