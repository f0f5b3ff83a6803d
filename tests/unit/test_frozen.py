import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_api.conditions import Reason
from ccx_operator.frozen import reason_of, text_of
from ccx_operator.reconcile import decide
from support.reconciling import NOW, a_pod, a_snapshot, an_execution, seen, was

INSIDE = "from inside the pod: `ccx-runner resume` there thaws it"


@pytest.mark.parametrize(
    ("owners", "reason", "text"),
    [
        (["spec"], "PausedByUser", "3 processes frozen"),
        (["local"], "PausedByUser", f"3 processes frozen {INSIDE}"),
        (["budget"], "BudgetSoftLimit", "3 processes frozen at the soft limit of its budget"),
        (["rateLimit"], "RateLimited", "3 processes frozen until the API's rate limit is over"),
        (
            ["budget", "spec"],
            "PausedByUser",
            "3 processes frozen by spec.desiredState, and at the soft limit of its budget",
        ),
        (["somethingNew"], "PausedByUser", "3 processes frozen by somethingNew"),
        ([], "PausedByUser", "3 processes frozen"),
    ],
)
def test_the_status_says_who_has_frozen_it(owners: list[str], reason: str, text: str) -> None:
    control = {"action": "pause", "at": 0, "processesStopped": 3}
    snapshot = a_snapshot("Paused", frozenBy=owners, control=control)
    observed = seen(a_pod(running=True, ready=False), snapshot=snapshot)
    status = decide(an_execution(status=was("Running", "Started")), observed, now=NOW).status
    assert (status.phase, status.reason, status.message) == ("Paused", reason, text)
    (paused,) = (c for c in status.conditions if c.type == "Paused")
    assert (paused.status, paused.reason) == ("True", reason)


@pytest.mark.parametrize("reason", ["PausedByUser", "BudgetSoftLimit", "RateLimited"])
def test_who_has_frozen_it_outlives_a_restart_of_the_operator(reason: str) -> None:
    execution = an_execution(status=was("Paused", reason))
    status = decide(execution, seen(a_pod(running=True, ready=False)), now=NOW).status
    assert (status.phase, status.reason) == ("Paused", reason)


@given(st.permutations(["spec", "local", "budget", "rateLimit", "new"]), st.integers(0, 5))
def test_the_order_of_the_owners_says_nothing(owners: list[str], count: int) -> None:
    told, in_order = owners[:count], sorted(owners[:count])
    some, same = (a_snapshot("Paused", frozenBy=names) for names in (told, in_order))
    assert (reason_of(some), text_of(some)) == (reason_of(same), text_of(same))
    assert reason_of(some) in (Reason.PAUSED_BY_USER, Reason.BUDGET_SOFT_LIMIT, Reason.RATE_LIMITED)
