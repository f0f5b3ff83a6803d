"""TokenReview and SubjectAccessReview: how a token and a wish are refused."""

from typing import Any

from ccx_kube.reviews import Access, Identity, Refusal, Reviews
from conformance.case import case
from conformance.cluster import Cluster

TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESSES = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@case("review.token")
async def test_a_token_of_nobody_is_an_answer_and_no_error(cluster: Cluster) -> Any:
    found = await Reviews(cluster.session).who_is("nobodys-token", "cc-executor")
    assert isinstance(found, Refusal)
    body = {"spec": {"token": "nobodys-token", "audiences": ["cc-executor"]}}
    answer = await cluster.ask("POST", TOKENS, body)
    assert answer.code == 201
    status = answer.body["status"]
    empty = await cluster.ask("POST", TOKENS, {"spec": {}})
    return [
        status.get("authenticated"),
        status["user"],
        "invalid bearer token" in status["error"],
        answer.body["kind"],
        empty.seen(),
    ]


@case("review.access")
async def test_whoever_has_no_role_may_do_nothing(cluster: Cluster) -> Any:
    nobody = Identity("nobody-of-conformance", groups=("nobodies",))
    assert not await Reviews(cluster.session).may(nobody, Access("create", cluster.namespace))
    about = {"group": "cc-executor.dev", "resource": "claudeexecutions", "verb": "create"}
    spec = {"user": "nobody-of-conformance", "resourceAttributes": about}
    answers = [
        await cluster.ask("POST", ACCESSES, {"spec": body})
        for body in (spec, {"user": "x"}, {"resourceAttributes": about})
    ]
    assert [answer.code for answer in answers] == [201, 422, 422]
    return [answers[0].body["status"], *(answer.seen() for answer in answers[1:])]
