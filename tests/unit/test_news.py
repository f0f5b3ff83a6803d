from dataclasses import replace
from typing import Any

from ccx_api.snapshot import Snapshot
from ccx_operator import news
from ccx_operator.facts import AgentFacts, PodFacts
from ccx_operator.observed import Gone, Observed, RefusalKind
from ccx_operator.outcomes import Unanswered
from support.reconciling import (
    NEXT_POD,
    NOW,
    POD,
    POD_UID,
    a_pod,
    a_snapshot,
    ago,
    ended,
)


def after_pods(*pods: PodFacts) -> Observed:
    known = Observed()
    for pod in pods:
        known = news.saw_pod(known, pod, NOW)
    return known


def after_words(*words: Snapshot, known: Observed | None = None) -> Observed:
    known = known or after_pods(a_pod(running=True))
    for snapshot in words:
        known = news.heard(known, snapshot, NOW, pod_uid=POD_UID)
    return known


def test_an_older_event_replaces_nothing() -> None:
    newest = a_pod(version=10, running=True)
    assert after_pods(newest, a_pod(version=9)).pod == newest


def test_our_own_deletion_is_known_before_the_watch_tells_of_it() -> None:
    known = news.pod_is_being_deleted(after_pods(a_pod(version=5)), NOW, pod_uid=POD_UID)
    known = news.saw_pod(known, a_pod(version=6, running=True), NOW)
    assert known.pod == a_pod(version=6, running=True, gone_by=NOW)


def test_a_pod_of_an_ended_attempt_never_takes_the_place_of_the_newest() -> None:
    newest = a_pod(name=NEXT_POD, uid="newest", version=9)
    known = after_pods(newest, a_pod(version=10))
    assert (known.pod, known.stray) == (newest, a_pod(version=10))
    known = news.pod_is_being_deleted(known, NOW, pod_uid=POD_UID)
    known = news.saw_pod(known, a_pod(version=11, gone_by=NOW), NOW)
    known = news.pod_deleted(known, a_pod(version=12, gone_by=NOW), NOW)
    assert (known.pod, known.stray) == (newest, None)


def test_the_pod_of_the_next_attempt_takes_the_place_of_the_one_before() -> None:
    newest = a_pod(name=NEXT_POD, uid="newest", version=10)
    known = news.saw_pod(after_words(ended()), newest, NOW)
    assert (known.pod, known.snapshot) == (newest, None)


def test_a_deleted_pod_keeps_its_last_words_and_never_comes_back() -> None:
    last = a_pod(version=7, exit_code=0, agent={"last_words": ended()})
    known = news.pod_deleted(after_pods(a_pod()), last, NOW)
    known = news.saw_pod(known, a_pod(version=6), NOW)
    assert (known.pod, known.snapshot) == (Gone(last), ended())


def test_the_deletion_of_an_earlier_pod_says_nothing_of_the_new_one() -> None:
    newest = a_pod(uid="new", version=9)
    assert news.pod_deleted(after_pods(newest), a_pod(uid="old", version=10), NOW).pod == newest


def test_what_was_known_of_a_runner_ends_with_its_pod() -> None:
    known = news.saw_pod(after_words(ended()), a_pod(uid="new", version=6), NOW)
    assert known.snapshot is None
    assert after_words(ended(), known=known).snapshot is None


def test_snapshots_only_move_on() -> None:
    known = after_words(a_snapshot(generation=3), a_snapshot(generation=2), a_snapshot("Starting"))
    assert known.snapshot == a_snapshot(generation=3)
    assert after_words(ended(), a_snapshot(generation=9), known=known).snapshot == ended()


def test_last_words_that_are_older_than_what_was_heard_change_nothing() -> None:
    ending = a_snapshot("Ending", endedBy="Deadline")
    dead = replace(a_pod(version=6), agent=AgentFacts(exit_code=137, last_words=a_snapshot()))
    assert news.saw_pod(after_words(ending), dead, NOW).snapshot == ending


def test_an_answer_ends_the_silence_and_a_try_prolongs_it() -> None:
    known = after_pods(a_pod(running=True))
    for when, cancel in ((ago(20), False), (ago(9), True), (NOW, True)):
        known = news.heard_nothing(known, Unanswered("no route"), when, cancel=cancel)
    silence = known.silence
    assert silence is not None
    assert (silence.since, silence.cancel_since, silence.tries) == (ago(20), ago(9), 3)
    assert after_words(a_snapshot(), known=known).silence is None


