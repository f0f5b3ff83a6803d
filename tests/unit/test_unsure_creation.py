"""A pod was asked for, and nobody knows whether it has been made."""

from dataclasses import replace

import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import Action, AddFinalizer, ConfirmPod, CreatePod, Decision
from ccx_operator.facts import AgentFacts, PodFacts
from ccx_operator.observed import Gone, RefusalKind
from ccx_operator.outcomes import Outcome, PodGone, PodUnsure, note
from ccx_operator.reconcile import decide
from ccx_operator.store import Store
from support.reconciling import NEXT_POD, NOW, POD, UID, a_pod, ago, an_execution, ended, was

WORK = an_execution(command=["true"])
FRESH = an_execution(command=["true"], finalizer=False)
OVER = replace(
    a_pod(version=9, phase="Succeeded"),
    agent=AgentFacts(exit_code=0, finished_at=ago(1), last_words=ended()),
)


def a_store(execution: ClaudeExecution = WORK, pod: PodFacts | None = None) -> Store:
    store = Store()
    store.saw_execution(execution)
    if pod is not None:
        store.saw_pod(pod, NOW)
    return store


def after(store: Store, outcome: Outcome, name: str = POD) -> Store:
    note(store, UID, CreatePod(name), outcome, NOW)
    return store


def decision(store: Store) -> Decision:
    execution = store.execution(UID)
    assert execution is not None
    return decide(execution, store.observe(UID), now=NOW)


def asked(store: Store) -> tuple[Action, ...]:
    return decision(store).actions


def test_it_is_looked_for_since_it_was_asked_for_whatever_has_become_of_the_spec() -> None:
    store = after(a_store(FRESH), PodUnsure("5"))
    store.saw_execution(WORK)
    assert asked(store) == (ConfirmPod(POD, "5"),)
    assert asked(after(store, PodUnsure("8"))) == (ConfirmPod(POD, "5"),)


def test_one_that_was_there_and_has_gone_is_the_end_of_its_attempt() -> None:
    store = after(after(a_store(), PodUnsure("5")), PodGone(OVER))
    status = decision(store).status
    assert (status.phase, status.reason, status.pod_uid) == ("Succeeded", "Completed", OVER.uid)


def test_one_that_was_gone_in_the_middle_of_its_work_is_lost_and_not_made_again() -> None:
    store = after(after(a_store(), PodUnsure("5")), PodGone(a_pod(running=True)))
    status = decision(store).status
    assert (status.phase, status.reason) == ("Failed", "PodLost")


def test_one_that_never_was_is_asked_for_again() -> None:
    store = after(after(a_store(), PodUnsure("5")), PodGone())
    assert asked(store) == (AddFinalizer(), CreatePod(POD))


def test_of_a_later_attempt_it_is_the_same() -> None:
    second = was("Starting", "Retrying", attempts=2, podName=None, podUID=None, startTime=ago(9))
    execution = an_execution(command=["true"], status=second, backoffLimit=1)
    store = a_store(execution)
    store.saw_pod(OVER, NOW)
    store.pod_is_gone(UID)
    assert asked(store) == (AddFinalizer(), CreatePod(NEXT_POD))
    assert asked(after(store, PodUnsure("5"), NEXT_POD)) == (ConfirmPod(NEXT_POD, "5"),)


@pytest.mark.parametrize("gone", [False, True])
def test_what_the_watch_has_told_meanwhile_is_known(gone: bool) -> None:
    store = a_store(pod=a_pod())
    if gone:
        store.pod_is_gone(UID)
    known = store.observe(UID)
    assert after(store, PodUnsure("5")).observe(UID) == known
    assert isinstance(known.pod, Gone if gone else PodFacts)


def test_once_a_pod_is_seen_nothing_is_unsure() -> None:
    store = after(a_store(), PodUnsure("5"))
    store.saw_pod(a_pod(), NOW)
    assert store.observe(UID).asked_since is None


def test_after_a_restart_it_is_looked_for_since_the_execution_was_first_seen() -> None:
    store = a_store()
    assert asked(store) == (ConfirmPod(POD, "1"),)
    changed = WORK.metadata.model_copy(update={"resource_version": "4"})
    store.saw_execution(WORK.model_copy(update={"metadata": changed}))
    assert asked(store) == (ConfirmPod(POD, "1"),)


@pytest.mark.parametrize(
    "execution",
    [
        an_execution(command=["true"], status={"phase": "Queued", "reason": "QuotaExceeded"}),
        an_execution(command=["true"], status=was("Starting", "PodCreated")),
        an_execution(command=["true"], finalizer=False),
    ],
)
def test_of_what_has_no_pod_in_the_making_nothing_is_asked(execution: ClaudeExecution) -> None:
    assert a_store(execution).observe(UID).asked_since is None


def test_what_waits_for_its_quota_is_looked_for_after_a_lost_answer() -> None:
    refused = a_store(
        an_execution(command=["true"], status={"phase": "Queued", "reason": "QuotaExceeded"})
    )
    refused.creation_refused(UID, RefusalKind.QUOTA, "exceeded quota", ago(99))
    assert asked(after(refused, PodUnsure("5"))) == (ConfirmPod(POD, "5"),)


def test_a_later_attempt_in_the_making_is_looked_for_after_a_restart() -> None:
    second = was("Starting", "Retrying", attempts=2, podName=None, podUID=None, startTime=ago(9))
    assert a_store(an_execution(command=["true"], status=second)).observe(UID).asked_since == "1"
