"""Which wishes hold: generations, owners of a freeze, finality of a cancel. Pure.

verb + wish -> Wishes.take() -> the next Wishes | Refused

Two messengers may bring the same wishes in any order, twice and late: what holds in the end is
what the highest generation says, and a cancel whenever there was one.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

PAUSE: Final = "pause"
RESUME: Final = "resume"
CANCEL: Final = "cancel"

VERB_OF: Final = {"Running": RESUME, "Paused": PAUSE, "Cancelled": CANCEL}

SPEC: Final = "spec"
LOCAL: Final = "local"
"""Owners of a freeze: the execution's spec, and a person inside the pod. Each lets go of its own
alone, and the tree stays frozen while one is left."""


MAX_GENERATION: Final = 2**63
REPORT: Final = "Report"
FAIL: Final = "Fail"
"""What becomes of a stall."""

MAX_DEADLINE: Final = 10**10
"""Seconds: some 300 years."""


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """A wish that does not hold. The text goes to the messenger."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one generation of the spec says: the whole of it, so an absent deadline is none."""

    generation: int
    desired_state: str
    active_deadline_seconds: float | None = None
    stall_timeout_seconds: float | None = None
    on_stall: str = REPORT

    @property
    def verb(self) -> str:
        return VERB_OF[self.desired_state]

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> "Wish":
        """Unknown fields are ignored: a newer messenger may send more."""
        generation, desired = _generation(fields.get("generation")), fields.get("desiredState")
        if not isinstance(desired, str) or desired not in VERB_OF:
            raise Refused(f"desiredState: must be one of {', '.join(VERB_OF)}")
        return cls(
            generation,
            desired,
            _seconds(fields, "activeDeadlineSeconds"),
            _seconds(fields, "stallTimeoutSeconds"),
            FAIL if fields.get("onStall") == FAIL else REPORT,
        )

    @classmethod
    def from_json(cls, text: str) -> "Wish":
        try:
            fields = json.loads(text)
        except ValueError as exc:
            raise Refused(f"not JSON: {exc}") from exc
        if not isinstance(fields, dict):
            raise Refused('not a JSON object such as {"generation":1,"desiredState":"Running"}')
        return cls.parse(fields)


def _generation(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_GENERATION:
        raise Refused("generation: must be a whole number, 0 or more, of at most 63 bits")
    return value


def _seconds(fields: dict[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{name}: must be a number")
    if not 0 < value <= MAX_DEADLINE:
        raise Refused(f"{name}: must be above 0 and at most {MAX_DEADLINE}")
    return float(value)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of the process now."""

    generation: int = 0
    """The newest that was accepted."""

    frozen_by: frozenset[str] = frozenset()
    cancelled: bool = False
    active_deadline_seconds: float | None = None
    stall_timeout_seconds: float | None = None
    on_stall: str = REPORT
    _desired_state: str | None = None
    """What `generation` said, None before the first wish."""

    @property
    def frozen(self) -> bool:
        return bool(self.frozen_by)

    def take(self, verb: str, wish: Wish | None = None) -> "Wishes":
        """Without a wish it is a person's, who acts as the owner `local`. Raises Refused."""
        if wish is not None and wish.verb != verb:
            raise Refused(f"desiredState {wish.desired_state} does not agree with {verb}")
        if verb == CANCEL:
            generation = wish.generation if wish else 0
            return replace(self, cancelled=True, generation=max(self.generation, generation))
        if self.cancelled:
            raise Refused("cancelled")
        if wish is None:
            return self.held(LOCAL, frozen=verb == PAUSE)
        return self._taken(wish)

    def _taken(self, wish: Wish) -> "Wishes":
        if wish.generation < self.generation:
            raise Refused("stale generation")
        said = self._desired_state
        if wish.generation == self.generation and said not in (None, wish.desired_state):
            raise Refused(f"generation {wish.generation} has already said {said}")
        return replace(
            self.held(SPEC, frozen=wish.verb == PAUSE),
            generation=wish.generation,
            active_deadline_seconds=wish.active_deadline_seconds,
            stall_timeout_seconds=wish.stall_timeout_seconds,
            on_stall=wish.on_stall,
            _desired_state=wish.desired_state,
        )

    def held(self, owner: str, *, frozen: bool) -> "Wishes":
        """By that owner, or no longer by that owner: the others' freezes stay."""
        owners = self.frozen_by | {owner} if frozen else self.frozen_by - {owner}
        return replace(self, frozen_by=owners)
