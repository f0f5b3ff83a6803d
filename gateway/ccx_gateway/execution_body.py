"""From an execute's parameters to the ClaudeExecution that is created. Pure.

command | argv | prompt + fields of the CRD -> argv for the allow-list, body for the API server
"""

import hashlib
import shlex
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from ccx_api.names import API_VERSION, KIND
from ccx_api.v1alpha1 import ExecutionSpec
from ccx_gateway.errors import InvalidParams
from ccx_gateway.params import Execute

CLAUDE: Final = "claude"
GENERATED: Final = "ccx-"
"""What names begin with that nobody has chosen."""

_TASK_FIELDS: Final = ("prompt", "prompt_from", "command")

Body = dict[str, Any]


def argv_of(params: Execute) -> tuple[str, ...]:
    """What the allow-list judges: a prompt is Claude Code."""
    if params.argv is not None:
        return params.argv
    if params.command is None:
        return (CLAUDE,)
    try:
        return tuple(shlex.split(params.command))
    except ValueError as exc:
        raise InvalidParams(f"command: {str(exc).lower()}") from None


def execution_body(
    params: Execute, argv: Sequence[str], *, namespace: str, session: Body, user: str = ""
) -> Body:
    """`session` is spec.session: whose execution it is, and at which gateway. `user` is whom the
    API server knows the client as; empty where nobody signs in.
    """
    spec = {"onDisconnect": "Cancel", **params.spec_fields, "session": session}
    if user:
        spec["requestedBy"] = user
    if params.command is not None or params.argv is not None:
        spec["command"] = list(argv)
    if params.timeout is not None:
        spec["activeDeadlineSeconds"] = params.timeout
    _check(spec)
    metadata: Body = {"namespace": namespace, **_name(params)}
    if params.labels:
        metadata["labels"] = dict(params.labels)
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def is_same_task(body: Body, found: ExecutionSpec) -> bool:
    """Whether an execution that has the name already is what a retry asks for."""
    wanted = ExecutionSpec.model_validate(body["spec"])
    return all(getattr(wanted, field) == getattr(found, field) for field in _TASK_FIELDS)


def _name(params: Execute) -> dict[str, str]:
    if params.name is not None:
        return {"name": params.name}
    if params.idempotency_key is not None:
        return {
            "name": GENERATED + hashlib.sha256(params.idempotency_key.encode()).hexdigest()[:20]
        }
    return {"generateName": GENERATED}


def _check(spec: Body) -> None:
    """What the API server would refuse too, but told by field and rule."""
    try:
        ExecutionSpec.model_validate(spec)
    except ValidationError as exc:
        raise InvalidParams.from_validation(exc) from None
