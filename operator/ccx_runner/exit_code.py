"""With what `ccx-runner run` exits: the process's own code, or that the runner has failed. Pure."""

from typing import Final

from ccx_runner.snapshot import EndedBy

RUNNER_FAULT: Final = 125
"""The runner itself has failed."""


def exit_code(of_process: int | None, ended_by: EndedBy | None) -> int:
    """As a shell says it: 128 + N for a signal."""
    if ended_by == "RunnerFault" or of_process is None:
        return RUNNER_FAULT
    return of_process if of_process >= 0 else 128 - of_process
