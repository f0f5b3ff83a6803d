from datetime import UTC, datetime
from typing import Any

import pytest

from devcluster import jsonpath
from devcluster.ages import human_duration
from devcluster.builtin import PODS
from devcluster.builtin_columns import pod_status
from devcluster.resources import custom_type
from devcluster.table import table
from support.devcluster_objects import a_crd, a_pod, a_widget

NOW = datetime(2024, 1, 1, 0, 5, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3600, 86_400

DURATIONS = [
    (-5, "<invalid>"),
    (0, "0s"),
    (119, "119s"),
    (2 * MINUTE, "2m"),
    (2 * MINUTE + 1, "2m1s"),
    (10 * MINUTE + 1, "10m"),
    (3 * HOUR, "3h"),
    (3 * HOUR + MINUTE, "3h1m"),
    (8 * HOUR + MINUTE, "8h"),
    (2 * DAY + HOUR, "2d1h"),
    (8 * DAY + HOUR, "8d"),
    (2 * 365 * DAY, "2y"),
    (2 * 365 * DAY + DAY, "2y1d"),
    (9 * 365 * DAY, "9y"),
]


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_an_age_is_told_as_kubectl_tells_it(seconds: int, text: str) -> None:
    assert human_duration(seconds) == text


PATHS: list[tuple[str, list[Any]]] = [
    (".a.b", [1]),
    (".a.nothing", []),
    (".list[0].x", [10]),
    (".list[*].x", [10, 20]),
    ('.list[?(@.type=="B")].x', [20]),
    (".list[?(@.type=='C')].x", []),
    (".labels.example\\.dev/uid", ["u"]),
    (".labels['example.dev/uid']", ["u"]),
    ("nonsense", []),
]


@pytest.mark.parametrize(("path", "found"), PATHS)
def test_a_json_path_finds(path: str, found: list[Any]) -> None:
    obj = {
        "a": {"b": 1},
        "list": [{"type": "A", "x": 10}, {"type": "B", "x": 20}],
        "labels": {"example.dev/uid": "u"},
    }
    assert jsonpath.find(path, obj) == found


def test_a_custom_resource_is_printed_by_its_columns() -> None:
    metadata = {"creationTimestamp": "2024-01-01T00:00:00Z"}
    conditions = [{"type": "Ready", "status": "False", "message": "no pod yet"}]
    widget = a_widget(metadata=metadata, size=5) | {"status": {"conditions": conditions}}
    printed = table(custom_type(a_crd()), [widget], now=NOW)
    names = [column["name"] for column in printed["columnDefinitions"]]
    assert names == ["Name", "Phase", "Why", "Size", "Age"]
    assert printed["rows"][0]["cells"] == ["one", None, "no pod yet", 5, "5m"]


def test_a_row_carries_what_was_asked_for() -> None:
    rows = {
        include: table(PODS, [a_pod()], now=NOW, include=include)["rows"][0]
        for include in ("Metadata", "Object", "None")
    }
    assert rows["Metadata"]["object"]["kind"] == "PartialObjectMetadata"
    assert rows["Object"]["object"]["spec"]
    assert "object" not in rows["None"]


def a_pod_with(
    *states: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **status: Any
) -> Any:
    def statuses(found: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
        return [{"state": state, "ready": "running" in state} for state in found]

    pod = a_pod(initContainers=[{"name": "i"}] * len(init))
    both = {"containerStatuses": statuses(states), "initContainerStatuses": statuses(init)}
    return {**pod, "status": {"phase": "Pending", **both, **status}}


STATUSES = [
    (a_pod_with(), "Pending"),
    (a_pod_with({"running": {}}, phase="Running"), "Running"),
    (a_pod_with({"waiting": {"reason": "ImagePullBackOff"}}), "ImagePullBackOff"),
    (a_pod_with({"terminated": {"reason": "OOMKilled", "exitCode": 137}}), "OOMKilled"),
    (a_pod_with({"terminated": {"exitCode": 3}}), "ExitCode:3"),
    (a_pod_with({"terminated": {"exitCode": 137, "signal": 9}}), "Signal:9"),
    (a_pod_with(phase="Failed", reason="Evicted"), "Evicted"),
    (a_pod_with(init=({"running": {}},)), "Init:0/1"),
    (a_pod_with(init=({"terminated": {"exitCode": 1, "reason": "Error"}},)), "Init:Error"),
]


@pytest.mark.parametrize(("pod", "word"), STATUSES)
def test_the_status_of_a_pod_is_the_word_that_says_most(pod: Any, word: str) -> None:
    assert pod_status(pod) == word


def test_a_pod_that_is_being_deleted_is_terminating() -> None:
    pod = a_pod_with({"running": {}}, phase="Running")
    pod["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    assert pod_status(pod) == "Terminating"
