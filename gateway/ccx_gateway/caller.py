"""Who is at the other end of one socket, and whether they still may be, and do this.

check(): the token, reviewed again when its answer is old      require(): a verb, too

Every answer says until when it holds, so that whoever sits and watches asks again just then.
"""

import math
from collections.abc import Callable
from typing import Protocol

from ccx_gateway.authn import Authenticator, Token
from ccx_gateway.authz import Authorizer
from ccx_gateway.errors import ClusterUnavailable, Forbidden
from ccx_gateway.metrics import AuthResult
from ccx_kube.reviews import Access, Identity

Count = Callable[[AuthResult], None]


class SignedOut(Forbidden):
    """The token is not valid any more: the socket is to be closed."""


class Caller(Protocol):
    user: str
    """Empty where nobody signs in."""

    async def check(self) -> float:
        """Until when they may stay. SignedOut, or ClusterUnavailable if nobody can say."""
        ...

    async def require(self, access: Access) -> float:
        """Until when they may. Forbidden, SignedOut, or ClusterUnavailable."""
        ...


class Anybody:
    """With --auth=none, which is for loopback: who reaches it may do all that it can."""

    user = ""

    async def check(self) -> float:
        return math.inf

    async def require(self, access: Access) -> float:
        del access
        return math.inf


class SignedIn:
    def __init__(
        self,
        token: Token,
        user: str,
        authenticator: Authenticator,
        authorizer: Authorizer,
        *,
        count: Count,
    ) -> None:
        """`user` is whose the token was found to be just now."""
        self.user = user
        self._token = token
        self._authenticator, self._authorizer = authenticator, authorizer
        self._count = count

    async def check(self) -> float:
        return (await self._identity())[1]

    async def require(self, access: Access) -> float:
        identity, until = await self._identity()
        try:
            may = await self._authorizer.decide(identity, access)
        except ClusterUnavailable:
            self._count("unavailable")
            raise
        self._count("allowed" if may.value else "denied")
        if not may.value:
            raise Forbidden(f"{self.user} may not {access}: a Role must allow it")
        return min(until, may.until)

    async def _identity(self) -> tuple[Identity, float]:
        """As it is now: groups may have changed. Another user's it cannot become."""
        try:
            known = await self._authenticator.identify(self._token)
        except ClusterUnavailable:
            self._count("unavailable")
            raise
        identity = known.value
        if not isinstance(identity, Identity) or identity.username != self.user:
            self._count("unauthenticated")
            raise SignedOut("your token is not valid any more: connect again with a fresh one")
        return identity, known.until
