"""What all pods of a site start from, and what an execution lays over it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ccx_operator.pod_spec import Images, pod_body
from ccx_operator.site_template import laid_over, site_template, with_template
from support.reconciling import an_execution


def a_template(**agent: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "agent", **agent}]}}


def test_maps_are_merged_and_the_upper_counts() -> None:
    lower = {"spec": {"nodeSelector": {"disk": "ssd", "zone": "a"}, "priorityClassName": "low"}}
    upper = {"spec": {"nodeSelector": {"zone": "b"}}}
    assert laid_over(lower, upper) == {
        "spec": {"nodeSelector": {"disk": "ssd", "zone": "b"}, "priorityClassName": "low"}
    }


def test_what_the_upper_leaves_empty_is_the_lower() -> None:
    assert laid_over({"spec": {"affinity": {"a": 1}}}, {"spec": None}) == {
        "spec": {"affinity": {"a": 1}}
    }


def test_containers_and_variables_are_known_by_name_and_mounts_by_path() -> None:
    lower = a_template(
        env=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        volumeMounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}],
    )
    upper = a_template(
        env=[{"name": "B", "valueFrom": {}}], volumeMounts=[{"name": "w", "mountPath": "/b"}]
    )
    upper["spec"]["containers"].append({"name": "side", "image": "x"})
    agent, side = laid_over(lower, upper)["spec"]["containers"]
    assert agent["env"] == [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {}}]
    assert [mount["name"] for mount in agent["volumeMounts"]] == ["v", "w"]
    assert side == {"name": "side", "image": "x"}


def test_a_volume_is_replaced_as_it_has_one_source() -> None:
    lower = {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}
    upper = {"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}}
    assert laid_over(lower, upper) == upper


def test_tolerations_are_replaced_and_sources_of_variables_are_added() -> None:
    lower = {
        "spec": {"tolerations": [{"key": "a"}], "containers": [{"envFrom": [{"prefix": "A"}]}]}
    }
    upper = {
        "spec": {"tolerations": [{"key": "b"}], "containers": [{"envFrom": [{"prefix": "B"}]}]}
    }
    merged = laid_over(lower, upper)["spec"]
    assert merged["tolerations"] == [{"key": "b"}]
    assert merged["containers"] == [{"envFrom": [{"prefix": "A"}, {"prefix": "B"}]}]


def test_an_execution_lays_its_own_over_the_sites_and_its_credentials_over_both() -> None:
    site = a_template(envFrom=[{"secretRef": {"name": "of-the-site", "optional": True}}])
    site["spec"]["imagePullSecrets"] = [{"name": "registry"}]
    execution = an_execution(
        credentials={"secretRef": {"name": "my-own"}},
        podTemplate={"spec": {"nodeSelector": {"disk": "ssd"}}},
    )
    pod = pod_body(with_template(execution, site), Images(runtime="r", runner="n"))["spec"]
    (agent,) = (c for c in pod["containers"] if c["name"] == "agent")
    assert [source["secretRef"]["name"] for source in agent["envFrom"]] == ["of-the-site", "my-own"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["nodeSelector"] == {"disk": "ssd"}


def test_without_one_nothing_is_changed() -> None:
    execution = an_execution()
    assert with_template(execution, {}) is execution


def written(tmp_path: Path, *texts: str) -> list[Path]:
    paths = [tmp_path / f"{number}.yaml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_of_several_files_the_later_lies_over_the_earlier(tmp_path: Path) -> None:
    one, other = "spec: {nodeSelector: {a: b, c: d}}", "spec: {nodeSelector: {c: e}}"
    found = site_template(written(tmp_path, one, "", other))
    assert found == {"spec": {"nodeSelector": {"a": "b", "c": "e"}}}
    assert site_template([]) == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[1]", "must be an object"),
        ("spec: {hostNetwork: true}", r"spec\.hostNetwork: must be false"),
        (
            "spec: {containers: [{name: s, volumeMounts: [{mountPath: /home/agent}]}]}",
            "conversations are kept there",
        ),
    ],
)
def test_what_an_execution_may_not_ask_for_a_site_may_not_either(
    text: str, why: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        site_template(written(tmp_path, text))
    assert str(tmp_path) in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "metadata: {labels: {a: b}}",
        "spec: {}",
        "spec: {containers: [{name: agent}]}",
        "spec: {containers: [{name: s, volumeMounts: [{mountPath: /data}]}]}",
    ],
)
def test_a_template_may_say_little(text: str, tmp_path: Path) -> None:
    assert site_template(written(tmp_path, text)) == yaml.safe_load(text)


def test_a_list_that_meets_none_is_taken_as_it_is() -> None:
    lists, other = {"volumes": [{"name": "v"}]}, {"volumes": {"a": 1}}
    assert laid_over(other, lists) == lists
    assert laid_over({}, lists) == lists
    assert laid_over(lists, other) == other


def test_a_list_without_a_key_is_replaced_whole() -> None:
    upper = {"args": [{"name": "b"}, {"name": "c"}]}
    assert laid_over({"args": [{"name": "a"}]}, upper) == upper


def test_over_an_execution_that_has_no_template_lies_nothing() -> None:
    site = {"spec": {"nodeSelector": {"a": "b"}}}
    assert with_template(an_execution(), site).spec.pod_template == site
