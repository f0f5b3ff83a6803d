from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ccx_api.conditions import Reason
from ccx_api.names import FINALIZER
from ccx_api.status import Phase
from ccx_api.v1alpha1 import DesiredState
from ccx_api.wish import Wish
from ccx_operator.actions import (
    AddFinalizer,
    ConfirmPod,
    CreatePod,
    Decision,
    DeletePod,
    Deliver,
    Look,
    RecordUsage,
    RemoveFinalizer,
    SetFirstWish,
    Verb,
)
from ccx_operator.observed import Gone, Looked, Observed, Refusal, RefusalKind, Silence, Usage
from ccx_operator.reconcile import decide
from support.deciding import actions
from support.reconciling import (
    NEXT_POD,
    NOW,
    POD,
    POD_UID,
    UID,
    a_pod,
    a_snapshot,
    ago,
    an_execution,
    drained,
    ended,
    over,
    refused,
    seen,
    silent,
    was,
)

COMMAND = ["true"]
DELETE = DeletePod(POD, POD_UID)
MAKE = (AddFinalizer(), CreatePod(POD))
LOOK = Look(POD, POD_UID)
STARTING = was("Starting", "PodCreated")
RUNNING = was("Running", "Started")
LOST = Gone()
SETTLED = Usage.SETTLED
SESSION = {"id": "s1", "gateway": "g1"}
CLOSING = was("Running", "SessionClosed", message="gateway g1 has gone")


def test_the_finalizer_is_added_just_before_the_pod() -> None:
    assert actions(an_execution(finalizer=False), seen()) == MAKE
    assert actions(an_execution(finalizer=False, suspend=True), seen()) == ()


def test_with_the_finalizer_there_may_be_a_pod_already_and_it_is_asked_for() -> None:
    assert actions(an_execution(), seen()) == (ConfirmPod(POD),)
    assert actions(an_execution(), seen(LOST)) == MAKE


def test_a_crash_between_the_finalizer_and_the_pod_does_not_look_like_a_copy() -> None:
    marked = an_execution(finalizer=True, started_as=UID)
    assert actions(marked, seen(LOST)) == MAKE


def test_a_copy_gets_no_pod_and_its_copied_finalizer_goes() -> None:
    copy = an_execution(finalizer=True, started_as="another")
    assert actions(copy, seen()) == (ConfirmPod(POD),)
    assert actions(copy, seen(LOST)) == (RemoveFinalizer(),)
    decision = decide(an_execution(finalizer=False, started_as="another"), seen(LOST), now=NOW)
    assert (decision.actions, decision.check_after) == ((), None)
    assert "kubectl annotate cx e1 cc-executor.dev/started-as-" in decision.status.message


def test_a_copy_that_somebody_lets_go_is_marked_anew() -> None:
    let_go = an_execution(finalizer=False, status=was("Queued", "Restored", podUID=None))
    assert actions(let_go, seen()) == (AddFinalizer(), CreatePod(POD))
    without_mark = let_go.metadata.model_copy(update={"finalizers": (FINALIZER,)})
    let_go = let_go.model_copy(update={"metadata": without_mark})
    assert actions(let_go, seen(LOST)) == (AddFinalizer(), CreatePod(POD))


def test_a_pod_that_the_watch_does_not_name_is_read_before_it_is_lost() -> None:
    decision = decide(an_execution(status=RUNNING), seen(), now=NOW)
    assert decision == Decision(an_execution(status=RUNNING).status, (ConfirmPod(POD),))


def test_no_second_pod_is_made_for_one_that_was_seen_to_go() -> None:
    decision = decide(an_execution(), seen(Gone(a_pod())), now=NOW)
    assert (decision.status.reason, decision.actions) == ("PodLost", ())


def test_a_quota_is_tried_again_later_and_not_before() -> None:
    early = decide(an_execution(), seen(LOST, refusal=refused("quota")), now=NOW)
    assert (early.actions, early.check_after) == ((), 2)
    late = decide(an_execution(), seen(LOST, refusal=refused("quota", 2)), now=NOW)
    assert late.actions == MAKE


def test_tries_for_a_quota_are_at_most_a_minute_apart() -> None:
    many = Refusal(RefusalKind.QUOTA, "", NOW, tries=500)
    assert many.next_try == NOW + timedelta(seconds=60)


