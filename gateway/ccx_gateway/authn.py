"""Who a client is: its bearer token, as the API server judges it.

Token -> SHA-256 -> RecentAnswers -> Reviews.who_is() -> Identity | Refusal
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from ccx_gateway.errors import ClusterUnavailable
from ccx_gateway.recent_answers import KEPT_SECONDS, Known, RecentAnswers, TooManyQuestionsError
from ccx_kube.errors import ApiError
from ccx_kube.reviews import Identity, Refusal

log = logging.getLogger(__name__)

MAX_TOKENS: Final = 4096
"""Tokens whose review is kept, the refused ones among them."""

REVIEW_SECONDS: Final = 10.0
"""Within which the API server answers, or nobody knows."""

Judged = Identity | Refusal


class WhoIs(Protocol):
    async def who_is(self, token: str, audience: str) -> Judged: ...


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token that no log line shows. Equal by its hash, which is what is kept of it."""

    value: str = field(repr=False, compare=False)
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.value.encode()).digest())


class Authenticator:
    def __init__(
        self,
        reviews: WhoIs,
        audience: str,
        *,
        seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.audience = audience
        self._reviews = reviews
        self._recent = RecentAnswers[bytes, Judged](size=MAX_TOKENS, seconds=seconds, clock=clock)

    async def identify(self, token: Token) -> Known[Judged]:
        """ClusterUnavailable if nobody can say."""
        try:
            return await self._recent.get(token.digest, lambda: self._ask(token))
        except ApiError as exc:
            raise unavailable("TokenReview", exc) from None
        except (TimeoutError, TooManyQuestionsError):
            raise ClusterUnavailable("the API server does not say whose token it is") from None

    async def _ask(self, token: Token) -> Judged:
        async with asyncio.timeout(REVIEW_SECONDS):
            return await self._reviews.who_is(token.value, self.audience)


def unavailable(review: str, exc: ApiError) -> ClusterUnavailable:
    """A refusal is about the gateway's own rights here, never about the client's."""
    if exc.status in (401, 403):
        log.error("the gateway may not create a %s: its ClusterRole must allow it", review)
    else:
        log.warning("no answer to a %s: %s %s", review, exc.status, exc.reason)
    return ClusterUnavailable("the API server cannot say what you may do: try again")
