"""One decision at NOW, and the execution of most cases: a command that runs."""

from typing import Any

from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import Action
from ccx_operator.observed import Observed
from ccx_operator.reconcile import decide
from support.reconciling import NOW, an_execution, was


def status(execution: ClaudeExecution, observed: Observed) -> ExecutionStatus:
    return decide(execution, observed, now=NOW).status


def actions(execution: ClaudeExecution, observed: Observed) -> tuple[Action, ...]:
    return decide(execution, observed, now=NOW).actions


def a_command(**facts: Any) -> ClaudeExecution:
    running = was("Running", "Started")
    return an_execution(**{"command": ["true"], "status": running, **facts})
