import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.control import is_carried_out
from ccx_gateway.params import ControlType


def an_execution(phase: str, observed: int) -> ClaudeExecution:
    return ClaudeExecution.model_validate(
        {
            "metadata": {"name": "e1", "namespace": "ns", "uid": "u1"},
            "spec": {"command": ["true"]},
            "status": {"phase": phase, "observedGeneration": observed},
        }
    )


@pytest.mark.parametrize(
    ("wanted", "phase", "observed", "done"),
    [
        ("PAUSE", "Paused", 2, True),
        ("PAUSE", "Paused", 1, False),  # of an older wish
        ("PAUSE", "Running", 2, False),
        ("PAUSE", "Succeeded", 1, True),
        ("RESUME", "Running", 2, True),
        ("RESUME", "Running", 1, False),
        ("RESUME", "Paused", 3, False),
        ("RESUME", "Starting", 2, True),
        ("CANCEL", "Running", 2, False),
        ("CANCEL", "Cancelled", 1, True),
    ],
)
def test_the_status_tells_whether_a_wish_is_carried_out(
    wanted: str, phase: str, observed: int, done: bool
) -> None:
    execution = an_execution(phase, observed)
    assert is_carried_out(execution, ControlType(wanted), generation=2) is done
