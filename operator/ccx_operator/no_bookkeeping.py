"""kopf's storages of what it has handled, for an operator that keeps no such books.

kopf copies and compares every object of every event for handlers of changes, also where there are
none: that was half of the operator's work (docs/decisions/0011). These say that there is nothing.
"""

from typing import Any

import kopf


class NoDiffs(kopf.DiffBaseStorage):
    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        """Nothing was handled that would have to be remembered."""


class NoProgress(kopf.ProgressStorage):
    def fetch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence

    def store(self, **_: Any) -> None:
        """No handler is ever in the middle of something."""

    purge = touch = store
