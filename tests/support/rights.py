"""What accounts were seen to ask of the API server, against what their roles grant. Pure.

audit log -> asked() ┐
manifests -> granted() ┴-> denied(), unused()
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Right:
    """One verb of one rule."""

    account: str
    resource: str
    """With its group and subresource: claudeexecutions.cc-executor.dev/status."""

    verb: str
    namespace: str = ""
    """Empty: all."""

    names: tuple[str, ...] = ()
    """Empty: all."""

    def __str__(self) -> str:
        named = f" {', '.join(self.names)}" if self.names else ""
        return f"{self.account}: {self.verb} {self.resource}{named}"

    def covers(self, call: "Call") -> bool:
        return (
            (self.account, self.resource, self.verb) == (call.account, call.resource, call.verb)
            and self.namespace in ("", call.namespace)
            and (not self.names or call.name in self.names)
        )


@dataclass(frozen=True, slots=True)
class Call:
    account: str
    resource: str
    verb: str
    namespace: str
    name: str
    allowed: bool

    def __str__(self) -> str:
        return f"{self.account}: {self.verb} {self.resource} {self.namespace}/{self.name}"


def asked(lines: Iterable[str], namespace: str) -> set[Call]:
    """By the accounts of that namespace, each once. Who acted as one of them is not one of them."""
    return set(_calls(lines, f"system:serviceaccount:{namespace}:"))


def _calls(lines: Iterable[str], ours: str) -> Iterator[Call]:
    for line in lines:
        event = json.loads(line)
        account = event["user"].get("username", "")  # of a call that was cut off there is none
        if "impersonatedUser" in event or not account.startswith(ours):
            continue
        about = event.get("objectRef") or {}
        decision = event.get("annotations", {}).get("authorization.k8s.io/decision")
        yield Call(
            account.removeprefix(ours),
            _resource(about.get("apiGroup", ""), _path(about)),
            event["verb"],
            about.get("namespace", ""),
            about.get("name", ""),
            decision != "forbid",
        )


def _path(about: Mapping[str, str]) -> str:
    return "/".join(about[key] for key in ("resource", "subresource") if about.get(key))


def granted(manifests: Iterable[Manifest]) -> set[Right]:
    """By the roles that are bound, to the accounts to which they are."""
    manifests = list(manifests)
    roles = {_place(m): m["rules"] for m in manifests if m["kind"] in ("Role", "ClusterRole")}
    return {
        right
        for binding in manifests
        if binding["kind"] in ("RoleBinding", "ClusterRoleBinding")
        for right in _rights(binding, roles[_role_of(binding)])
    }


def _rights(binding: Manifest, rules: list[Any]) -> Iterator[Right]:
    namespace = binding["metadata"].get("namespace", "")
    for subject in binding["subjects"]:
        for rule in rules:
            names = tuple(rule.get("resourceNames", ()))
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        full = _resource(group, resource)
                        yield Right(subject["name"], full, verb, namespace, names)


def _place(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def _role_of(binding: Manifest) -> tuple[str, str, str]:
    role = binding["roleRef"]
    inside = binding["metadata"].get("namespace", "") if role["kind"] == "Role" else ""
    return role["kind"], inside, role["name"]


def _resource(group: str, path: str) -> str:
    resource, slash, subresource = path.partition("/")
    return f"{resource}{'.' if group else ''}{group}{slash}{subresource}"


def denied(calls: Iterable[Call]) -> list[str]:
    """Always: a server that has just begun knows no roles yet, and forbids what it soon allows."""
    calls = set(calls)
    return sorted(
        str(call) for call in calls if not call.allowed and replace(call, allowed=True) not in calls
    )


def unused(rights: Iterable[Right], calls: Iterable[Call]) -> list[str]:
    calls = list(calls)
    return sorted(
        str(right)
        for right in rights
        if not any(call.allowed and right.covers(call) for call in calls)
    )
