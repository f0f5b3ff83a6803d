"""What a client may do, as the API server's authorizer judges it.

Identity, Access -> RecentAnswers -> Reviews.may() -> bool
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from ccx_gateway.authn import REVIEW_SECONDS, unavailable
from ccx_gateway.errors import ClusterUnavailable
from ccx_gateway.recent_answers import KEPT_SECONDS, Known, RecentAnswers, TooManyQuestionsError
from ccx_kube.errors import ApiError
from ccx_kube.reviews import Access, Identity

MAX_DECISIONS: Final = 16_384
"""Pairs of identity and access whose review is kept, the denied ones among them."""


class MayThey(Protocol):
    async def may(self, identity: Identity, access: Access) -> bool: ...


class Authorizer:
    def __init__(
        self,
        reviews: MayThey,
        *,
        seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reviews = reviews
        self._recent = RecentAnswers[tuple[Identity, Access], bool](
            size=MAX_DECISIONS, seconds=seconds, clock=clock
        )

    async def decide(self, identity: Identity, access: Access) -> Known[bool]:
        """ClusterUnavailable if nobody can say."""
        try:
            return await self._recent.get((identity, access), lambda: self._ask(identity, access))
        except ApiError as exc:
            raise unavailable("SubjectAccessReview", exc) from None
        except (TimeoutError, TooManyQuestionsError):
            raise ClusterUnavailable("the API server does not say what you may do") from None

    async def _ask(self, identity: Identity, access: Access) -> bool:
        async with asyncio.timeout(REVIEW_SECONDS):
            return await self._reviews.may(identity, access)
