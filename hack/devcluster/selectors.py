"""Label and field selectors of list, watch and deletecollection.

query string -> parse -> predicate of an object
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from devcluster.apierrors import bad_request
from devcluster.history import Object

Predicate = Callable[[Object], bool]
LabelTest = Callable[[Mapping[str, str]], bool]

_REQUIREMENT = re.compile(
    r"\s*(?:(?P<set_key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)"
    r"|(?P<key>[^\s!=,()]+)\s*(?P<eq>==|=|!=)\s*(?P<value>[^\s!=,()]*)"
    r"|(?P<absent>!)?\s*(?P<exists>[^\s!=,()]+))\s*(?:,|$)"
)

_BEGUN = re.compile(r"\s*[^\s!=,()]+\s*(?:==|=|!=)\s*[^\s!=,()]*(?=[^,])")

FIELDS: Final = {
    "*": frozenset({"metadata.name", "metadata.namespace"}),
    "pods": frozenset({"spec.nodeName", "status.phase", "spec.restartPolicy", "status.podIP"}),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "events": frozenset(
        {
            "reason",
            "type",
            "reportingComponent",
            "source",
            *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid")),
            *(f"involvedObject.{name}" for name in ("apiVersion", "resourceVersion", "fieldPath")),
        }
    ),
}
"""What may be selected by field, beside the two that every resource has."""


def predicate(resource: str, labels: str, fields: str) -> Predicate:
    """Both selectors as one test. A selector that cannot be read is a 400."""
    by_label = _label_tests(labels)
    by_field = _field_tests(resource, fields)

    def matches(obj: Object) -> bool:
        own = obj["metadata"].get("labels") or {}
        return all(test(own) for test in by_label) and all(
            (field_value(obj, path) == value) is equal for path, value, equal in by_field
        )

    return matches


def field_value(obj: Object, path: str) -> str:
    """A field as a selector compares it: absent is empty."""
    if path == "source":
        path = "source.component"
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value)


def _label_tests(selector: str) -> list[LabelTest]:
    tests, position = [], 0
    while position < len(selector):
        match = _REQUIREMENT.match(selector, position)
        if match is None:
            raise bad_request(_what_is_wrong(selector, position))
        tests.append(_label_test(match))
        position = match.end()
    return tests


def _what_is_wrong(selector: str, position: int) -> str:
    """Most often it goes on where a comma was due."""
    begun = _BEGUN.match(selector, position)
    found = selector[begun.end()] if begun else selector[position]
    return f"found '{found}', expected: ',' or 'end of string'"


def _label_test(match: re.Match[str]) -> LabelTest:
    if key := match["set_key"]:
        values = {value.strip() for value in match["values"].split(",")}
        if match["op"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if key := match["key"]:
        value, equal = match["value"], match["eq"] != "!="
        return lambda labels: (labels.get(key) == value) is equal
    name, wanted = match["exists"], match["absent"] is None
    return lambda labels: (name in labels) is wanted


def _field_tests(resource: str, selector: str) -> list[tuple[str, str, bool]]:
    tests = []
    for requirement in filter(None, selector.split(",")):
        match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", requirement)
        if match is None:
            raise bad_request(f"invalid selector: '{requirement}'; can't understand it")
        path, operator, value = match.groups()
        if path not in FIELDS["*"] | FIELDS.get(resource, frozenset()):
            raise bad_request(f"field label not supported: {path}")
        tests.append((path, value, operator != "!="))
    return tests
