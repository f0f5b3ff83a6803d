"""Ask the caller's permission for a call, and tell the audit of every denial.

action, Access, ... -> Caller -> let through, and noted how long that rests on its answers
                              └> audit line, Forbidden
"""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from ccx_gateway import audit
from ccx_gateway.caller import Caller, SignedOut
from ccx_gateway.errors import ClusterUnavailable, Forbidden
from ccx_kube.reviews import Access


class Permission:
    """Of one socket."""

    def __init__(
        self, caller: Caller, who: audit.Who, rests_until: Callable[[float], None]
    ) -> None:
        """`rests_until` is told when an answer that something was let through by ends."""
        self._caller, self._who, self._rests_until = caller, who, rests_until

    @property
    def user(self) -> str:
        """Empty where nobody signs in."""
        return self._caller.user

    async def check(self, method: str) -> None:
        """Who is not known any more can do nothing, whatever the method needs."""
        try:
            with suppress(ClusterUnavailable):  # Standing says how long that may be so
                await self._caller.check()
        except SignedOut as exc:
            self._signed_out(exc, method)

    async def need(self, action: str, rights: tuple[Access, ...]) -> None:
        """Forbidden unless the caller has them all; ClusterUnavailable if nobody can say."""
        for access in rights:
            try:
                self._rests_until(await self._caller.require(access))
            except SignedOut as exc:
                self._signed_out(exc, action)
            except Forbidden:
                audit.denied(self._who, action, access)
                raise

    def _signed_out(self, exc: SignedOut, action: str) -> NoReturn:
        audit.refused(self._who, "token not valid any more", action)
        self._rests_until(-math.inf)  # so that the socket ends, and not only this call
        raise exc