@pytest.mark.parametrize("terminating", [False, True])
def test_a_cancel_or_a_suspend_before_the_start_deletes_the_pod_once(terminating: bool) -> None:
    pod = a_pod(gone_by=NOW if terminating else None)
    expected = () if terminating else (DELETE,)
    assert actions(an_execution(desired="Cancelled", status=STARTING), seen(pod)) == expected
    assert actions(an_execution(suspend=True, status=STARTING), seen(pod)) == expected
    assert actions(an_execution(status=STARTING, deleted=1), seen(pod)) == expected


def test_a_cancel_before_the_start_is_done_only_when_the_pod_is_gone() -> None:
    execution = an_execution(desired="Cancelled", status=STARTING)
    assert decide(execution, seen(a_pod(gone_by=NOW)), now=NOW).status.phase is Phase.STARTING


def test_a_pod_deleted_for_suspend_is_no_outcome_and_another_may_follow() -> None:
    held = an_execution(status=was("Queued", "Suspended"))
    going = seen(a_pod(running=True, gone_by=NOW))
    assert decide(held, going, now=NOW).status.phase is Phase.QUEUED
    assert actions(held, going) == ()
    gone = seen(Gone(a_pod(exit_code=143)), snapshot=ended(143, "Outside"))
    let_go = decide(held, gone, now=NOW).status
    assert (let_go.attempts, let_go.pod_uid) == (2, None)
    released = held.model_copy(update={"status": let_go})
    assert actions(released, gone) == (AddFinalizer(), CreatePod(NEXT_POD))


def test_a_process_quicker_than_its_deletion_for_suspend_keeps_its_outcome() -> None:
    held = was("Queued", "Suspended")
    pod = a_pod(exit_code=0, gone_by=NOW)
    status = decide(
        an_execution(command=COMMAND, suspend=True, status=held),
        seen(pod, snapshot=ended()),
        now=NOW,
    ).status
    assert status.phase is Phase.SUCCEEDED


def test_suspend_has_no_effect_once_the_process_has_started() -> None:
    execution = an_execution(suspend=True, status=RUNNING)
    decision = decide(execution, seen(a_pod(running=True), snapshot=a_snapshot()), now=NOW)
    assert (decision.status.phase, decision.actions) == (Phase.RUNNING, ())
    assert "desiredState: Paused" in decision.status.message


def a_wish(desired: str, generation: int = 2) -> Wish:
    return Wish(generation=generation, desired_state=DesiredState(desired))


@pytest.mark.parametrize(
    ("desired", "snapshot", "verb"),
    [
        ("Running", a_snapshot("Paused"), Verb.RESUME),
        ("Paused", a_snapshot(), Verb.PAUSE),
        ("Running", a_snapshot(), Verb.RESUME),
        ("Cancelled", a_snapshot("Paused"), Verb.CANCEL),
        ("Cancelled", a_snapshot(generation=2), Verb.CANCEL),
        ("Running", a_snapshot("Paused", generation=2, frozenBy=["local"]), None),
        ("Paused", a_snapshot(generation=3), None),
        ("Running", a_snapshot("Ending"), None),
        ("Cancelled", a_snapshot("Ending"), None),
    ],
)
def test_the_runner_is_told_only_what_it_has_not_carried_out(
    desired: str, snapshot: object, verb: Verb | None
) -> None:
    execution = an_execution(desired=desired, generation=2, status=RUNNING)
    free = getattr(snapshot, "state", "") == "Running"
    observed = seen(a_pod(running=True, ready=free), snapshot=snapshot, ending_since=NOW)
    told = (Deliver(POD, POD_UID, verb, a_wish(desired)),) if verb else ()
    assert actions(execution, observed) == told


@pytest.mark.parametrize("facts", [{}, {"gated": True}, {"waiting": Reason.UNSCHEDULABLE}])
def test_a_pod_that_waits_is_told_what_its_process_is_to_start_with(facts: dict[str, Any]) -> None:
    execution = an_execution(desired="Paused", generation=2, status=was("Starting"))
    assert actions(execution, seen(a_pod(**facts))) == (SetFirstWish(POD, POD_UID),)
    assert actions(execution, seen(a_pod(generation=2, **facts))) == ()


