"""A termination message: the last words of a runner, or of whatever else was there. Pure."""

import json

from pydantic import ValidationError

from ccx_api.snapshot import Snapshot, unreadable


def parse_snapshot(message: str) -> Snapshot | None:
    """The first line of a termination message, or None if it is not the runner's."""
    try:
        return Snapshot.model_validate_json(message.partition("\n")[0])
    except ValidationError:
        return None


def other_version(message: str) -> str:
    """Why a snapshot of the runner's cannot be read; empty if it is none, or can be."""
    try:
        told = json.loads(message.partition("\n")[0])
    except (ValueError, RecursionError):
        return ""
    return unreadable(told) if isinstance(told, dict) else ""
