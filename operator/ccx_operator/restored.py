"""Whether an execution is a copy of one that has run, such as from a backup. Pure.

A copy has a uid of its own. The finalizer's patch, just before the first pod, leaves the uid in
an annotation, which backups and `kubectl get -o yaml` keep: docs/decisions/0018.
"""

from datetime import datetime

from ccx_api.conditions import Reason
from ccx_api.names import ANNOTATION_STARTED_AS, FINALIZER
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import Action, Decision, RemoveFinalizer
from ccx_operator.conditions import settle


def is_copy(execution: ClaudeExecution) -> bool:
    return _started_as(execution) not in (None, execution.metadata.uid)


def restored(execution: ClaudeExecution, now: datetime) -> Decision | None:
    """A finalizer that was copied, too, holds nothing."""
    if not is_copy(execution):
        return None
    text = (
        f"a copy of an execution that has run (uid {_started_as(execution)}), such as from a "
        f"backup; to run it again: kubectl annotate cx {execution.metadata.name} "
        f"{ANNOTATION_STARTED_AS}-"
    )
    reason = Reason.RESTORED
    status = settle(execution, execution.status, Phase.QUEUED, reason, text, now=now)
    held = FINALIZER in execution.metadata.finalizers
    actions: tuple[Action, ...] = (RemoveFinalizer(),) if held else ()
    return Decision(status, actions)


def _started_as(execution: ClaudeExecution) -> str | None:
    return execution.metadata.annotations.get(ANNOTATION_STARTED_AS)
