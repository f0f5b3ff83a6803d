"""Roles against an audit log: what is found, and what is not taken for a finding."""

import json
from dataclasses import replace
from typing import Any

import pytest

from manifests.chart import Values, documents, hooks
from support.rights import LIST, Call, Right, asked, denied, granted, listed, otherwise_than_listed

HOME = "home"
REVIEWS = {"tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io"}
RULES: list[dict[str, Any]] = [
    {"apiGroups": [""], "resources": ["pods", "pods/exec"], "verbs": ["get"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["patch"],
        "resourceNames": ["ours"],
    },
]


def a_role(*rules: dict[str, Any], namespace: str | None = None) -> list[dict[str, Any]]:
    kind = "ClusterRole" if namespace is None else "Role"
    metadata = {"name": "op", **({} if namespace is None else {"namespace": namespace})}
    return [
        {"kind": kind, "metadata": metadata, "rules": list(rules)},
        {
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"kind": kind, "name": "op"},
            "subjects": [{"name": "op"}],
        },
    ]


def an_event(verb: str, resource: str, **more: Any) -> str:
    about = {"resource": resource, "namespace": "a", "name": "x", **more.pop("about", {})}
    decision = {"authorization.k8s.io/decision": more.pop("decision", "allow")}
    user = {"username": more.pop("username", f"system:serviceaccount:{HOME}:op")}
    return json.dumps(
        {"verb": verb, "user": user, "objectRef": about, "annotations": decision, **more}
    )


def unused(rights: set[Right], calls: set[Call]) -> list[str]:
    told = otherwise_than_listed({}, rights, calls)
    return sorted(line.removesuffix(": not seen") for line in told)


def of_the_chart(values: Values) -> set[Right]:
    return granted([*documents(values), *hooks(values)])


def test_a_right_is_used_by_the_call_that_needs_it() -> None:
    rights = granted(a_role(*RULES))
    calls = asked(
        [
            an_event("get", "pods"),
            an_event("get", "pods", about={"subresource": "exec"}),
            an_event("patch", "leases", about={"apiGroup": "coordination.k8s.io", "name": "ours"}),
        ],
        HOME,
    )
    assert unused(rights, calls) == []


def test_a_call_for_another_name_verb_or_subresource_uses_nothing() -> None:
    calls = asked(
        [
            an_event("list", "pods"),
            an_event("get", "pods", about={"subresource": "log"}),
            an_event("patch", "leases", about={"apiGroup": "coordination.k8s.io", "name": "other"}),
        ],
        HOME,
    )
    assert unused(granted(a_role(*RULES)), calls) == [
        "op: get pods",
        "op: get pods/exec",
        "op: patch leases.coordination.k8s.io ours",
    ]


def test_a_right_of_one_namespace_is_not_used_by_a_call_in_another() -> None:
    rights = granted(a_role(RULES[0], namespace="b"))
    assert unused(rights, asked([an_event("get", "pods")], HOME)) != []
    assert "op: get pods" not in unused(
        rights, asked([an_event("get", "pods", about={"namespace": "b"})], HOME)
    )


def test_a_denied_call_is_told_and_uses_nothing() -> None:
    calls = asked([an_event("get", "pods", decision="forbid")], HOME)
    assert denied(calls) == ["op: get pods a/x"]
    assert "op: get pods" in unused(granted(a_role(RULES[0])), calls)


def test_what_a_server_forbids_that_has_just_begun_is_not_denied() -> None:
    events = [an_event("get", "pods", decision=decision) for decision in ("forbid", "allow")]
    assert denied(asked(events, HOME)) == []


def test_only_the_accounts_themselves_are_looked_at() -> None:
    lines = [
        an_event("get", "secrets", username="admin", decision="forbid"),
        an_event("get", "secrets", username="system:serviceaccount:other:op", decision="forbid"),
        an_event("get", "secrets", decision="forbid", impersonatedUser={"username": "x"}),
    ]
    assert asked(lines, HOME) == set()


def test_the_chart_gives_the_rights_that_are_listed_as_used_and_no_others() -> None:
    """To give one more: a line in rights.txt, and a test on the real cluster that needs it."""
    wanted = listed(LIST.read_text(encoding="utf-8"))
    given = {str(right) for right in of_the_chart({})}
    assert sorted(given ^ wanted.keys()) == []


def test_with_namespaces_named_the_same_rights_are_given_in_each_of_them() -> None:
    teams = ("team-a", "team-b")
    expected = {
        replace(right, namespace=team)
        for right in of_the_chart({})
        for team in teams
        if right.account != "ccx-test" and not right.namespace and right.resource not in REVIEWS
    }
    given = of_the_chart({"watchNamespaces": list(teams)})
    elsewhere = {right for right in given if right.account == "ccx-test"}
    assert {right for right in given - elsewhere if right.namespace in teams} == expected
    kept = {right for right in of_the_chart({}) if right.namespace or right.resource in REVIEWS}
    assert {right for right in given if right.namespace not in teams} == {
        right for right in kept if right.account != "ccx-test"
    }
    assert {right.namespace for right in elsewhere} == {"team-a"}


GET_POD = an_event("get", "pods")


@pytest.mark.parametrize(
    ("reason", "events", "told"),
    [
        ("", [GET_POD], []),
        ("", [], ["op: get pods: not seen"]),
        ("never: why", [], []),
        ("never: why", [GET_POD], ["op: get pods: seen, though never: why"]),
        ("seldom: why", [GET_POD], []),
        ("seldom: why", [], []),
    ],
)
def test_the_list_is_held_against_what_was_seen(
    reason: str, events: list[str], told: list[str]
) -> None:
    rights = granted(a_role({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}))
    wanted = listed(f"op: get pods  # {reason}\n")
    assert otherwise_than_listed(wanted, rights, asked(events, HOME)) == told


@pytest.mark.parametrize("text", ["a: get pods\na: get pods\n", "a: get pods # because\n"])
def test_a_line_that_says_nothing_clear_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"twice|begins with none of"):
        listed(text)
