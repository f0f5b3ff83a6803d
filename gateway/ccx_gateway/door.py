"""Who may come in: an upgrade request -> Caller, or Refused with what to do about it.

Origin -> no token in the URL -> bearer token -> Authenticator -> SignedIn
"""

from collections.abc import Collection

from ccx_gateway.authn import Authenticator
from ccx_gateway.authz import Authorizer
from ccx_gateway.caller import Anybody, Caller, Count, SignedIn
from ccx_gateway.errors import ClusterUnavailable
from ccx_gateway.handshake import (
    Refused,
    Upgrade,
    bearer_token,
    invalid_token,
    is_allowed_origin,
    refuse_token_in_url,
)
from ccx_kube.reviews import Identity


class Door:
    def __init__(
        self,
        sign_in: tuple[Authenticator, Authorizer] | None,
        *,
        origins: Collection[str] = (),
        count: Count,
    ) -> None:
        """Without `sign_in` anybody comes in: that is for loopback."""
        self._sign_in, self._count = sign_in, count
        self._origins = frozenset(origins)

    async def admit(self, upgrade: Upgrade) -> Caller:
        """Refused if not. Every result is counted."""
        try:
            caller = await self._admit(upgrade)
        except Refused as exc:
            match exc.error:
                case "unauthenticated" | "unavailable":
                    self._count(exc.error)
                case "forbidden":
                    self._count("denied")
            raise
        if self._sign_in is not None:
            self._count("allowed")
        return caller

    async def _admit(self, upgrade: Upgrade) -> Caller:
        signs_in = self._sign_in is not None
        if not is_allowed_origin(upgrade.origin, upgrade.host, self._origins, signs_in=signs_in):
            text = "pages of another origin may not connect: see the gateway's --allow-origin"
            raise Refused("forbidden", text, "foreign origin")
        refuse_token_in_url(upgrade.query)
        if self._sign_in is None:
            return Anybody()
        return await self._signed_in(upgrade, *self._sign_in)

    async def _signed_in(
        self, upgrade: Upgrade, authenticator: Authenticator, authorizer: Authorizer
    ) -> Caller:
        token = bearer_token(upgrade.authorization, authenticator.audience)
        try:
            found = (await authenticator.identify(token)).value
        except ClusterUnavailable as exc:
            raise Refused("unavailable", str(exc), "no answer to a TokenReview") from None
        if not isinstance(found, Identity):
            raise invalid_token(authenticator.audience, found.reason)
        return SignedIn(token, found.username, authenticator, authorizer, count=self._count)
