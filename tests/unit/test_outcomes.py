"""How the store learns of what came of an action."""

from ccx_api.wish import Wish
from ccx_operator.actions import Action, ConfirmPod, CreatePod, DeletePod, Deliver, Look, Verb
from ccx_operator.observed import Gone, Observed, RefusalKind
from ccx_operator.outcomes import (
    Heard,
    ObjectGone,
    Outcome,
    PodGoing,
    PodGone,
    PodSeen,
    Refused,
    Unanswered,
    UsageAsked,
    Written,
    note,
)
from ccx_operator.store import Store
from support.reconciling import NOW, POD, POD_UID, UID, a_pod, a_snapshot, an_execution

LOOK = Look(POD, POD_UID)


def after(action: Action, outcome: Outcome, *, known: bool = True) -> Store:
    store = Store()
    store.saw_execution(an_execution())
    if known:
        store.saw_pod(a_pod(running=True), NOW)
    note(store, UID, action, outcome, NOW)
    return store


def observed(action: Action, outcome: Outcome, *, known: bool = True) -> Observed:
    return after(action, outcome, known=known).observe(UID)


def deliver(verb: Verb) -> Deliver:
    return Deliver(POD, POD_UID, verb, Wish.of(an_execution()))


def test_what_was_written_and_what_is_no_more_is_known_at_once() -> None:
    changed = an_execution(desired="Paused")
    assert after(LOOK, Written(changed)).execution(UID) == changed
    assert after(LOOK, ObjectGone()).execution(UID) is None


def test_a_pod_is_seen_going_or_gone() -> None:
    assert observed(CreatePod(POD), PodSeen(a_pod()), known=False).pod == a_pod()
    assert observed(ConfirmPod(POD), PodGone()).pod == Gone(a_pod(running=True))
    going = observed(DeletePod(POD, POD_UID), PodGoing()).pod
    assert going == a_pod(running=True, gone_by=NOW)


def test_a_refusal_is_kept_with_its_words() -> None:
    refusal = observed(CreatePod(POD), Refused(RefusalKind.QUOTA, "exceeded"), known=False).refusal
    assert refusal is not None
    assert (refusal.kind, refusal.message, refusal.at) == (RefusalKind.QUOTA, "exceeded", NOW)


def test_a_snapshot_is_that_of_the_pod_that_was_asked() -> None:
    assert observed(LOOK, Heard(a_snapshot())).snapshot == a_snapshot()
    assert observed(deliver(Verb.PAUSE), Heard(a_snapshot())).snapshot == a_snapshot()
    assert observed(Look(POD, "another"), Heard(a_snapshot())).snapshot is None


def test_only_a_cancel_that_nobody_answers_is_counted_as_one() -> None:
    def since(action: Action) -> object:
        silence = observed(action, Unanswered("no route")).silence
        assert silence is not None
        return silence.cancel_since

    assert since(deliver(Verb.CANCEL)) == NOW
    assert since(deliver(Verb.PAUSE)) is None
    assert since(LOOK) is None


def test_a_usage_that_is_asked_for_is_not_asked_for_again() -> None:
    assert observed(LOOK, UsageAsked()).usage == "asked"