@pytest.mark.parametrize("spec", [{"desired": "Cancelled"}, {"suspend": True}])
def test_a_pod_that_is_not_to_start_is_told_nothing(spec: dict[str, Any]) -> None:
    execution = an_execution(generation=2, status=was("Starting"), **spec)
    assert SetFirstWish(POD, POD_UID) not in actions(execution, seen(a_pod()))
    assert actions(execution, seen(a_pod(gone_by=NOW))) == ()


@pytest.mark.parametrize(
    ("status", "ready", "phase"),
    [("Starting", False, Phase.STARTING), ("Starting", True, Phase.RUNNING)],
)
def test_a_runner_of_another_version_is_named_in_the_status(
    status: str, ready: bool, phase: Phase
) -> None:
    words = "runner 9.0 speaks link 3-4, this program 1-2: install the operator"
    silence = Silence(ago(1), NOW, message=words, versions_differ=True)
    observed = seen(a_pod(running=True, ready=ready), silence=silence)
    decision = decide(an_execution(status=was(status)), observed, now=NOW)
    assert (decision.status.phase, decision.status.message) == (phase, words)


def test_deleting_the_object_cancels_whatever_its_spec_says() -> None:
    execution = an_execution(deleted=1, generation=2, status=RUNNING)
    deliver = Deliver(POD, POD_UID, Verb.CANCEL, a_wish("Cancelled"))
    assert actions(execution, seen(a_pod(running=True))) == (deliver,)


@pytest.mark.parametrize("link", [{}, {"silence": Silence(ago(9), ago(9))}])
def test_a_closed_session_cancels_only_once_the_status_says_so(link: dict[str, Any]) -> None:
    observed = replace(silent(running=True), **link)
    first = decide(an_execution(session=SESSION, generation=2, status=RUNNING), observed, now=NOW)
    assert (first.status.reason, first.actions) == ("SessionClosed", ())
    assert "g1" in first.status.message
    execution = an_execution(session=SESSION, generation=2)
    execution = execution.model_copy(update={"status": first.status})
    second = decide(execution, observed, now=NOW)
    assert second.status == first.status
    assert second.actions == (Deliver(POD, POD_UID, Verb.CANCEL, a_wish("Cancelled")),)


def test_a_closed_session_needs_no_process_to_be_cancelled() -> None:
    held = was("Queued", "Suspended", podName=None, podUID=None)
    execution = an_execution(session=SESSION, suspend=True, status=held)
    marked = decide(execution, seen(LOST, silent_gateway="g1"), now=NOW).status
    execution = execution.model_copy(update={"status": marked})
    status = decide(execution, seen(LOST, silent_gateway="g1"), now=NOW).status
    assert (status.phase, status.reason) == ("Cancelled", "SessionClosed")
    waiting = an_execution(session=SESSION, status=was("Starting", "SessionClosed"))
    assert actions(waiting, silent()) == (DELETE,)


def test_the_conditions_of_a_closing_execution_still_tell_of_its_node() -> None:
    observed = seen(a_pod(running=True, unreachable_since=ago(9)), silence=Silence(NOW, NOW))
    status = decide(an_execution(session=SESSION, status=CLOSING), observed, now=NOW).status
    (running,) = (c for c in status.conditions if c.type == "Running")
    assert (running.status, running.reason) == ("Unknown", "NodeUnreachable")


def test_a_wish_that_the_runner_may_have_from_another_messenger_is_first_looked_up() -> None:
    execution = an_execution(desired="Paused", generation=2, status=RUNNING)
    assert actions(execution, seen(a_pod(running=True))) == (LOOK,)


def test_a_start_is_looked_at_when_it_is_ready_and_not_before() -> None:
    booting, ready = a_pod(age=3, running=True, ready=False), a_pod(running=True)
    assert actions(an_execution(status=STARTING), seen(booting, looked=Looked(NOW))) == ()
    assert actions(an_execution(status=STARTING), seen(ready, looked=Looked(NOW))) == (LOOK,)


def test_a_start_whose_link_does_not_work_runs_all_the_same() -> None:
    silence = Silence(since=NOW, last_try=NOW)
    observed = seen(a_pod(running=True), looked=Looked(NOW), silence=silence)
    decision = decide(an_execution(status=STARTING), observed, now=NOW)
    assert (decision.status.reason, decision.check_after) == ("Started", 2)


