"""What one attempt hands on to the next: its conversation, its usage, its time."""

from dataclasses import replace
from typing import Any

from ccx_api.status import ExecutionStatus
from ccx_operator.facts import PodFacts
from ccx_operator.observed import Gone, Observed
from ccx_operator.reconcile import decide
from support.reconciling import (
    NEXT_POD,
    NOW,
    a_pod,
    a_snapshot,
    an_execution,
    claude,
    ended,
    seen,
    was,
)

CLAIMED: dict[str, Any] = {"volumeClaimTemplate": {"storage": "1Gi"}}
RESUMED: dict[str, Any] = {
    "attempts": 2,
    "podName": NEXT_POD,
    "session": {"id": "s", "turns": 2},
    "endedAttempts": {"turns": 2, "resume": "s"},
}


def after(observed: Observed, *, claimed: bool = True, **status: Any) -> ExecutionStatus:
    """What is written once the pod of a second attempt is gone."""
    known = was("Running", "Started", **{**RESUMED, **status})
    spec: dict[str, Any] = {"workspace": CLAIMED} if claimed else {}
    found = decide(an_execution(backoffLimit=3, status=known, **spec), observed, now=NOW).status
    assert (found.reason, found.attempts) == ("Retrying", 3)
    assert found.ended_attempts is not None
    return found


def lost(**facts: Any) -> Observed:
    """With the second attempt's pod."""
    told: dict[str, Any] = {"sessionID": "s", "turns": 1, **facts}
    return seen(Gone(a_pod(name=NEXT_POD)), snapshot=a_snapshot(claude=told, pausedSeconds=2))


def resumed(status: ExecutionStatus) -> str | None:
    assert status.ended_attempts is not None
    return status.ended_attempts.resume


def test_a_conversation_goes_on_if_this_attempt_has_begun_it_or_had_resumed_it() -> None:
    assert resumed(after(lost())) == "s"
    assert resumed(after(lost(turns=0))) == "s"
    assert resumed(after(lost(turns=0, sessionID="t"))) is None
    assert resumed(after(lost(sessionID="t"))) == "t"
    begun_anew: dict[str, Any] = {"endedAttempts": {"turns": 2}}
    assert resumed(after(lost(turns=0), **begun_anew)) is None


def test_the_session_of_an_attempt_is_that_of_the_next_only_if_it_goes_on() -> None:
    kept = after(lost()).session
    assert kept is not None
    assert kept.id == "s"
    assert after(lost(), claimed=False).session is None


def test_a_conversation_that_is_not_there_is_not_looked_for_twice_and_waits_for_nothing() -> None:
    words = ended(1, **claude(is_error=True, sessionID="s", turns=0))
    status = after(seen(Gone(a_pod(name=NEXT_POD, exit_code=1)), snapshot=words))
    assert (status.session, resumed(status), status.retry_time) == (None, None, NOW)
    over_only = seen(a_pod(name=NEXT_POD, exit_code=1), snapshot=words)
    execution = an_execution(workspace=CLAIMED, status=was("Running", "Started", **RESUMED))
    given_up = decide(execution, over_only, now=NOW).status
    assert (given_up.reason, given_up.session, given_up.retry_time) == ("Retrying", None, NOW)
    gone = seen(Gone(over_only.pod if isinstance(over_only.pod, PodFacts) else None))
    execution = execution.model_copy(update={"status": given_up})
    status = decide(execution, replace(gone, snapshot=words), now=NOW).status
    assert (status.attempts, status.session, resumed(status)) == (3, None, None)


def test_the_pauses_of_all_attempts_are_summed_up() -> None:
    before = {"turns": 2, "resume": "s", "pausedSeconds": 3}
    told = after(lost(), endedAttempts=before).ended_attempts
    assert told is not None
    assert told.paused_seconds == 5


def test_what_a_resumed_conversation_had_counted_is_what_claude_says_it_had() -> None:
    """Not what the sums say: a killed Claude loses its own count, and begins anew."""
    used = {"inputTokens": 100}
    before = {"turns": 2, "resume": "s", "usage": used, "resumeUsage": used}
    told = after(lost(usage={"inputTokens": 30}), endedAttempts=before).ended_attempts
    assert told is not None
    assert told.usage is not None
    assert told.resume_usage is not None
    assert (told.usage.input_tokens, told.resume_usage.input_tokens) == (130, 30)


def test_how_much_an_attempt_has_printed_is_remembered_if_its_runner_came_to_the_end() -> None:
    def printed(state: str) -> int | None:
        told = {"output": {"bytes": 9}, "claude": {"sessionID": "s", "turns": 1}}
        last = a_snapshot(state, endedBy="Outside", **told)
        known = after(seen(Gone(a_pod(name=NEXT_POD)), snapshot=last)).ended_attempts
        assert known is not None
        return known.output_bytes

    untold = after(seen(Gone()), process={"state": "Ended"}).ended_attempts
    assert untold is not None
    assert untold.output_bytes is None
    assert printed("Ended") == 9
    assert printed("Running") is None  # it may have printed more than anybody heard of
