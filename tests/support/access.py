"""Stand-ins for the API server's reviews, and a clock that a test turns."""

from dataclasses import dataclass, field

from ccx_gateway.authn import Authenticator, Token
from ccx_gateway.authz import Authorizer
from ccx_gateway.caller import SignedIn
from ccx_gateway.metrics import AuthResult
from ccx_kube.errors import ApiError
from ccx_kube.reviews import Access, Identity, Refusal

ALICE = Identity("alice", "u1", ("devs",), (("pod", ("p1",)),))


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class RecordingReviews:
    """Who is known and what is granted may change at any time; every question is recorded."""

    known: dict[str, Identity] = field(default_factory=lambda: {"alice-token": ALICE})
    granted: set[Access] = field(default_factory=set)
    failure: ApiError | None = None
    tokens: list[str] = field(default_factory=list)
    accesses: list[tuple[Identity, Access]] = field(default_factory=list)

    async def who_is(self, token: str, audience: str) -> Identity | Refusal:
        self.tokens.append(token)
        if self.failure is not None:
            raise self.failure
        return self.known.get(token, Refusal(f"not for {audience}"))

    async def may(self, identity: Identity, access: Access) -> bool:
        self.accesses.append((identity, access))
        if self.failure is not None:
            raise self.failure
        return access in self.granted


@dataclass
class SignIn:
    """A client's way in, on stand-ins."""

    reviews: RecordingReviews = field(default_factory=RecordingReviews)
    clock: Clock = field(default_factory=Clock)
    counted: list[AuthResult] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.authenticator = Authenticator(self.reviews, "cc-executor", clock=self.clock)
        self.authorizer = Authorizer(self.reviews, clock=self.clock)

    def caller(self, token: str = "alice-token", user: str = "alice") -> SignedIn:
        return SignedIn(
            *(Token(token), user, self.authenticator, self.authorizer), count=self.counted.append
        )