@pytest.mark.parametrize("process", [None, {"state": "Running"}])
def test_who_runs_and_has_never_answered_is_asked_until_its_process_is_known(
    process: dict[str, Any] | None,
) -> None:
    silence = Silence(since=ago(9), last_try=ago(4))
    quiet = seen(a_pod(running=True), silence=silence, looked=Looked(ago(9), ready=True))
    status = {**RUNNING, "process": process}
    asked = actions(an_execution(command=COMMAND, status=status), quiet)
    assert asked == ((LOOK,) if process is None else ())


def test_a_start_in_pause_is_looked_at_because_it_is_never_ready() -> None:
    pod = a_pod(age=2, running=True, ready=False)
    execution = an_execution(desired="Paused", status=STARTING)
    assert actions(execution, seen(pod, looked=Looked(NOW))) == (LOOK,)


def test_changed_readiness_is_looked_at_once() -> None:
    execution, pod = an_execution(status=RUNNING), a_pod(running=True, ready=False)
    before = seen(pod, snapshot=a_snapshot(), looked=Looked(ago(9), ready=True))
    assert actions(execution, before) == (LOOK,)
    after = replace(before, looked=Looked(NOW, ready=False))
    assert actions(execution, after) == ()


def test_usage_is_sampled_twice_a_minute_and_only_of_claude() -> None:
    pod = a_pod(running=True)
    sampled = seen(pod, snapshot=a_snapshot(), looked=Looked(ago(10), ready=True))
    decision = decide(an_execution(status=RUNNING), sampled, now=NOW)
    assert (decision.actions, decision.check_after) == ((), 20)
    due = replace(sampled, looked=Looked(ago(30), ready=True))
    assert actions(an_execution(status=RUNNING), due) == (LOOK,)
    assert actions(an_execution(command=COMMAND, status=RUNNING), due) == ()


def test_a_silent_runner_is_asked_further_and_further_apart() -> None:
    silence = Silence(since=ago(99), last_try=ago(4), tries=9)
    quiet = seen(a_pod(running=True), silence=silence, looked=Looked(ago(99), ready=True))
    assert decide(an_execution(status=RUNNING), quiet, now=NOW).check_after == 26
    paused = an_execution(desired="Paused", generation=2, status=RUNNING)
    waiting = decide(paused, quiet, now=NOW)
    assert waiting.check_after == 1
    assert "does not answer" in waiting.status.message


def test_a_runner_that_leaves_a_cancel_unanswered_for_15_s_loses_its_pod() -> None:
    execution = an_execution(desired="Cancelled", generation=2, status=RUNNING)
    silence = Silence(since=ago(500), last_try=ago(1), cancel_since=ago(14))
    patient = seen(a_pod(running=True), silence=silence)
    assert actions(execution, patient) == ()
    assert actions(execution, replace(patient, silence=replace(silence, cancel_since=ago(15)))) == (
        DELETE,
    )


def test_a_container_that_outlives_a_cancel_by_grace_and_30_s_loses_its_pod() -> None:
    execution = an_execution(desired="Cancelled", generation=2, status=RUNNING)
    pod = a_pod(running=True, ready=False)
    early = seen(pod, snapshot=a_snapshot("Ending"), ending_since=ago(39))
    assert (actions(execution, early), decide(execution, early, now=NOW).check_after) == ((), 1)
    assert actions(execution, replace(early, ending_since=ago(40))) == (DELETE,)


def test_who_has_frozen_it_from_inside_is_told_how_to_thaw_it() -> None:
    frozen = a_snapshot("Paused", frozenBy=["local"])
    observed = seen(a_pod(running=True, ready=False), snapshot=frozen)
    status = decide(an_execution(status=RUNNING), observed, now=NOW).status
    assert "`ccx-runner resume`" in status.message


