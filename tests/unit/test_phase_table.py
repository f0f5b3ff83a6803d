"""The design's phase table: what is true, and the phase and the reason that follow."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ccx_api.conditions import Reason
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.observed import Gone, Observed, Silence
from ccx_operator.reconcile import decide
from support.reconciling import (
    NEXT_POD,
    NOW,
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
    silent,
    was,
)

COMMAND = ["true"]
STARTING = was("Starting", "PodCreated")
RUNNING = was("Running", "Started")
PAUSED = was("Paused", "PausedByUser")
LOST = Gone()
RETRYING = was("Starting", "Retrying", attempts=1, startTime=ago(60))
SECOND: dict[str, Any] = {"podName": None, "podUID": None, "attempts": 2, "startTime": ago(60)}
"""Before the pod of the second attempt is made."""

ONCE: dict[str, Any] = {"backoffLimit": 1}
SPENT: dict[str, Any] = {"endedAttempts": {"retries": 1}, "attempts": 2, "podName": NEXT_POD}
BUSY = claude(is_error=True, terminalReason="api_error", apiStatus=529)
SESSION = {"id": "s1", "gateway": "g1"}
CLOSING = was("Running", "SessionClosed", message="gateway g1 has gone")


def oom(exit_code: int = 137) -> Observed:
    return seen(a_pod(exit_code=exit_code, agent={"reason": "OOMKilled"}))


TABLE = [
    # refused, held, or not to be had
    (an_execution(podTemplate={"spec": {"hostPID": True}}), seen(LOST), "Failed NotAllowed"),
    (an_execution(suspend=True), seen(LOST), "Queued Suspended"),
    (an_execution(suspend=True, status=STARTING), seen(a_pod()), "Queued Suspended"),
    (an_execution(), seen(LOST, refusal=refused("rejected")), "Failed PodRejected"),
    (an_execution(), seen(LOST, refusal=refused("quota")), "Queued QuotaExceeded"),
    (an_execution(), seen(LOST, refusal=refused("name taken")), "Failed PodNameTaken"),
    # a copy of one that has run, from a backup or by hand
    (an_execution(finalizer=False, started_as="another"), seen(), "Queued Restored"),
    (an_execution(started_as="another"), seen(LOST), "Queued Restored"),
    (an_execution(started_as="another", suspend=True), seen(LOST), "Queued Restored"),
    (
        an_execution(started_as="another", status=was("Queued", "QuotaExceeded", podUID=None)),
        seen(LOST),
        "Queued Restored",
    ),
    (
        an_execution(started_as="another", desired="Cancelled"),
        seen(LOST),
        "Cancelled CancelledByUser",
    ),
    (an_execution(started_as="another", status=RUNNING), seen(LOST), "Failed PodLost"),
    # asked for, not started
    (an_execution(), seen(a_pod()), "Starting PodCreated"),
    (an_execution(), seen(a_pod(waiting=Reason.UNSCHEDULABLE)), "Starting Unschedulable"),
    (an_execution(), seen(a_pod(waiting=Reason.IMAGE_PULL_ERROR)), "Starting ImagePullError"),
    (an_execution(), seen(a_pod(waiting=Reason.CONFIG_ERROR)), "Starting ConfigError"),
    (an_execution(), seen(a_pod(age=601)), "Failed StartDeadlineExceeded"),
    (  # it began in time, and its runner has not been asked yet
        an_execution(),
        seen(a_pod(running=True, ready=False, age=601)),
        "Starting PodCreated",
    ),
    (an_execution(), seen(a_pod(gated=True, age=601)), "Queued SchedulingGated"),
    (an_execution(), seen(a_pod(scheduled_at=ago(5), age=601)), "Starting PodCreated"),
    (
        an_execution(),
        seen(a_pod(running=True, ready=False, age=601), snapshot=a_snapshot("Starting")),
        "Failed StartDeadlineExceeded",
    ),
    (an_execution(), seen(a_pod(running=True, ready=False)), "Starting PodCreated"),
    (
        an_execution(),
        seen(a_pod(exit_code=128, agent={"reason": "StartError"})),
        "Failed ConfigError",
    ),
    (an_execution(), seen(a_pod(phase="Failed", init_failure="init")), "Failed ExitCode"),
    (
        an_execution(),
        seen(a_pod(phase="Failed", init_failure="the runner's init")),
        "Failed RunnerFault",
    ),
    # runs
    (an_execution(status=STARTING), seen(a_pod(running=True)), "Running Started"),
    (
        an_execution(status=STARTING),
        seen(a_pod(running=True), snapshot=a_snapshot()),
        "Running Started",
    ),
    (
        an_execution(status=PAUSED),
        seen(a_pod(running=True), snapshot=a_snapshot(pausedSeconds=9)),
        "Running Resumed",
    ),
    (
        an_execution(status=RUNNING),
        seen(a_pod(running=True, ready=False), snapshot=a_snapshot("Paused")),
        "Paused PausedByUser",
    ),
    (
        an_execution(status=PAUSED),
        seen(a_pod(running=True, ready=False)),
        "Paused PausedByUser",
    ),
    (
        an_execution(status=RUNNING),
        seen(a_pod(running=True, ready=False, unreachable_since=ago(10))),
        "Running NodeUnreachable",
    ),
    (
        an_execution(status=PAUSED),
        seen(a_pod(running=True, ready=False, unreachable_since=ago(10))),
        "Paused NodeUnreachable",
    ),
    (
        an_execution(status=was("Paused", "NodeUnreachable")),
        seen(a_pod(running=True, ready=False)),
        "Paused PausedByUser",
    ),
    (
        an_execution(status=was("Running", "Resumed")),
        seen(a_pod(running=True), snapshot=a_snapshot(pausedSeconds=9, claude={"restarts": 1})),
        "Running TurnRestarted",
    ),
    (
        an_execution(status=was("Running", "TurnRestarted")),
        seen(a_pod(running=True)),
        "Running TurnRestarted",
    ),
    # over, by itself
    (an_execution(command=COMMAND), over(ended()), "Succeeded Completed"),
    (an_execution(command=COMMAND), seen(a_pod(exit_code=0)), "Succeeded Completed"),
    (an_execution(), over(ended(**claude())), "Succeeded Completed"),
    (an_execution(), over(ended(1, **claude())), "Succeeded Completed"),
    (an_execution(), over(ended(-9, "Lingered", **claude())), "Succeeded Completed"),
    (an_execution(command=COMMAND), over(ended(3)), "Failed ExitCode"),
    (an_execution(command=COMMAND), seen(a_pod(exit_code=3)), "Failed ExitCode"),
    (an_execution(command=COMMAND), over(ended(-11)), "Failed Signal"),
    (an_execution(command=COMMAND), over(ended(143, "Inside")), "Failed Signal"),
    (an_execution(), over(ended(0)), "Failed NoResult"),
    (an_execution(), over(ended(143, **claude(is_error=None))), "Failed NoResult"),
    (an_execution(), seen(a_pod(exit_code=0)), "Failed NoResult"),
    (an_execution(), over(ended(-9, **claude(is_error=None))), "Failed Signal"),
    *(
        (
            an_execution(),
            over(ended(1, **claude(is_error=True, terminalReason=word))),
            f"Failed {reason}",
        )
        for word, reason in {
            "api_error": "ApiError",
            "max_turns": "MaxTurns",
            "budget_exhausted": "BudgetExhausted",
            "aborted_streaming": "Interrupted",
            "aborted_tools": "Interrupted",
            "something_new": "ClaudeError",
        }.items()
    ),
    (
        an_execution(),
        over(ended(1, **claude(is_error=True, subtype="error_max_turns"))),
        "Failed MaxTurns",
    ),
    (  # last words of another version
        an_execution(),
        seen(a_pod(exit_code=0, agent={"unreadable": "its runner tells in version 7"})),
        "Failed RunnerFault",
    ),
    (
        an_execution(command=COMMAND),
        seen(a_pod(exit_code=0, agent={"unreadable": "its runner tells in version 7"})),
        "Succeeded Completed",
    ),
    (  # a pause had cost it the API connection
        an_execution(),
        over(ended(1, **claude(is_error=True, terminalReason="api_error", cutOff=True))),
        "Failed Interrupted",
    ),
    # over, by the runner's deed, also when the pod is lost afterwards
    (an_execution(), over(ended(143, "Deadline")), "Failed DeadlineExceeded"),
    (an_execution(), over(ended(143, "Deadline", stalled=True)), "Failed Stalled"),
    (
        an_execution(status=RUNNING),
        seen(LOST, snapshot=a_snapshot("Ending", endedBy="Deadline", stalled=True)),
        "Failed Stalled",
    ),
    (
        an_execution(status=RUNNING),
        seen(LOST, snapshot=a_snapshot("Ending", endedBy="Deadline")),
        "Failed DeadlineExceeded",
    ),
    (an_execution(), over(ended(-9, "RunnerFault")), "Failed RunnerFault"),
    (an_execution(), seen(a_pod(exit_code=125)), "Failed RunnerFault"),
    # over, although its container goes on for readers that are behind
    (an_execution(command=COMMAND, status=RUNNING), drained(ended()), "Succeeded Completed"),
    (an_execution(command=COMMAND, status=RUNNING), drained(ended(3)), "Failed ExitCode"),
    (an_execution(status=RUNNING), drained(ended(143, "Deadline")), "Failed DeadlineExceeded"),
    (
        an_execution(desired="Cancelled", status=RUNNING),
        drained(ended(143, "Cancel")),
        "Cancelled CancelledByUser",
    ),
    # unless its node may know more of that end
    (an_execution(command=COMMAND, status=RUNNING), drained(ended(-9)), "Running Started"),
    (an_execution(status=RUNNING), drained(ended(143, "Outside")), "Running Started"),
    (an_execution(status=RUNNING), drained(a_snapshot("Ending")), "Running Started"),
    (
        an_execution(command=COMMAND, status=RUNNING),
        drained(ended(), gone_by=NOW),
        "Running Started",
    ),
    # over, by the node
    (an_execution(status=RUNNING), oom(), "Failed OOMKilled"),
    (an_execution(command=COMMAND, status=RUNNING), oom(exit_code=0), "Succeeded Completed"),
    (
        an_execution(status=RUNNING),
        replace(oom(), snapshot=ended(-9)),
        "Failed OOMKilled",
    ),
    (an_execution(), seen(a_pod(phase="Failed", evicted=True)), "Failed Evicted"),
    (an_execution(), over(ended(143, "Outside"), evicted=True), "Failed Evicted"),
    (an_execution(), over(ended(143, "Outside")), "Failed PodLost"),
    (an_execution(), over(ended(**claude()), evicted=True), "Succeeded Completed"),
    (an_execution(status=RUNNING), seen(LOST), "Failed PodLost"),
    (an_execution(status=RUNNING), seen(LOST, snapshot=a_snapshot()), "Failed PodLost"),
    (
        an_execution(status=RUNNING),
        seen(Gone(a_pod(running=True, gone_by=ago(1)))),
        "Failed PodLost",
    ),
    (
        an_execution(command=COMMAND, status=RUNNING),
        seen(LOST, snapshot=ended()),
        "Succeeded Completed",
    ),
    (
        an_execution(status=RUNNING),
        seen(a_pod(running=True, ready=False, unreachable_since=ago(301))),
        "Failed PodLost",
    ),
    (
        an_execution(status=RUNNING),
        seen(a_pod(running=True, gone_by=ago(301))),
        "Failed PodLost",
    ),
    (
        an_execution(status=RUNNING),
        seen(a_pod(phase="Failed", reason="OutOfcpu", message="no cpu")),
        "Failed PodLost",
    ),
    # the same, with attempts left
    (an_execution(status=RUNNING, **ONCE), oom(), "Starting Retrying"),
    (an_execution(**ONCE), seen(a_pod(phase="Failed", evicted=True)), "Starting Retrying"),
    (an_execution(**ONCE), over(ended(143, "Outside")), "Starting Retrying"),
    (an_execution(status=RUNNING, **ONCE), seen(LOST), "Starting Retrying"),
    (
        an_execution(status=RUNNING, **ONCE),
        seen(a_pod(running=True, ready=False, unreachable_since=ago(301))),
        "Starting Retrying",
    ),
    (an_execution(**ONCE), over(ended(1, **BUSY)), "Starting Retrying"),
    *(
        (
            an_execution(**ONCE),
            over(ended(1, **claude(is_error=True, terminalReason="api_error", apiStatus=code))),
            f"{outcome}",
        )
        for code, outcome in {
            429: "Starting Retrying",
            500: "Starting Retrying",
            401: "Failed ApiError",
            None: "Failed ApiError",
        }.items()
    ),
    # and without, or not to be healed
    (an_execution(), over(ended(1, **BUSY)), "Failed ApiError"),
    (
        an_execution(status=was("Running", "Started", **SPENT), **ONCE),
        seen(a_pod(name=NEXT_POD, exit_code=137, agent={"reason": "OOMKilled"})),
        "Failed OOMKilled",
    ),
    (an_execution(command=COMMAND, **ONCE), over(ended(3)), "Failed ExitCode"),
    (an_execution(command=COMMAND, **ONCE), over(ended(-11)), "Failed Signal"),
    (an_execution(**ONCE), over(ended(143, "Deadline")), "Failed DeadlineExceeded"),
    (an_execution(**ONCE), seen(a_pod(age=601)), "Failed StartDeadlineExceeded"),
    # its pod is waited for, and then its time
    (an_execution(status=RETRYING, **ONCE), oom(), "Starting Retrying"),
    (
        an_execution(status=RETRYING, **ONCE),
        seen(a_pod(running=True, gone_by=ago(290))),
        "Starting Retrying",
    ),
    (
        an_execution(status=RETRYING, **ONCE),
        seen(a_pod(running=True, gone_by=ago(300))),
        "Failed PodLost",
    ),
    # a node that does not end a pod is not reached: a paused pod tells in no other way
    (
        an_execution(status=was("Paused", "PausedByUser")),
        seen(a_pod(running=True, ready=False, gone_by=ago(30)), snapshot=a_snapshot("Paused")),
        "Paused NodeUnreachable",
    ),
    (
        an_execution(status=was("Paused", "PausedByUser")),
        seen(a_pod(running=True, ready=False, gone_by=ago(20)), snapshot=a_snapshot("Paused")),
        "Paused PausedByUser",
    ),
    (
        an_execution(status=was("Starting", "Retrying", **SECOND, retryTime=ago(-5)), **ONCE),
        seen(LOST),
        "Starting Retrying",
    ),
    (  # after all, its process was quicker
        an_execution(command=COMMAND, status=RETRYING, **ONCE),
        over(ended()),
        "Succeeded Completed",
    ),
    (
        an_execution(desired="Cancelled", status=RETRYING, **ONCE),
        oom(),
        "Cancelled CancelledByUser",
    ),
    (
        an_execution(
            desired="Cancelled", status=was("Starting", "Retrying", **SECOND, retryTime=ago(-5))
        ),
        seen(LOST),
        "Cancelled CancelledByUser",
    ),
    (
        an_execution(suspend=True, status=was("Starting", "Retrying", **SECOND, retryTime=ago(-5))),
        seen(LOST),
        "Queued Suspended",
    ),
    (
        an_execution(status=was("Queued", "Suspended", **SECOND, retryTime=ago(-5))),
        seen(LOST),
        "Starting Retrying",
    ),
    (
        an_execution(
            activeDeadlineSeconds=60,
            status=was("Starting", "Retrying", **SECOND, endedAttempts={"activeSeconds": 60}),
        ),
        seen(LOST),
        "Failed DeadlineExceeded",
    ),
    (
        an_execution(status=was("Starting", "Retrying", **SECOND)),
        seen(a_pod(name=NEXT_POD)),
        "Starting PodCreated",
    ),
    (  # the news of an ended attempt's pod are no news of this one
        an_execution(status=was("Starting", "PodCreated", attempts=2, podName=NEXT_POD)),
        seen(a_pod(exit_code=0)),
        "Starting PodCreated",
    ),
    # cancelled
    (an_execution(desired="Cancelled", finalizer=False), seen(), "Cancelled CancelledByUser"),
    (an_execution(desired="Cancelled", suspend=True), seen(LOST), "Cancelled CancelledByUser"),
    (
        an_execution(desired="Cancelled", status=STARTING),
        seen(Gone(a_pod())),
        "Cancelled CancelledByUser",
    ),
    (
        an_execution(desired="Cancelled", status=RUNNING),
        over(ended(143, "Cancel")),
        "Cancelled CancelledByUser",
    ),
    (
        an_execution(desired="Cancelled", status=RUNNING),
        over(ended(**claude())),
        "Cancelled CancelledByUser",
    ),
    (
        an_execution(desired="Cancelled", status=RUNNING),
        over(ended(143, "Deadline")),
        "Cancelled CancelledByUser",
    ),
    (an_execution(status=RUNNING), over(ended(143, "Cancel")), "Cancelled CancelledByUser"),
    (an_execution(status=RUNNING, deleted=1), oom(), "Cancelled CancelledByUser"),
    (
        an_execution(desired="Cancelled", podTemplate={"spec": {"hostPID": True}}, finalizer=False),
        seen(LOST),
        "Cancelled CancelledByUser",
    ),
    # its session is closed: by the operator, because the gateway has gone
    (an_execution(session=SESSION, status=RUNNING), silent(running=True), "Running SessionClosed"),
    (
        an_execution(session=SESSION, status=PAUSED),
        silent(running=True, ready=False),
        "Paused SessionClosed",
    ),
    (an_execution(session=SESSION, status=STARTING), silent(), "Starting SessionClosed"),
    (
        an_execution(session=SESSION, status=RUNNING),
        seen(a_pod(running=True, unreachable_since=ago(9)), silent_gateway="g1"),
        "Running SessionClosed",
    ),
    (
        an_execution(session=SESSION, status=RUNNING, onDisconnect="Detach"),
        silent(running=True),
        "Running Started",
    ),
    (
        an_execution(session={"id": "s1", "gateway": "g2"}, status=RUNNING),
        silent(running=True),
        "Running Started",
    ),
    (an_execution(status=RUNNING), silent(running=True), "Running Started"),
    (
        an_execution(session=SESSION, status=RUNNING, desired="Cancelled"),
        replace(silent(running=True), snapshot=a_snapshot("Ending"), ending_since=ago(1)),
        "Running Started",
    ),
    (
        an_execution(session=SESSION, command=COMMAND, status=RUNNING),
        replace(over(ended()), silent_gateway="g1"),
        "Succeeded Completed",
    ),
    (
        an_execution(session=SESSION, status=RUNNING),
        seen(LOST, silent_gateway="g1"),
        "Failed PodLost",
    ),
    (
        an_execution(session=SESSION, status=RUNNING),
        replace(silent(running=True), snapshot=a_snapshot("Ending", endedBy="Deadline")),
        "Running Started",
    ),
    # and that is not taken back, whoever comes then
    (an_execution(session=SESSION, status=CLOSING), over(), "Cancelled SessionClosed"),
    (an_execution(session=SESSION, status=CLOSING), seen(LOST), "Cancelled SessionClosed"),
    (
        an_execution(session={"id": "s1", "gateway": "g2"}, status=CLOSING),
        over(ended(143, "Cancel")),
        "Cancelled SessionClosed",
    ),
    (
        an_execution(session=SESSION, command=COMMAND, status=CLOSING),
        over(ended()),
        "Cancelled SessionClosed",
    ),
    (
        an_execution(session=SESSION, status=CLOSING),
        seen(a_pod(running=True), snapshot=a_snapshot("Ending"), ending_since=ago(1)),
        "Running SessionClosed",
    ),
    (
        an_execution(session=SESSION, status=CLOSING),
        seen(a_pod(running=True, unreachable_since=ago(9)), silence=Silence(NOW, NOW)),
        "Running SessionClosed",
    ),
    # by its gateway, because the client has left
    (
        an_execution(desired="Cancelled", session={"id": "s1"}, status=RUNNING),
        over(ended(143, "Cancel")),
        "Cancelled SessionClosed",
    ),
    (
        an_execution(desired="Cancelled", session={"id": "s1"}, finalizer=False),
        seen(),
        "Cancelled SessionClosed",
    ),
    (
        an_execution(desired="Cancelled", session=SESSION, status=RUNNING),
        over(ended(143, "Cancel")),
        "Cancelled CancelledByUser",
    ),
]


IDS = [outcome for _, _, outcome in TABLE]


@pytest.mark.parametrize(("execution", "observed", "outcome"), TABLE, ids=IDS)
def test_the_table(execution: ClaudeExecution, observed: Observed, outcome: str) -> None:
    status = decide(execution, observed, now=NOW).status
    assert f"{status.phase} {status.reason}" == outcome


@pytest.mark.parametrize(("execution", "observed", "outcome"), TABLE, ids=IDS)
def test_deciding_again_changes_nothing(
    execution: ClaudeExecution, observed: Observed, outcome: str
) -> None:
    first = decide(execution, observed, now=NOW).status
    settled = execution.model_copy(update={"status": first})
    assert decide(settled, observed, now=NOW + timedelta(seconds=1)).status == first
