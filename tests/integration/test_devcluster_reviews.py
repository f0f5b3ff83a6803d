"""Reviews of devcluster, in the words of kube-apiserver 1.34."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devcluster.accounts import Accounts
from devcluster.server import running_devcluster
from support.devcluster_client import Client

TOKENS = {
    "tokens": {
        "t1": {
            "user": "alice",
            "uid": "u1",
            "groups": ["devs"],
            "audiences": ["a1", "a2"],
            "extra": {"pod": ["p1"]},
        },
        "old": {"user": "bob", "audiences": ["a1"], "expires": "2020-01-01T00:00:00Z"},
    },
    "rules": [
        {"groups": ["devs"], "verbs": ["get"], "namespaces": ["ns"]},
        {"users": ["root"], "verbs": ["*"], "namespaces": ["*"]},
        {"users": ["bob"], "verbs": ["get"], "namespaces": ["ns"], "names": ["e1"]},
    ],
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps(TOKENS), encoding="utf-8")
    async with (
        running_devcluster(with_node=False, tokens=tokens) as cluster,
        Client(cluster.url) as client,
    ):
        yield client


async def token_review(client: Client, **spec: Any) -> Any:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    code, found = await client.ask("POST", path, body)
    return found["status"] if code == 201 else (code, found["message"])


async def access_review(client: Client, **spec: Any) -> Any:
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    code, found = await client.ask("POST", path, body)
    return found["status"]["allowed"] if code == 201 else (code, found["message"])


async def test_a_known_token_is_somebodys(client: Client) -> None:
    assert await token_review(client, token="t1", audiences=["a2", "b"]) == {
        "authenticated": True,
        "user": {
            "username": "alice",
            "uid": "u1",
            "groups": ["devs", "system:authenticated"],
            "extra": {"pod": ["p1"]},
        },
        "audiences": ["a2"],
    }


@pytest.mark.parametrize(
    ("token", "audiences", "error"),
    [
        ("t2", ["a1"], "invalid bearer token"),
        ("old", ["a1"], "[invalid bearer token, service account token has expired]"),
        (
            "t1",
            ["b"],
            '[invalid bearer token, token audiences ["a1" "a2"] is invalid for the target'
            ' audiences ["b"]]',
        ),
    ],
)
async def test_others_are_nobodys(
    client: Client, token: str, audiences: list[str], error: str
) -> None:
    status = await token_review(client, token=token, audiences=audiences)
    assert status == {"user": {}, "error": error}


async def test_a_review_without_a_token_is_refused(client: Client) -> None:
    words = "token is required for TokenReview in authentication"
    assert await token_review(client) == (400, words)


@pytest.mark.parametrize(
    ("subject", "attributes", "allowed"),
    [
        ({"user": "x", "groups": ["devs"]}, {"verb": "get", "namespace": "ns"}, True),
        ({"user": "x", "groups": ["devs"]}, {"verb": "list", "namespace": "ns"}, False),
        ({"user": "x", "groups": ["devs"]}, {"verb": "get", "namespace": "other"}, False),
        ({"user": "x"}, {"verb": "get", "namespace": "ns"}, False),
        ({"user": "root"}, {"verb": "patch", "namespace": "other"}, True),
        ({"user": "bob"}, {"verb": "get", "namespace": "ns", "name": "e1"}, True),
        ({"user": "bob"}, {"verb": "get", "namespace": "ns", "name": "e2"}, False),
        ({"user": "bob"}, {"verb": "get", "namespace": "ns"}, False),
    ],
)
async def test_what_is_allowed(
    client: Client, subject: dict[str, Any], attributes: dict[str, str], allowed: bool
) -> None:
    found = await access_review(client, **subject, resourceAttributes=attributes)
    assert found == allowed


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"resourceAttributes": {"verb": "get"}},
            '.authorization.k8s.io "" is invalid: spec.user: Invalid value: "":'
            " at least one of user or group must be specified",
        ),
        (
            {"user": "x"},
            '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null:'
            " exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
    ],
)
async def test_what_cannot_be_asked(client: Client, spec: dict[str, Any], words: str) -> None:
    assert await access_review(client, **spec) == (422, words)


async def test_reviews_are_made_and_never_kept(client: Client) -> None:
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    assert (await client.ask("GET", path))[0] == 405
    (found,) = (await client.get("/apis/authentication.k8s.io/v1"))["resources"]
    assert (found["name"], found["verbs"], found["namespaced"]) == (
        "tokenreviews",
        ["create"],
        False,
    )


async def test_without_a_file_no_token_is_anybodys() -> None:
    async with (
        running_devcluster(with_node=False) as cluster,
        Client(cluster.url) as client,
    ):
        status = await token_review(client, token="t1", audiences=["a1"])
        assert status == {"user": {}, "error": "invalid bearer token"}
        attributes = {"verb": "get", "namespace": "ns"}
        assert not await access_review(client, user="root", resourceAttributes=attributes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tokens: {s3cr3t: {user: alice}}", "tokens.....audiences: Field required"),
        ("rules: [{verbs: [get], namespace: ns}]", "rules.0"),
        ("{", "neither YAML nor JSON"),
    ],
)
def test_a_mistake_in_the_file_is_named_without_the_token(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "tokens.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokens\.yaml") as caught:
        Accounts.read(path)
    assert said in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
