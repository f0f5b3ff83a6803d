"""Ask the API server who somebody is, and what they may do with our executions.

token -> TokenReview -> Identity | Refusal        Identity, Access -> SubjectAccessReview -> bool

No error that leaves this module quotes the token: of an answer to a TokenReview, which may quote
the question, status and reason are kept.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from ccx_api.names import GROUP, PLURAL, VERSION
from ccx_kube.answers import Object
from ccx_kube.errors import ApiError
from ccx_kube.session import KubeSession

_TOKEN_REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105  a path
_ACCESS_REVIEWS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Identity:
    """A user as the API server knows them."""

    username: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """What authentication adds, such as the pod of a service account: authorization may use it."""

    @classmethod
    def of(cls, user: Object) -> Self:
        extra = sorted((user.get("extra") or {}).items())
        return cls(
            username=user["username"],
            uid=user.get("uid") or "",
            groups=tuple(user.get("groups") or ()),
            extra=tuple((key, tuple(values or ())) for key, values in extra),
        )

    def as_subject(self) -> Object:
        """As the spec of a SubjectAccessReview has it, where username is called user."""
        extra = {key: list(values) for key, values in self.extra}
        return {
            "user": self.username,
            "uid": self.uid,
            "groups": list(self.groups),
            "extra": extra,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a token is nobody's, in our words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Access:
    """A verb on ClaudeExecutions of a namespace: on one by name, or on none in particular."""

    verb: str
    namespace: str
    name: str = ""

    def __str__(self) -> str:
        which = f' "{self.name}"' if self.name else ""
        return f'{self.verb} {PLURAL}.{GROUP}{which} in namespace "{self.namespace}"'


class Reviews:
    def __init__(self, session: KubeSession) -> None:
        self._session = session

    async def who_is(self, token: str, audience: str) -> Identity | Refusal:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [audience]},
        }
        try:
            answer = await self._session.request("POST", _TOKEN_REVIEWS, body=body)
        except ApiError as exc:
            raise ApiError(
                exc.status, exc.reason, "of a TokenReview", retry_after=exc.retry_after
            ) from None
        return identity_of(answer, audience)

    async def may(self, identity: Identity, access: Access) -> bool:
        attributes = {
            "group": GROUP,
            "version": VERSION,
            "resource": PLURAL,
            "verb": access.verb,
            "namespace": access.namespace,
            "name": access.name,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {**identity.as_subject(), "resourceAttributes": attributes},
        }
        return is_allowed(await self._session.request("POST", _ACCESS_REVIEWS, body=body))


def identity_of(answer: Object, audience: str) -> Identity | Refusal:
    """A server that knows nothing of audiences leaves them out: the token may be for anybody."""
    status = _status(answer)
    user = status.get("user") or {}
    if status.get("authenticated") is not True or not user.get("username"):
        return Refusal("the token is unknown, has expired, or is not for this audience")
    if audience not in (status.get("audiences") or ()):
        return Refusal("the API server does not confirm that the token is for this audience")
    return Identity.of(user)


def is_allowed(answer: Object) -> bool:
    status = _status(answer)
    return status.get("allowed") is True and status.get("denied") is not True


def _status(answer: Object) -> dict[str, Any]:
    return answer.get("status") or {}
