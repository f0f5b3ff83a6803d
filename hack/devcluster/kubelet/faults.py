"""Faults of the node that a pod asks for by annotation (the table is in README.md). Pure."""

from enum import StrEnum
from typing import Final

from devcluster.history import Object

ANNOTATION: Final = "devcluster/fault"
EVICTION: Final = "The node was low on resource: memory. "


class Fault(StrEnum):
    OOM = "oom"
    EVICT = "evict"
    NODE_LOST = "node-lost"
    NO_START = "no-start"
    START_ERROR = "start-error"


def fault_of(pod: Object) -> Fault | None:
    wanted = (pod["metadata"].get("annotations") or {}).get(ANNOTATION)
    return Fault(wanted) if wanted in set(Fault) else None


def is_unknown(pod: Object) -> bool:
    wanted = (pod["metadata"].get("annotations") or {}).get(ANNOTATION)
    return bool(wanted) and wanted not in set(Fault)
