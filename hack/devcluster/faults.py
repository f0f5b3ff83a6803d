"""Faults of the API by name, and counts of what was asked: how tests make trouble and look.

POST /devcluster/faults -> Faults.add(); every request -> Faults.take() -> the fault that strikes it
"""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, get_args

from devcluster.apierrors import ApiError, bad_request

FaultName = Literal[
    "conflict",
    "gone",
    "too-many-requests",
    "server-error",
    "reset",
    "slow",
    "silent-watch",
    "lost-answer",
    "reset-exec",
    "close-exec",
]
NAMES: Final[tuple[str, ...]] = get_args(FaultName)
LIMIT: Final = 1000
"""Of faults that wait, and of strikes of one fault."""

WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
STREAMS: Final = frozenset({"exec", "log"})
"""Subresources whose answer is a stream, not a word on what was done."""


@dataclass
class Fault:
    """Strikes the next `count` requests that fit. An empty field fits every request."""

    fault: FaultName
    verb: str = ""
    """`write` fits every verb that changes something."""

    resource: str = ""
    """Or several, with commas between them."""

    subresource: str | None = None
    """None fits all, empty only the main resource."""

    namespace: str = ""
    agent: str = ""
    """The first word of the client's User-Agent, without its version."""

    after: int = 0
    """So many that fit are let through first."""

    count: int = 1
    bytes: int = 0
    """What of an exec's stdout goes out before it is cut: frames end anywhere in it."""

    seconds: float = 1.0
    """How long it is slow, silent or unanswered, or what Retry-After says."""

    is_carried_out: bool = field(default=False, init=False)
    """The write whose answer is lost has been done."""

    def fits(self, request: "RequestKind", *, is_open: bool) -> bool:
        if self.fault == "silent-watch" and not is_open:
            return False
        if self.fault == "lost-answer" and not request.is_write:
            return False
        if self.cuts_exec and request.subresource != "exec":
            return False
        return (
            (self.verb in ("", request.verb) or (self.verb == "write" and request.is_write))
            and (not self.resource or request.resource in self.resource.split(","))
            and self.subresource in (None, request.subresource)
            and self.namespace in ("", request.namespace)
            and self.agent in ("", request.agent)
        )

    @property
    def cuts_exec(self) -> bool:
        return self.fault in ("reset-exec", "close-exec")

    def error(self) -> ApiError | None:
        """What the client is told; None for a fault that is not an answer."""
        match self.fault:
            case "conflict":
                words = "Operation cannot be fulfilled: the object has been modified (injected)"
                return ApiError(409, "Conflict", words)
            case "gone":
                return ApiError(410, "Expired", "too old resource version (injected)")
            case "too-many-requests":
                seconds = max(1, round(self.seconds))
                words = "the server has received too many requests (injected)"
                return ApiError(429, "TooManyRequests", words, retry_after=seconds)
            case "server-error":
                return ApiError(500, "InternalError", "an error on the server (injected)")
        return None


@dataclass(frozen=True, slots=True)
class RequestKind:
    verb: str
    resource: str
    subresource: str
    namespace: str = ""
    agent: str = ""

    @property
    def is_write(self) -> bool:
        return self.verb in WRITES and self.subresource not in STREAMS


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._struck: Counter[str] = Counter()
        self._requests: Counter[tuple[RequestKind, int]] = Counter()

    def add(self, body: Any) -> Fault:
        """From the JSON of a POST; a mistake in it is a 400 that says what would be right."""
        if not isinstance(body, dict) or body.get("fault") not in NAMES:
            raise bad_request(f"fault: must be one of {', '.join(NAMES)}")
        known = [known.name for known in fields(Fault) if known.init]
        if unknown := body.keys() - set(known):
            raise bad_request(f"{min(unknown)}: unknown; known are {', '.join(known)}")
        fault = Fault(**body)
        if not isinstance(fault.seconds, int | float) or fault.seconds < 0:
            raise bad_request("seconds: must be a number, 0 or more")
        if not isinstance(fault.bytes, int) or fault.bytes < 0:
            raise bad_request("bytes: must be a whole number, 0 or more")
        if fault.count not in range(1, LIMIT + 1) or len(self._waiting) >= LIMIT:
            raise bad_request(f"count: must be 1 to {LIMIT}, and at most {LIMIT} faults may wait")
        if fault.after not in range(LIMIT + 1):
            raise bad_request(f"after: must be 0 to {LIMIT}")
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, request: RequestKind, *, is_open: bool = False) -> Fault | None:
        """The first fault that fits, one strike less; None if none does.

        `is_open` is a watch that has an event to send: only such a one can fall silent.
        """
        for fault in self._waiting:
            if fault.fits(request, is_open=is_open):
                if fault.after:
                    fault.after -= 1
                    continue
                fault.count -= 1
                self._struck[fault.fault] += 1
                if not fault.count:
                    self._waiting.remove(fault)
                return fault
        return None

    def count(self, request: RequestKind, code: int) -> None:
        """A watch or exec is counted when it ends, with code 200 or 101."""
        self._requests[request, code] += 1

    def faults(self) -> dict[str, Any]:
        return {"waiting": [vars(fault) for fault in self._waiting], "injected": dict(self._struck)}

    def requests(self) -> dict[str, Any]:
        return {
            "requests": [
                {
                    "verb": kind.verb,
                    "resource": kind.resource,
                    "subresource": kind.subresource,
                    "namespace": kind.namespace,
                    "agent": kind.agent,
                    "code": code,
                    "count": count,
                }
                for (kind, code), count in sorted(self._requests.items(), key=repr)
            ]
        }
