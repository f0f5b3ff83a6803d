"""What all pods of a site start from, and what an execution lays over it."""

from typing import Any

from ccx_operator.pod_spec import Images, pod_body
from ccx_operator.site_template import laid_over, with_template
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
