"""TokenReview and SubjectAccessReview, in the real server's form. Nothing is stored.

spec -> Accounts -> the same object with a status

An `authenticated: false` is left out, as there: an absent field says the same.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from devcluster import apierrors
from devcluster.accounts import EVERYBODY, Account, Accounts
from devcluster.history import Object
from devcluster.resources import ResourceType

TOKEN_REVIEWS: Final = ResourceType(
    "authentication.k8s.io",
    "v1",
    "tokenreviews",
    "TokenReview",
    "tokenreview",
    namespaced=False,
    verbs=("create",),
)
ACCESS_REVIEWS: Final = ResourceType(
    "authorization.k8s.io",
    "v1",
    "subjectaccessreviews",
    "SubjectAccessReview",
    "subjectaccessreview",
    namespaced=False,
    verbs=("create",),
)
REVIEWS: Final = (TOKEN_REVIEWS, ACCESS_REVIEWS)
OWN_AUDIENCE: Final = "https://kubernetes.default.svc"
"""Asked about where a review names none."""


def review(rt: ResourceType, body: Object, accounts: Accounts) -> Object:
    spec = body.get("spec") or {}
    if rt is TOKEN_REVIEWS:
        status = _token(spec, accounts, datetime.now(UTC))
    else:
        status = _access(spec, accounts)
    return {**body, "metadata": {}, "status": status}


def _token(spec: Any, accounts: Accounts, now: datetime) -> Object:
    if not spec.get("token"):
        raise apierrors.bad_request("token is required for TokenReview in authentication")
    wanted = spec.get("audiences") or [OWN_AUDIENCE]
    found = accounts.tokens.get(spec["token"])
    if found is None:
        return {"user": {}, "error": "invalid bearer token"}
    if found.has_expired(now):
        why = "service account token has expired"
        return {"user": {}, "error": f"[invalid bearer token, {why}]"}
    confirmed = [audience for audience in wanted if audience in found.audiences]
    if not confirmed:
        theirs, ours = _quoted(found.audiences), _quoted(wanted)
        why = f"token audiences {theirs} is invalid for the target audiences {ours}"
        return {"user": {}, "error": f"[invalid bearer token, {why}]"}
    return {"authenticated": True, "user": _user(found), "audiences": confirmed}


def _user(account: Account) -> Object:
    extra = {key: list(values) for key, values in account.extra.items()}
    return {
        "username": account.user,
        **({"uid": account.uid} if account.uid else {}),
        "groups": [*account.groups, EVERYBODY],
        **({"extra": extra} if extra else {}),
    }


def _access(spec: Any, accounts: Accounts) -> Object:
    attributes = spec.get("resourceAttributes")
    if not attributes:
        raise _invalid(
            "resourceAttributes",
            "null",
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        )
    if not spec.get("user") and not spec.get("groups"):
        raise _invalid("user", '""', "at least one of user or group must be specified")
    for number, rule in enumerate(accounts.rules):
        if rule.allows(spec, attributes):
            return {"allowed": True, "reason": f"devcluster: allowed by rule {number}"}
    return {"allowed": False}


def _invalid(field: str, value: str, words: str) -> apierrors.ApiError:
    """As the server tells it, which has no kind at hand here."""
    message, path = f"Invalid value: {value}: {words}", f"spec.{field}"
    cause = {"reason": "FieldValueInvalid", "message": message, "field": path}
    return apierrors.ApiError(
        422,
        "Invalid",
        f'.{ACCESS_REVIEWS.group} "" is invalid: {path}: {message}',
        details={"group": ACCESS_REVIEWS.group, "causes": [cause]},
    )


def _quoted(words: Sequence[str]) -> str:
    return "[" + " ".join(f'"{word}"' for word in words) + "]"