def test_counters_alone_are_written_at_most_every_five_seconds() -> None:
    execution = an_execution(status=STARTING)
    observed = seen(a_pod(running=True), snapshot=a_snapshot())
    first = decide(execution, observed, now=NOW).status
    execution = execution.model_copy(update={"status": first})
    later = replace(observed, snapshot=a_snapshot(activeSeconds=9), written_at=ago(4))
    assert decide(execution, later, now=NOW) == Decision(first, check_after=1)
    due = decide(execution, replace(later, written_at=ago(5)), now=NOW)
    assert due.status.active_seconds == 9


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.is_terminal])
@pytest.mark.parametrize("pod", [None, LOST, a_pod(), a_pod(running=True), a_pod(exit_code=0)])
def test_a_terminal_phase_is_never_left(phase: Phase, pod: object) -> None:
    execution = an_execution(desired="Cancelled", generation=9, status=was(phase, "Completed"))
    observed = Observed(pod=pod, snapshot=a_snapshot())  # type: ignore[arg-type]
    assert decide(execution, observed, now=NOW).status == execution.status


def test_after_the_end_what_still_runs_goes_and_then_the_finalizer() -> None:
    done = an_execution(status=was("Failed", "StartDeadlineExceeded"))
    assert actions(done, seen()) == (ConfirmPod(POD),)
    assert actions(done, seen(a_pod(), usage=SETTLED)) == (DELETE,)
    assert actions(done, seen(a_pod(gone_by=NOW), usage=SETTLED)) == ()
    for over_now in (a_pod(exit_code=0), Gone(), a_pod(gone_by=ago(300))):
        assert actions(done, seen(over_now, usage=SETTLED)) == (RemoveFinalizer(),)
    assert actions(an_execution(finalizer=False, status=was("Failed")), seen()) == ()


def test_the_finalizer_waits_until_what_was_used_is_recorded() -> None:
    done = an_execution(status=was("Failed", "ExitCode"))
    assert actions(done, seen(a_pod())) == (RecordUsage(), DELETE)
    assert actions(done, seen(LOST)) == (RecordUsage(),)
    asked = seen(LOST, usage=Usage.ASKED)
    assert decide(done, asked, now=NOW) == Decision(done.status)
    assert actions(done, seen(LOST, usage=SETTLED)) == (RemoveFinalizer(),)
    assert actions(an_execution(finalizer=False, status=was("Failed")), seen(LOST)) == ()


def test_a_copy_is_not_counted_again() -> None:
    copy = an_execution(started_as="another", status=was("Succeeded", "Completed"))
    assert actions(copy, seen(LOST)) == (RemoveFinalizer(),)


def test_a_deletion_holds_no_longer_for_the_sake_of_the_record() -> None:
    done = an_execution(status=was("Succeeded", "Completed"), deleted=40)
    assert actions(done, seen(LOST, usage=Usage.ASKED)) == (RemoveFinalizer(),)


def test_a_container_has_a_second_to_follow_its_process_and_then_30_s_for_its_readers() -> None:
    execution = an_execution(command=COMMAND, status=RUNNING)
    early = decide(execution, drained(ended(), seconds=0), now=NOW)
    assert (early.status, early.actions, early.check_after) == (execution.status, (), 1)
    status = decide(execution, drained(ended()), now=NOW).status
    assert (status.phase, status.message, status.completion_time) == ("Succeeded", "", NOW)
    done = execution.model_copy(update={"status": status})
    still = replace(drained(ended()), usage=SETTLED)
    reading = decide(done, still, now=NOW + timedelta(seconds=29))
    assert (reading.actions, reading.check_after) == ((), 1)
    afterwards = replace(still, snapshot=None, looked=None)  # the operator has been restarted
    assert decide(done, afterwards, now=NOW).actions == ()
    assert decide(done, afterwards, now=NOW + timedelta(seconds=30)).actions == (DELETE,)
    settled = replace(over(ended()), usage=SETTLED)
    assert decide(done, settled, now=NOW).actions == (RemoveFinalizer(),)


def test_a_deleted_object_is_held_for_grace_and_30_s_at_most() -> None:
    execution = an_execution(deleted=29, status=RUNNING)
    pod = seen(a_pod(running=True, gone_by=NOW))
    assert decide(execution, pod, now=NOW).check_after == 1
    unheard = an_execution(deleted=30, status=RUNNING)
    assert actions(unheard, seen(None)) == (ConfirmPod(POD),)
    told = decide(an_execution(deleted=30, status=RUNNING), pod, now=NOW).status
    assert (told.phase, told.reason) == ("Cancelled", "CancelledByUser")
    assert "does not say whether the process has ended" in told.message
    execution = an_execution(deleted=39, status=RUNNING).model_copy(update={"status": told})
    decision = decide(execution, pod, now=NOW)
    assert (decision.actions, decision.check_after) == ((RecordUsage(),), 1)
    execution = an_execution(deleted=40, status=RUNNING)
    assert actions(execution, pod) == (RemoveFinalizer(),)


