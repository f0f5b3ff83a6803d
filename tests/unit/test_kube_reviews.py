from typing import Any

import pytest

from ccx_kube.reviews import Identity, Refusal, identity_of, is_allowed

USER = {
    "username": "alice",
    "uid": "u1",
    "groups": ["devs", "system:authenticated"],
    "extra": {"b": ["2"], "a": ["1", "0"]},
}
ALICE = Identity(
    "alice", "u1", ("devs", "system:authenticated"), (("a", ("1", "0")), ("b", ("2",)))
)


def an_answer(**status: Any) -> dict[str, Any]:
    return {"status": {"authenticated": True, "user": USER, "audiences": ["cc-executor"], **status}}


def test_an_identity_is_all_that_authentication_tells() -> None:
    assert identity_of(an_answer(), "cc-executor") == ALICE
    only = Identity("bob")
    assert identity_of(an_answer(user={"username": "bob"}), "cc-executor") == only


def test_all_of_it_goes_on_to_authorization() -> None:
    assert ALICE.as_subject() == {
        "user": "alice",
        "uid": "u1",
        "groups": ["devs", "system:authenticated"],
        "extra": {"a": ["1", "0"], "b": ["2"]},
    }


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"status": {}},
        {"status": {"user": {}, "error": "invalid bearer token"}},
        an_answer(authenticated=False),
        an_answer(authenticated="true"),
        an_answer(user={}),
        an_answer(user={"username": ""}),
        an_answer(audiences=[]),
        an_answer(audiences=None),
        an_answer(audiences=["https://kubernetes.default.svc"]),
    ],
)
def test_everything_else_is_nobody(answer: dict[str, Any]) -> None:
    """Audiences left out are those of a server that knows nothing of them."""
    assert isinstance(identity_of(answer, "cc-executor"), Refusal)


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ({"allowed": True}, True),
        ({"allowed": True, "denied": True}, False),
        ({"allowed": False}, False),
        ({"allowed": False, "evaluationError": "x"}, False),
        ({"allowed": "true"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_only_a_plain_yes_is_one(status: dict[str, Any] | None, allowed: bool) -> None:
    assert is_allowed({"status": status}) == allowed
