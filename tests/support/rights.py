"""What accounts were seen to ask of the API server, against what their roles grant. Pure.

audit log -> asked() ┐
manifests -> granted() ┼-> denied(), otherwise_than_listed()
rights.txt -> listed() ┘

A line of rights.txt is a right, of which a call is seen in the tests on a real cluster; with
`# never: REASON` none is, with `# seldom: REASON` perhaps.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

Manifest = Mapping[str, Any]

LIST: Final = Path(__file__).parents[1] / "chart/rights.txt"
SELDOM: Final = "seldom: "
EXCEPTIONS: Final = ("never: ", SELDOM)


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
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.account}: {self.verb} {self.resource}{named}{where}"

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


def listed(text: str) -> dict[str, str]:
    """Each right with why it is seen never or seldom; empty if it must be seen."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        right, _, reason = (part.strip() for part in line.partition("#"))
        if not right:
            continue
        if right in found:
            raise ValueError(f"{right}: twice")
        if reason and not reason.startswith(EXCEPTIONS):
            raise ValueError(f"{right}: {reason!r} begins with none of {EXCEPTIONS}")
        found[right] = reason
    return found


def otherwise_than_listed(
    wanted: Mapping[str, str], rights: Iterable[Right], calls: Iterable[Call]
) -> list[str]:
    """What the calls show of the rights, where it is not what the list says."""
    calls = [call for call in calls if call.allowed]
    wrong = []
    for right in rights:
        reason = wanted.get(str(right), "")
        seen = any(right.covers(call) for call in calls)
        if seen == bool(reason) and not reason.startswith(SELDOM):
            wrong.append(f"{right}: {f'seen, though {reason}' if seen else 'not seen'}")
    return sorted(wrong)
