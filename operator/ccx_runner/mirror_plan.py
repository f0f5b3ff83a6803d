"""What of the output goes to the container's log. Pure: time comes in as a value.

output -> TokenBucket: how many bytes -> as many whole lines -> and what was left out, in a line
"""

from typing import Final

BURST: Final = 4 * 1024 * 1024
RATE: Final = 256 * 1024
"""Bytes, and bytes a second: containerd pays 30 CPU seconds a gigabyte for a log."""

RESUME: Final = 64 * 1024
"""Once something had to be left out, so much must fit again: few large holes, not many notices."""


class TokenBucket:
    def __init__(self, *, burst: int, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._tokens = float(burst)
        self._filled_at: float | None = None

    def available(self, now: float) -> int:
        """Bytes that may go now. `now` is in seconds and does not go back."""
        if self._filled_at is not None:
            gained = max(0.0, now - self._filled_at) * self._rate
            self._tokens = min(float(self._burst), self._tokens + gained)
        self._filled_at = now
        return int(self._tokens)

    def spend(self, count: int) -> None:
        self._tokens -= count


class MirrorPlan:
    def __init__(self, *, burst: int = BURST, rate: float = RATE, resume: int = RESUME) -> None:
        self._bucket = TokenBucket(burst=burst, rate=rate)
        self._resume = min(resume, burst)
        self._left_out = 0
        self._at_line_start = True

    def admit(self, data: bytes, now: float, *, room: int) -> bytes:
        """What to write: a notice if something was left out before, then the data that may go.

        At most `room` bytes. Cut after a whole line; a line that is longer than what may go is
        left out, so the log holds whole lines only, except where the process itself made a rest.
        """
        notice = self._notice()
        allowed = min(self._bucket.available(now), room)
        waits = self._left_out and allowed < self._resume
        kept = b"" if waits else self._cut(data, allowed - len(notice))
        if not kept:
            self._left_out += len(data)
            return b""
        self._left_out = len(data) - len(kept)
        self._at_line_start = kept.endswith(b"\n")
        self._bucket.spend(len(notice) + len(kept))
        return notice + kept

    def last_words(self) -> bytes:
        """At the end: the notice of what was left out last. Not limited, it is short."""
        notice = self._notice()
        self._left_out = 0
        return notice

    def _cut(self, data: bytes, allowed: int) -> bytes:
        if len(data) <= allowed:
            return data
        return data[: data.rfind(b"\n", 0, max(0, allowed)) + 1]

    def _notice(self) -> bytes:
        if not self._left_out:
            return b""
        before = b"" if self._at_line_start else b"\n"
        count = f"{self._left_out:,}".encode()
        return before + b"[ccx] " + count + b" bytes left out of this log; the spool has them\n"