def test_refusals_are_counted_until_a_pod_is_there() -> None:
    known = Observed()
    for _ in range(2):
        known = news.creation_refused(known, RefusalKind.QUOTA, "exceeded quota", NOW)
    assert known.refusal is not None
    assert known.refusal.tries == 2
    assert news.saw_pod(known, a_pod(), NOW).refusal is None


def test_an_older_state_of_the_same_pod_or_of_its_namesake_replaces_nothing() -> None:
    known = after_pods(a_pod(version=9), a_pod(uid="namesake", version=8))
    assert known.pod == a_pod(version=9)
    following = a_pod(name=NEXT_POD, uid="next", version=8)
    assert news.saw_pod(known, following, NOW).pod == following


def test_what_is_gone_does_not_come_back_with_a_newer_word_of_it() -> None:
    last = a_pod(version=6, gone_by=NOW)
    known = news.pod_deleted(after_pods(a_pod(version=5)), last, NOW)
    assert news.saw_pod(known, a_pod(version=7), NOW).pod == Gone(last)


def test_a_pod_that_was_never_asked_to_go_is_not_going() -> None:
    known = after_pods(a_pod(version=5), a_pod(version=6))
    assert known.pod == a_pod(version=6)
    known = news.saw_pod(known, a_pod(version=7, gone_by=ago(1)), NOW)
    known = news.saw_pod(known, a_pod(version=8, gone_by=NOW), NOW)
    assert known.pod == a_pod(version=8, gone_by=NOW)


def test_one_that_may_be_alive_has_only_left_our_sight() -> None:
    def after(**facts: Any) -> object:
        known = after_pods(a_pod(version=5))
        return news.pod_deleted(known, a_pod(version=6, **facts), NOW).pod

    assert after() == a_pod(version=6, left_sight=True)
    assert after(gone_by=NOW) == Gone(a_pod(version=6, gone_by=NOW))
    assert after(exit_code=0) == Gone(a_pod(version=6, exit_code=0))


def test_a_stray_is_one_until_it_goes() -> None:
    stray = a_pod(version=10)
    known = after_pods(a_pod(name=NEXT_POD, uid="newest", version=9), stray)
    known = news.pod_deleted(known, a_pod(uid="another", version=11), NOW)
    known = news.pod_is_being_deleted(known, NOW, pod_uid="another")
    assert known.stray == stray
    assert news.pod_deleted(known, a_pod(version=12), NOW).stray is None
    assert news.saw_pod(known, a_pod(version=11, gone_by=NOW), NOW).stray is None


def test_the_deletion_of_one_that_is_unknown_is_its_news() -> None:
    last = a_pod(exit_code=0)
    assert news.pod_deleted(Observed(), last, NOW).pod == Gone(last)


def test_what_goes_already_keeps_its_time_and_what_is_gone_goes_no_more() -> None:
    going = a_pod(gone_by=ago(3))
    known = news.pod_is_being_deleted(after_pods(going), NOW, pod_uid=POD_UID)
    assert known.pod == going
    gone = news.pod_is_gone(known)
    assert news.pod_is_being_deleted(gone, NOW, pod_uid=POD_UID).pod == Gone(going)
    assert news.pod_is_gone(gone) == gone


def test_a_pod_that_the_watch_knows_is_not_unsure() -> None:
    known = after_pods(a_pod())
    assert news.pod_is_unsure(known, POD, "7") == known
    assert news.pod_is_unsure(news.pod_is_gone(known), POD, "7").pod == Gone(a_pod())
    unsure = news.pod_is_unsure(known, NEXT_POD, "7")
    assert (unsure.pod, unsure.asked_since) == (None, "7")
    assert news.pod_is_unsure(unsure, NEXT_POD, "8").asked_since == "7"


def test_a_runner_is_heard_only_by_the_pod_that_there_is() -> None:
    gone = news.pod_is_gone(after_pods(a_pod(running=True)))
    assert after_words(a_snapshot(), known=gone).snapshot is None


def test_the_end_is_counted_from_its_first_word() -> None:
    known = after_pods(a_pod(running=True))
    known = news.heard(known, a_snapshot(), ago(9), pod_uid=POD_UID)
    assert known.ending_since is None
    known = news.heard(known, a_snapshot("Ending"), ago(5), pod_uid=POD_UID)
    known = news.heard(known, ended(), NOW, pod_uid=POD_UID)
    assert known.ending_since == ago(5)
