from typing import Any

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.outcomes import Unanswered
from ccx_operator.store import Store
from support.reconciling import (
    NOW,
    POD_UID,
    UID,
    a_pod,
    a_snapshot,
    an_execution,
    was,
)


def a_store(**pod: Any) -> Store:
    store = Store()
    store.saw_execution(an_execution())
    store.saw_pod(a_pod(**pod), NOW)
    return store


def at_version(execution: ClaudeExecution, version: int) -> ClaudeExecution:
    metadata = execution.metadata.model_copy(update={"resource_version": str(version)})
    return execution.model_copy(update={"metadata": metadata})


def settled() -> ClaudeExecution:
    return an_execution(status=was("Succeeded", "Completed"), finalizer=False)


def test_an_older_event_replaces_nothing() -> None:
    store = Store()
    store.saw_execution(at_version(an_execution(generation=3), 10))
    store.saw_execution(at_version(an_execution(generation=2), 9))
    assert store.execution(UID) == at_version(an_execution(generation=3), 10)


def test_a_full_list_names_what_vanished_unseen() -> None:
    store = a_store()
    store.saw_all_executions({UID}, known={UID, "vanished"})
    assert store.uids() == {UID}
    assert store.saw_all_pods(set(), known=[a_pod()]) == {UID}
    assert store.observe(UID).pod == a_pod()  # missing in a list is not gone: it is to be read
    store.saw_all_executions(set(), known={UID})
    assert store.uids() == set()


def test_what_was_made_after_the_list_was_asked_for_is_not_missing_in_it() -> None:
    store = a_store()
    store.saw_all_executions(set(), known=set())
    assert store.uids() == {UID}


def test_of_a_finished_execution_whose_finalizer_has_gone_only_the_phase_is_kept() -> None:
    store = a_store()
    store.saw_execution(at_version(settled(), 11))
    assert store.execution(UID) is None
    assert store.uids() == set()
    store.saw_pod(a_pod(version=12), NOW)
    store.heard_nothing(UID, Unanswered("late"), NOW, cancel=False)
    assert (store.observe(UID).pod, store.observe(UID).silence) == (None, None)
    assert store.census.phases() == {"Succeeded": 1}
    store.saw_all_executions(set(), known=store.known())
    assert store.census.phases() == {}


def test_a_finished_execution_that_is_still_held_by_its_finalizer_is_kept_whole() -> None:
    store = Store()
    finished = an_execution(status=was("Succeeded", "Completed"))
    store.saw_execution(finished)
    assert store.execution(UID) == finished


def test_an_old_event_does_not_bring_a_finished_execution_back() -> None:
    store = a_store()
    store.saw_execution(at_version(settled(), 11))
    store.saw_execution(at_version(an_execution(status=was("Running", "Started")), 10))
    assert store.execution(UID) is None


def test_a_deleted_execution_leaves_nothing_behind() -> None:
    store = a_store()
    store.execution_deleted(UID)
    store.pod_deleted(a_pod(), NOW)
    assert store.observe(UID).pod is None
    assert store.pods() == ()


def test_a_pod_that_the_list_names_is_not_missing() -> None:
    store = a_store()
    assert store.saw_all_pods({POD_UID}, known=[a_pod()]) == frozenset()
    assert store.pods() == (a_pod(),)


def test_of_a_pod_without_an_execution_nothing_is_kept_that_a_list_does_not_name() -> None:
    store = Store()
    store.saw_pod(a_pod(), NOW)
    assert store.saw_all_pods(set(), known=[a_pod()]) == frozenset()
    assert store.observe(UID).pod is None


def test_only_pods_that_are_there_are_pods() -> None:
    store = a_store()
    store.pod_is_gone(UID)
    assert store.pods() == ()


def test_it_has_just_the_state_that_it_was_told() -> None:
    store = Store()
    assert not store.has(UID, 1)
    store.saw_execution(at_version(an_execution(), 5))
    assert (store.has(UID, 5), store.has(UID, 4)) == (True, False)


def test_a_version_that_is_no_number_is_older_than_any() -> None:
    store = Store()
    metadata = an_execution().metadata.model_copy(update={"resource_version": "opaque"})
    odd = an_execution().model_copy(update={"metadata": metadata})
    store.saw_execution(odd)
    assert store.execution(UID) == odd
    store.saw_execution(at_version(an_execution(), 1))
    store.saw_execution(odd)
    assert store.execution(UID) == at_version(an_execution(), 1)


def test_a_gateway_that_was_silent_is_heard_of_again() -> None:
    store = a_store()
    store.gateway_is_silent(UID, None)
    store.gateway_is_silent(UID, "g1")
    assert store.observe(UID).silent_gateway == "g1"
    store.gateway_is_silent(UID, None)
    assert store.observe(UID).silent_gateway is None


def test_what_was_said_of_no_gateway_is_not_kept() -> None:
    """There may be ten thousand executions, and each is asked of at every list of Leases."""
    store = Store()
    nothing = store.observe(UID)
    store.gateway_is_silent(UID, None)
    assert store.observe(UID) is nothing


def test_a_late_word_of_a_runner_whose_execution_has_been_deleted_is_not_kept() -> None:
    """It would stay for good: nothing tells of that execution any more."""
    store = a_store(running=True)
    store.execution_deleted(UID)
    store.heard(UID, a_snapshot(), NOW, pod_uid=POD_UID)
    assert store._observed == {}
