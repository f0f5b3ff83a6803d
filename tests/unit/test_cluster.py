import pytest

from ccx_kube.errors import ApiError, Unreachable
from ccx_operator.cluster import refusal_kind

QUOTA = (
    'pods "x" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=2, limited: pods=2'
)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (403, QUOTA, "quota"),
        (403, 'pods "x" is forbidden: status unknown for quota: q', "quota"),
        (403, "error looking up service account ns/default: not found", "quota"),
        (403, 'User "o" cannot create resource "pods" in API group ""', "quota"),
        (500, "failed calling webhook", "quota"),
        (503, "try again", "quota"),
        (403, 'violates PodSecurity "restricted:latest"', "rejected"),
        (403, "failed quota: q: must specify limits.cpu", "rejected"),
        (422, "Invalid value", "rejected"),
        (400, "admission webhook denied the request", "rejected"),
    ],
)
def test_a_quota_and_a_passing_error_are_tried_again_and_a_no_is_not(
    status: int, message: str, kind: str
) -> None:
    assert refusal_kind(ApiError(status, "Reason", message)) == kind


@pytest.mark.parametrize(
    "error", [ApiError(401, "Unauthorized", ""), ApiError(429, "Busy", ""), Unreachable("reset")]
)
def test_what_says_nothing_of_the_pod_is_no_refusal(error: ApiError) -> None:
    with pytest.raises(ApiError):
        refusal_kind(error)


@pytest.mark.parametrize("reason", ["NamespaceTerminating", "Other"])
def test_a_namespace_that_is_being_deleted_is_told_from_one_that_refuses(reason: str) -> None:
    details = {"causes": [{"reason": reason, "message": "words"}]}
    error = ApiError(403, "Forbidden", "no", details=details)
    assert error.is_namespace_going == (reason == "NamespaceTerminating")
    assert not ApiError(403, "Forbidden", "no").is_namespace_going


def test_what_a_policy_says_of_creating_is_about_the_pod() -> None:
    assert (
        refusal_kind(ApiError(422, "Invalid", "a Job cannot create resource claims")) == "rejected"
    )
