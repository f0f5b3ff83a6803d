"""From an execute's parameters to the ClaudeExecution that is created. Pure.

command | argv | prompt + fields of the CRD -> argv for the allow-list, body for the API server
"""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
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

_NOTHING: Final = object()

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
    check(spec)
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


def check(spec: Mapping[str, Any]) -> None:
    """What the API server would refuse too, or drop, but told by field and rule."""
    try:
        known = ExecutionSpec.model_validate(spec)
    except ValidationError as exc:
        raise InvalidParams.from_validation(exc) from None
    if unknown := _unknown(spec, known.model_dump(mode="json", exclude_unset=True)):
        raise InvalidParams(f"{unknown}: no such field")


def _unknown(given: object, taken: object, path: str = "") -> str | None:
    """Where something was given that no model has taken: a slip that would go unnoticed."""
    if isinstance(given, Mapping) and isinstance(taken, Mapping):
        pairs = [(str(key), value, taken.get(key, _NOTHING)) for key, value in given.items()]
    elif isinstance(given, list | tuple) and isinstance(taken, list | tuple):
        pairs = [(str(n), *pair) for n, pair in enumerate(zip(given, taken, strict=False))]
    else:
        return None
    for key, value, found in pairs:
        place = f"{path}.{key[:64]}".lstrip(".")
        if found is _NOTHING:
            return place
        if (deeper := _unknown(value, found, place)) is not None:
            return deeper
    return None
