"""What the status says of an execution: each message, and what leaves it out."""

from typing import Any

import pytest

from ccx_api.conditions import Reason
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.observed import Gone, Looked, Observed, Silence
from support.deciding import a_command, status
from support.reconciling import (
    NOW,
    a_pod,
    a_snapshot,
    ago,
    an_execution,
    claude,
    ended,
    over,
    seen,
    was,
)

STARTING = was("Starting", "PodCreated")
SECOND: dict[str, Any] = {"podName": None, "podUID": None, "attempts": 2, "startTime": ago(60)}
WAITING = was("Starting", "Retrying", **SECOND, retryTime=ago(-5), message="the server is busy")
PAUSED = was("Paused", "PausedByUser")
LOST_NODE: dict[str, Any] = {"running": True, "ready": False, "unreachable_since": ago(301)}


def control(stopped: int) -> dict[str, Any]:
    done = {"action": "pause", "at": ago(1).timestamp(), "millis": 3.0}
    return {"control": {**done, "processesStopped": stopped}}


@pytest.mark.parametrize(
    ("execution", "observed", "message"),
    [
        # while it runs
        (a_command(status=was("Running", "Started", message="m")), seen(a_pod(running=True)), "m"),
        (
            a_command(status=was("Starting", "PodCreated", message="pod is made")),
            seen(a_pod(running=True), looked=Looked(NOW, ready=True)),
            "",
        ),
        (
            an_execution(status=was("Paused", "NodeUnreachable", message="node n1 is lost")),
            seen(a_pod(running=True, ready=False)),
            "",
        ),
        (
            a_command(),
            seen(a_pod(running=True), snapshot=a_snapshot("Ending"), ending_since=ago(1)),
            "its process is being ended",
        ),
        (
            a_command(),
            seen(a_pod(running=True), snapshot=a_snapshot("Ending")),
            "its process is being ended",
        ),
        (a_command(), seen(a_pod(running=True), snapshot=a_snapshot()), ""),
        (
            a_command(status=PAUSED),
            seen(a_pod(running=True, ready=False), snapshot=a_snapshot("Paused", **control(3))),
            "3 processes frozen",
        ),
        (
            a_command(),
            seen(a_pod(running=True), snapshot=a_snapshot(), silence=Silence(NOW, NOW)),
            "",
        ),
        # before it does
        (
            an_execution(),
            seen(a_pod(waiting=Reason.IMAGE_PULL_ERROR, waiting_message="no such image")),
            "no such image",
        ),
        (
            an_execution(startDeadlineSeconds=9),
            seen(a_pod()),
            "not running 9 s (spec.startDeadlineSeconds) after its pod was made",
        ),
        (
            an_execution(startDeadlineSeconds=9),
            seen(a_pod(waiting=Reason.UNSCHEDULABLE, waiting_message="no room")),
            "not running 9 s (spec.startDeadlineSeconds) after its pod was made: "
            "Unschedulable: no room",
        ),
        # between two attempts
        (an_execution(status=WAITING), seen(Gone()), "the server is busy"),
        (
            an_execution(status={**WAITING, "phase": "Queued", "reason": "Suspended"}),
            seen(Gone()),
            "waits until status.retryTime for its next attempt",
        ),
        (
            an_execution(desired="Cancelled", status=WAITING),
            seen(Gone()),
            "cancelled while it waited",
        ),
        (
            an_execution(desired="Cancelled", finalizer=False),
            seen(),
            "cancelled before its process started",
        ),
        # when it is over
        (an_execution(desired="Cancelled"), over(a_snapshot()), "cancelled"),
        (
            an_execution(desired="Cancelled", status=STARTING),
            seen(Gone(a_pod())),
            "cancelled before its process started",
        ),
        (
            an_execution(),
            over(ended(-9, "Lingered", **claude())),
            "its process did not exit within the grace after the result, and was ended",
        ),
        (a_command(), over(ended(3)), "ended with exit code 3"),
        (a_command(), over(ended(3, message="why")), "ended with exit code 3: why"),
        (an_execution(), seen(a_pod(phase="Failed", evicted=True)), "its pod was evicted"),
        (an_execution(), seen(a_pod(phase="Failed", evicted=True, message="low")), "low"),
        (a_command(), seen(a_pod(exit_code=125, agent={"fault": "disk full"})), "disk full"),
        (
            an_execution(),
            seen(a_pod(exit_code=128, agent={"reason": "StartError"})),
            "the image cannot start the runner, it needs python3 3.10 or newer: StartError",
        ),
        (
            a_command(),
            seen(Gone()),
            "its pod was deleted or lost before the process had ended by itself",
        ),
        (
            a_command(),
            over(ended(143, "Outside")),
            "its pod was deleted or lost before the process had ended by itself",
        ),
        (
            a_command(),
            seen(a_pod(phase="Failed", reason="Shutdown")),
            "the node ended its pod: Shutdown: ",
        ),
        (
            a_command(),
            seen(a_pod(phase="Failed", message="rebooted")),
            "the node ended its pod: Failed: rebooted",
        ),
        *(
            (an_execution(), over(ended(1, **claude(is_error=True, **said))), message)
            for said, message in (
                ({"terminalReason": "x", "subtype": "y"}, "Claude reports x"),
                ({"subtype": "y"}, "Claude reports y"),
                ({}, "Claude reports error"),
                ({"apiStatus": 401, "subtype": "y"}, "Claude reports y (HTTP 401)"),
                (
                    {"result": "no", "resultBytes": 2},
                    "Claude reports error: see status.result.text",
                ),
            )
        ),
        *(
            (
                an_execution(),
                seen(a_pod(exit_code=code)),
                f"Claude ended with {how} without a result",
            )
            for code, how in (
                (1, "exit code 1 and"),
                (143, "exit code 143 (SIGTERM) and"),
                (200, "exit code 200 and"),
            )
        ),
        (
            an_execution(),
            over(a_snapshot("Ended")),
            "Claude ended with exit code None and without a result",
        ),
        # an end that nobody has confirmed
        (
            a_command(desired="Cancelled"),
            seen(a_pod(**LOST_NODE), snapshot=a_snapshot()),
            "cancelled; its node does not say whether the process has ended",
        ),
        (a_command(desired="Cancelled"), seen(a_pod(**LOST_NODE), snapshot=ended()), "cancelled"),
        (a_command(desired="Cancelled"), seen(a_pod(exit_code=143)), "cancelled"),
    ],
)
def test_the_message_says_why(execution: ClaudeExecution, observed: Observed, message: str) -> None:
    assert status(execution, observed).message == message
