"""Lists in pieces: `limit` and `continue`.

the first request takes the whole list, and what it did not ask for is kept -> the next ones

All pieces of a list are of one version, as with the real server.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from devcluster.apierrors import bad_request, expired
from devcluster.history import Object

KEPT: Final = 64
"""Lists that are not read to their end. The oldest goes, and whoever reads on gets 410."""


@dataclass(frozen=True, slots=True)
class Piece:
    objects: list[Object]
    version: int
    following: str = ""
    left: int = 0
    """Objects of the list that come after this piece."""

    def metadata(self, *, is_custom: bool = False) -> dict[str, Any]:
        """Lists of custom resources always say `continue`; of a selection nobody has counted."""
        found: dict[str, Any] = {"resourceVersion": str(self.version)}
        if self.following or is_custom:
            found["continue"] = self.following
        if self.following and self.left:
            found["remainingItemCount"] = self.left
        return found


class Pieces:
    def __init__(self) -> None:
        self._rests: OrderedDict[str, Piece] = OrderedDict()

    def cut(
        self,
        resource: str,
        whole: Callable[[], tuple[list[Object], int]],
        *,
        limit: int,
        following: str,
        counted: bool,
    ) -> Piece:
        """The next `limit` objects, all for 0."""
        rest = self._rest(resource, following) if following else Piece(*whole())
        if limit <= 0 or len(rest.objects) <= limit:
            return Piece(rest.objects, rest.version)
        token = f"{resource}:{secrets.token_urlsafe(9)}"
        now, later = rest.objects[:limit], rest.objects[limit:]
        self._rests[token] = Piece(later, rest.version)
        while len(self._rests) > KEPT:
            self._rests.popitem(last=False)
        return Piece(now, rest.version, token, len(later) if counted else 0)

    def _rest(self, resource: str, token: str) -> Piece:
        """May be asked for again: an answer can get lost."""
        if not token.startswith(f"{resource}:"):
            raise bad_request("continue key is not valid: illegal base64 data at input byte 0")
        rest = self._rests.get(token)
        if rest is None:
            raise expired(
                "The provided continue parameter is too old to display a consistent list result. "
                "You must start a new list without the continue parameter."
            )
        return rest
