from typing import Any

import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.notifications import completed


def an_ended_execution(phase: str, reason: str, message: str = "", **process: Any) -> Any:
    told = {"state": "Ended", "pid": 7, "pgid": 7, **process}
    return ClaudeExecution.model_validate(
        {
            "metadata": {"name": "e1", "namespace": "ns", "uid": "u1"},
            "spec": {"command": ["true"]},
            "status": {
                "phase": phase,
                "reason": reason,
                "message": message,
                "process": told if process else None,
            },
        }
    )


@pytest.mark.parametrize(
    ("execution", "status", "exit_code", "error"),
    [
        (an_ended_execution("Succeeded", "Completed", exitCode=0), "completed", 0, None),
        (an_ended_execution("Failed", "ExitCode", "code 3", exitCode=3), "failed", 3, None),
        (an_ended_execution("Failed", "Signal", "SEGV", signal=11), "failed", -11, None),
        (an_ended_execution("Cancelled", "CancelledByUser", signal=15), "failed", -15, None),
        (
            an_ended_execution("Failed", "OOMKilled", "out of memory", signal=9),
            "failed",
            -9,
            "OOMKilled: out of memory",
        ),
        (an_ended_execution("Failed", "PodLost", "gone"), "failed", None, "PodLost: gone"),
    ],
)
def test_the_end_is_told_by_exit_code_and_else_by_an_error(
    execution: ClaudeExecution, status: str, exit_code: int | None, error: str | None
) -> None:
    told = completed(execution)
    assert (told["status"], told["exit_code"], told["error"]) == (status, exit_code, error)
    assert told["pid"] == (7 if execution.status.process else None)
