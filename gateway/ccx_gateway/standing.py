"""Keep asking whether the caller of one socket may still be there, and see what it sees.

until(when) ──> due ──> check the token, and the right of every stream ──> due again
                        └> SignedOut: the socket ends      └> Forbidden: the stream ends

Answers are kept for 60 s and asked for again just when they end. So a right that is taken away
is gone within 60 s also for one who only listens.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NoReturn

from ccx_gateway.caller import Caller, SignedOut
from ccx_gateway.errors import ClusterUnavailable, Forbidden
from ccx_gateway.following import Following
from ccx_gateway.session import Session
from ccx_kube.reviews import Access

UNKNOWN_SECONDS: Final = 300.0
"""How long a socket stays while nobody can say whether it may: an API server that is started
anew must not end every session."""

RETRY_SECONDS: Final = 5.0

Cut = Callable[[Following, Access, Forbidden], Awaitable[None]]


class Standing:
    def __init__(
        self,
        caller: Caller,
        session: Session,
        cut: Cut,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`cut` ends a stream. It must not wait for a client that does not read."""
        self._caller, self._session, self._cut, self._clock = caller, session, cut, clock
        self._sure_at = clock()
        self._due = -math.inf
        self._earlier: asyncio.Future[None] | None = None  # an Event would cost an idle client more

    def until(self, when: float) -> None:
        """Something that was let through rests on an answer that holds until then."""
        if when < self._due:
            self._due = when
            if self._earlier is not None and not self._earlier.done():
                self._earlier.set_result(None)

    async def run(self) -> NoReturn:
        """Until it raises SignedOut, or ClusterUnavailable after all that time."""
        while True:
            self._due = math.inf
            self.until(await self.review())
            while (left := self._due - self._clock()) > 0:
                self._earlier = asyncio.get_running_loop().create_future()
                with suppress(TimeoutError):
                    async with asyncio.timeout(left if left < math.inf else None):
                        await self._earlier

    async def review(self) -> float:
        """Until when all is known to be well."""
        try:
            until = await self._caller.check()
            for following, access in self._session.streams():
                until = min(until, await self._stream(following, access))
        except ClusterUnavailable:
            if self._clock() >= self._sure_at + UNKNOWN_SECONDS:
                raise
            return self._clock() + RETRY_SECONDS
        self._sure_at = self._clock()
        return until

    async def _stream(self, following: Following, access: Access) -> float:
        try:
            return await self._caller.require(access)
        except SignedOut:
            raise
        except Forbidden as exc:
            await self._cut(following, access, exc)
            return math.inf
