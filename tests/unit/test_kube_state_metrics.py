"""charts/cc-executor/kube-state-metrics: what it reads is in the CRD, in words that are known.

The models below are kube-state-metrics' own, as docs/metrics/extend/customresourcestate-metrics.md
has them: it ignores what it does not know, so that a wrong word would be a series less. Version
2.13 has been run beside a devcluster by hand, and told of each of these.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from ccx_api.crd import crd
from ccx_api.names import GROUP, KIND, PLURAL, VERSION
from ccx_api.status import Phase

FILE = Path(__file__).parents[2] / "charts/cc-executor/kube-state-metrics/executions.yaml"
METADATA = {"name", "namespace", "uid", "creationTimestamp"}
Where = list[str]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Labels(Strict):
    labelsFromPath: dict[str, Where] = {}  # noqa: N815 - on the wire


class Common(Labels):
    path: Where = []


class Gauge(Common):
    valueFrom: Where = []  # noqa: N815


class StateSet(Common):
    labelName: str  # noqa: N815
    list: list[str]


class Each(Strict):
    type: Literal["Gauge", "StateSet", "Info"]
    gauge: Gauge | None = None
    stateSet: StateSet | None = None  # noqa: N815
    info: Common | None = None

    @property
    def what(self) -> Common:
        (found,) = (found for found in (self.gauge, self.stateSet, self.info) if found)
        return found


class Metric(Labels):
    name: str = Field(pattern="^[a-z][a-z_]*[a-z]$")
    help: str = Field(min_length=10)
    each: Each


class Resource(Labels):
    groupVersionKind: dict[str, str]  # noqa: N815
    resourcePlural: str  # noqa: N815
    metricNamePrefix: str  # noqa: N815
    errorLogV: int  # noqa: N815
    metrics: list[Metric]


class Spec(Strict):
    resources: list[Resource]


class Config(Strict):
    kind: Literal["CustomResourceStateMetrics"]
    spec: Spec


def resource() -> Resource:
    (found,) = Config.model_validate(yaml.safe_load(FILE.read_text())).spec.resources
    return found


def paths() -> Iterator[tuple[str, Where]]:
    """All of them from the root of an execution; into a list by the schema of its items."""
    found = resource()
    yield from found.labelsFromPath.items()
    for metric in found.metrics:
        what = metric.each.what
        yield metric.name, what.path
        for label, path in what.labelsFromPath.items():
            yield f"{metric.name} / {label}", what.path + path
        if isinstance(what, Gauge):
            yield f"{metric.name} / value", what.path + what.valueFrom


def schema_at(path: Where) -> dict[str, Any]:
    """KeyError: there is no such field."""
    node: dict[str, Any] = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for word in path:
        node = node["items"] if node["type"] == "array" else node
        node = node["properties"][word]
    return node


def test_it_is_of_our_kind() -> None:
    assert resource().groupVersionKind == {"group": GROUP, "version": VERSION, "kind": KIND}
    assert resource().resourcePlural == PLURAL


@pytest.mark.parametrize(("name", "path"), [pytest.param(n, p, id=n) for n, p in paths()])
def test_a_path_leads_to_a_field(name: str, path: Where) -> None:
    if path[:1] == ["metadata"]:
        assert path[1] in METADATA
    else:
        assert schema_at(path)


def test_a_gauge_is_a_number_or_what_is_read_as_one() -> None:
    for metric in resource().metrics:
        if metric.each.gauge is None or metric.each.gauge.path[0] == "metadata":
            continue
        gauge = metric.each.gauge
        schema = schema_at(gauge.path + gauge.valueFrom)
        is_time = schema.get("format") == "date-time"
        assert is_time == metric.name.endswith("_timestamp_seconds")
        strings = {"status_cost_usd", "status_condition"}
        assert schema["type"] == "integer" or is_time or metric.name in strings


def test_every_phase_has_its_series() -> None:
    (phases,) = (metric.each.stateSet for metric in resource().metrics if metric.each.stateSet)
    assert phases.list == [phase.value for phase in Phase]


def test_every_metric_has_a_name_of_its_own() -> None:
    names = [metric.name for metric in resource().metrics]
    assert len(set(names)) == len(names)
