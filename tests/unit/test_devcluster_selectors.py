from typing import Any

import pytest

from devcluster.apierrors import ApiError
from devcluster.selectors import predicate


def a_pod(phase: str = "Running", **labels: str) -> dict[str, Any]:
    metadata = {"name": "one", "namespace": "default", "labels": labels}
    return {"metadata": metadata, "spec": {"nodeName": "n1"}, "status": {"phase": phase}}


LABELS = [
    ("", True),
    ("app=web", True),
    ("app==web", True),
    ("app!=web", False),
    ("other!=web", True),
    ("app", True),
    ("!app", False),
    ("!other", True),
    ("app in (web, db)", True),
    ("app notin (web, db)", False),
    ("other notin (web)", True),
    ("app=web,tier in (front),!other", True),
    ("app=web,tier=back", False),
    ("example.dev/uid=a.b-c_d", True),
]


@pytest.mark.parametrize(("selector", "is_in"), LABELS)
def test_labels_select(selector: str, is_in: bool) -> None:
    pod = a_pod(app="web", tier="front", **{"example.dev/uid": "a.b-c_d"})
    assert predicate("pods", selector, "")(pod) is is_in


FIELDS = [
    ("metadata.name=one", True),
    ("metadata.name=two", False),
    ("metadata.namespace=default,spec.nodeName=n1", True),
    ("status.phase!=Running", False),
    ("status.phase==Running", True),
]


@pytest.mark.parametrize(("selector", "is_in"), FIELDS)
def test_fields_select(selector: str, is_in: bool) -> None:
    assert predicate("pods", "", selector)(a_pod()) is is_in


def test_events_are_found_by_the_object_that_they_are_about() -> None:
    event = {"metadata": {"name": "e"}, "involvedObject": {"uid": "u", "name": "one"}}
    assert predicate("events", "", "involvedObject.uid=u,involvedObject.name=one")(event)
    assert not predicate("events", "", "involvedObject.uid=v")(event)


@pytest.mark.parametrize(("labels", "fields"), [("a=b=c", ""), ("(", ""), ("", "spec.x=1")])
def test_a_selector_that_cannot_be_followed_is_a_bad_request(labels: str, fields: str) -> None:
    with pytest.raises(ApiError) as caught:
        predicate("pods", labels, fields)
    assert caught.value.code == 400