def test_the_conditions_say_what_the_phase_says() -> None:
    def truth(status: object) -> dict[str, str]:
        return {c.type: c.status for c in status.conditions}  # type: ignore[attr-defined]

    running = decide(an_execution(status=STARTING), seen(a_pod(running=True)), now=NOW).status
    assert truth(running) == {
        "Accepted": "True",
        "PodReady": "True",
        "Running": "True",
        "Paused": "False",
        "Succeeded": "Unknown",
        "Finished": "False",
    }
    lost = seen(a_pod(running=True, ready=False, unreachable_since=ago(1)))
    unreachable = decide(an_execution(status=RUNNING), lost, now=NOW).status
    assert truth(unreachable)["Running"] == "Unknown"
    failed = decide(an_execution(command=COMMAND), over(ended(2)), now=NOW).status
    assert truth(failed)["Succeeded"] == "False"
    assert truth(failed)["Finished"] == "True"


def test_a_condition_keeps_the_time_at_which_its_status_changed() -> None:
    first = decide(an_execution(), seen(a_pod()), now=NOW).status
    execution = an_execution().model_copy(update={"status": first})
    observed = seen(a_pod(running=True), snapshot=a_snapshot())
    later = decide(execution, observed, now=NOW + timedelta(seconds=5)).status
    times = {c.type: (c.last_transition_time - NOW).total_seconds() for c in later.conditions}
    assert times == {
        "Accepted": 0,
        "PodReady": 5,
        "Running": 5,
        "Paused": 0,
        "Succeeded": 0,
        "Finished": 0,
    }


def test_an_end_that_nobody_has_confirmed_is_told_as_such() -> None:
    execution = an_execution(desired="Cancelled", status=RUNNING)
    lost = seen(a_pod(running=True, ready=False, unreachable_since=ago(301)))
    status = decide(execution, lost, now=NOW).status
    assert status.reason == "CancelledByUser"
    assert status.message == "cancelled; its node does not say whether the process has ended"


def test_a_pod_that_suspend_has_deleted_and_that_does_not_go_is_waited_for_in_peace() -> None:
    stuck = seen(a_pod(gone_by=ago(10_000)))
    held = was("Queued", "Suspended")
    waiting = decide(an_execution(suspend=True, status=held), stuck, now=NOW)
    assert (waiting.actions, waiting.check_after) == ((), None)
    assert "node n1 does not end pod" in waiting.status.message
    let_go = seen(a_pod(gone_by=ago(290)))
    assert decide(an_execution(status=held), let_go, now=NOW).check_after == 10
    assert decide(an_execution(status=held), stuck, now=NOW).status.reason == "PodLost"
    cancelled = an_execution(desired="Cancelled", suspend=True, status=held)
    assert decide(cancelled, stuck, now=NOW).status.phase == "Cancelled"
    retried = an_execution(suspend=True, status=was("Starting", "Retrying"))
    assert decide(retried, stuck, now=NOW).status.reason == "PodLost"


def test_a_node_that_does_not_end_a_pod_is_told_apart_from_one_that_is_known_to_be_silent() -> None:
    execution = an_execution(status=RUNNING)
    overdue = decide(execution, seen(a_pod(running=True, gone_by=ago(30))), now=NOW).status
    assert overdue.message == "node n1 does not end its pod, which was to be gone by now"
    lost = seen(a_pod(running=True, ready=False, unreachable_since=ago(1)))
    assert "n1 cannot be reached" in decide(execution, lost, now=NOW).status.message


def test_a_pod_that_left_the_watch_is_read_before_it_is_lost() -> None:
    gone_from_sight = seen(a_pod(running=True, left_sight=True))
    decision = decide(an_execution(status=RUNNING), gone_from_sight, now=NOW)
    assert (decision.status.phase, decision.actions) == ("Running", (ConfirmPod(POD),))
