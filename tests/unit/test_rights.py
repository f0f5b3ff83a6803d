"""Roles against an audit log: what is found, and what is not taken for a finding."""

import json
from typing import Any

from manifests.chart import documents
from support.rights import asked, denied, granted, unused

HOME = "home"
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


def test_all_rights_of_the_chart_are_read() -> None:
    rights = {str(right) for right in granted(documents())}
    assert "ccx-operator: patch claudeexecutions.cc-executor.dev/status" in rights
    assert "ccx-operator: update configmaps cc-executor-usage" in rights
    assert "ccx-gateway: create tokenreviews.authentication.k8s.io" in rights
