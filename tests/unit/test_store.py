from dataclasses import replace
from typing import Any

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.facts import AgentFacts
from ccx_operator.observed import Gone, RefusalKind
from ccx_operator.outcomes import Unanswered
from ccx_operator.store import Store
from support.reconciling import (
    NEXT_POD,
    NOW,
    POD_UID,
    UID,
    a_pod,
    a_snapshot,
    ago,
    an_execution,
    ended,
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
    store.saw_pod(a_pod(version=10, running=True), NOW)
    store.saw_pod(a_pod(version=9), NOW)
    assert store.observe(UID).pod == a_pod(version=10, running=True)


def test_our_own_deletion_is_known_before_the_watch_tells_of_it() -> None:
    store = a_store(version=5)
    store.pod_is_being_deleted(UID, NOW, pod_uid=POD_UID)
    store.saw_pod(a_pod(version=6, running=True), NOW)
    assert store.observe(UID).pod == a_pod(version=6, running=True, gone_by=NOW)


def test_a_pod_of_an_ended_attempt_never_takes_the_place_of_the_newest() -> None:
    store = a_store(name=NEXT_POD, uid="newest", version=9)
    store.saw_pod(a_pod(version=10), NOW)
    assert store.observe(UID).pod == a_pod(name=NEXT_POD, uid="newest", version=9)
    assert store.observe(UID).stray == a_pod(version=10)
    store.pod_is_being_deleted(UID, NOW, pod_uid=POD_UID)
    store.saw_pod(a_pod(version=11, gone_by=NOW), NOW)
    store.pod_deleted(a_pod(version=12, gone_by=NOW), NOW)
    assert store.observe(UID).stray is None
    assert store.observe(UID).pod == a_pod(name=NEXT_POD, uid="newest", version=9)


def test_the_pod_of_the_next_attempt_takes_the_place_of_the_one_before() -> None:
    store = a_store(version=9)
    store.heard(UID, ended(), NOW, pod_uid=POD_UID)
    newest = a_pod(name=NEXT_POD, uid="newest", version=10)
    store.saw_pod(newest, NOW)
    assert (store.observe(UID).pod, store.observe(UID).snapshot) == (newest, None)


def test_a_deleted_pod_keeps_its_last_words_and_never_comes_back() -> None:
    store = a_store()
    last = a_pod(version=7, exit_code=0, agent={"last_words": ended()})
    store.pod_deleted(last, NOW)
    store.saw_pod(a_pod(version=6), NOW)
    assert store.observe(UID).pod == Gone(last)
    assert store.observe(UID).snapshot == ended()


def test_the_deletion_of_an_earlier_pod_says_nothing_of_the_new_one() -> None:
    store = a_store(uid="new", version=9)
    store.pod_deleted(a_pod(uid="old", version=10), NOW)
    assert store.observe(UID).pod == a_pod(uid="new", version=9)


def test_what_was_known_of_a_runner_ends_with_its_pod() -> None:
    store = a_store(running=True)
    store.heard(UID, ended(), NOW, pod_uid=POD_UID)
    store.saw_pod(a_pod(uid="new", version=6), NOW)
    assert store.observe(UID).snapshot is None
    store.heard(UID, ended(), NOW, pod_uid=POD_UID)
    assert store.observe(UID).snapshot is None


def test_snapshots_only_move_on() -> None:
    store = a_store(running=True)
    for snapshot in (a_snapshot(generation=3), a_snapshot(generation=2), a_snapshot("Starting")):
        store.heard(UID, snapshot, NOW, pod_uid=POD_UID)
    assert store.observe(UID).snapshot == a_snapshot(generation=3)
    store.heard(UID, ended(), NOW, pod_uid=POD_UID)
    store.heard(UID, a_snapshot(generation=9), NOW, pod_uid=POD_UID)
    assert store.observe(UID).snapshot == ended()


def test_last_words_that_are_older_than_what_was_heard_change_nothing() -> None:
    store = a_store(running=True)
    store.heard(UID, a_snapshot("Ending", endedBy="Deadline"), NOW, pod_uid=POD_UID)
    dead = replace(a_pod(version=6), agent=AgentFacts(exit_code=137, last_words=a_snapshot()))
    store.saw_pod(dead, NOW)
    assert store.observe(UID).snapshot == a_snapshot("Ending", endedBy="Deadline")


def test_an_answer_ends_the_silence_and_a_try_prolongs_it() -> None:
    store = a_store(running=True)
    store.heard_nothing(UID, Unanswered("no route"), ago(20), cancel=False)
    store.heard_nothing(UID, Unanswered("no route"), ago(9), cancel=True)
    store.heard_nothing(UID, Unanswered("no route"), NOW, cancel=True)
    silence = store.observe(UID).silence
    assert silence is not None
    assert (silence.since, silence.cancel_since, silence.tries) == (ago(20), ago(9), 3)
    store.heard(UID, a_snapshot(), NOW, pod_uid=POD_UID)
    assert store.observe(UID).silence is None


def test_refusals_are_counted_until_a_pod_is_there() -> None:
    store = Store()
    for _ in range(2):
        store.creation_refused(UID, RefusalKind.QUOTA, "exceeded quota", NOW)
    refusal = store.observe(UID).refusal
    assert refusal is not None
    assert refusal.tries == 2
    store.saw_pod(a_pod(), NOW)
    assert store.observe(UID).refusal is None


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


def test_an_older_state_of_the_same_pod_or_of_its_namesake_replaces_nothing() -> None:
    store = a_store(version=9)
    store.saw_pod(a_pod(uid="namesake", version=8), NOW)
    assert store.observe(UID).pod == a_pod(version=9)
    store.saw_pod(a_pod(name=NEXT_POD, uid="next", version=8), NOW)
    assert store.observe(UID).pod == a_pod(name=NEXT_POD, uid="next", version=8)


def test_what_is_gone_does_not_come_back_with_a_newer_word_of_it() -> None:
    store = a_store(version=5)
    store.pod_deleted(a_pod(version=6, gone_by=NOW), NOW)
    store.saw_pod(a_pod(version=7), NOW)
    assert store.observe(UID).pod == Gone(a_pod(version=6, gone_by=NOW))


def test_a_pod_that_was_never_asked_to_go_is_not_going() -> None:
    store = a_store(version=5)
    store.saw_pod(a_pod(version=6), NOW)
    assert store.observe(UID).pod == a_pod(version=6)
    store.saw_pod(a_pod(version=7, gone_by=ago(1)), NOW)
    store.saw_pod(a_pod(version=8, gone_by=NOW), NOW)
    assert store.observe(UID).pod == a_pod(version=8, gone_by=NOW)


def test_one_that_may_be_alive_has_only_left_our_sight() -> None:
    def after(**facts: Any) -> object:
        store = a_store(version=5)
        store.pod_deleted(a_pod(version=6, **facts), NOW)
        return store.observe(UID).pod

    assert after() == a_pod(version=6, left_sight=True)
    assert after(gone_by=NOW) == Gone(a_pod(version=6, gone_by=NOW))
    assert after(exit_code=0) == Gone(a_pod(version=6, exit_code=0))


def a_store_with_a_stray() -> Store:
    store = a_store(name=NEXT_POD, uid="newest", version=9)
    store.saw_pod(a_pod(version=10), NOW)
    assert store.observe(UID).stray is not None
    return store


def test_a_stray_is_one_until_it_goes() -> None:
    store = a_store_with_a_stray()
    store.pod_deleted(a_pod(uid="another", version=11), NOW)
    store.pod_is_being_deleted(UID, NOW, pod_uid="another")
    assert store.observe(UID).stray == a_pod(version=10)
    store.pod_deleted(a_pod(version=12), NOW)
    assert store.observe(UID).stray is None
    going = a_store_with_a_stray()
    going.saw_pod(a_pod(version=11, gone_by=NOW), NOW)
    assert going.observe(UID).stray is None


def test_the_deletion_of_one_that_is_unknown_is_its_news() -> None:
    store = Store()
    store.saw_execution(an_execution())
    store.pod_deleted(a_pod(exit_code=0), NOW)
    assert store.observe(UID).pod == Gone(a_pod(exit_code=0))


def test_what_goes_already_keeps_its_time_and_what_is_gone_goes_no_more() -> None:
    store = a_store(gone_by=ago(3))
    store.pod_is_being_deleted(UID, NOW, pod_uid=POD_UID)
    assert store.observe(UID).pod == a_pod(gone_by=ago(3))
    store.pod_is_gone(UID)
    store.pod_is_being_deleted(UID, NOW, pod_uid=POD_UID)
    assert store.observe(UID).pod == Gone(a_pod(gone_by=ago(3)))


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


def test_a_runner_is_heard_only_by_the_pod_that_there_is() -> None:
    store = a_store(running=True)
    store.pod_is_gone(UID)
    store.heard(UID, a_snapshot(), NOW, pod_uid=POD_UID)
    assert store.observe(UID).snapshot is None


def test_the_end_is_counted_from_its_first_word() -> None:
    store = a_store(running=True)
    store.heard(UID, a_snapshot(), ago(9), pod_uid=POD_UID)
    assert store.observe(UID).ending_since is None
    store.heard(UID, a_snapshot("Ending"), ago(5), pod_uid=POD_UID)
    store.heard(UID, ended(), NOW, pod_uid=POD_UID)
    assert store.observe(UID).ending_since == ago(5)


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
