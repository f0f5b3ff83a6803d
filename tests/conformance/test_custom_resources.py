"""What a CustomResourceDefinition demands: schema, defaults, pruning, CEL, in exact words."""

from typing import Any

from ccx_api.v1alpha1 import ExecutionSpec
from conformance.case import case
from conformance.cluster import Answer, Cluster


def told(answer: Answer) -> list[Any]:
    """Of an execution only what does not change with every new field of ours."""
    if answer.code >= 400:
        return [answer.code, answer.body]
    return [answer.code, answer.body["metadata"]["generation"], answer.body.get("status")]


@case("crd.validation")
async def test_each_rule_of_a_schema_is_told_in_its_own_words(cluster: Cluster) -> Any:
    wrong: tuple[dict[str, Any], ...] = (
        {"prompt": ""},
        {"prompt": "x" * 21},
        {"prompt": 7},
        {"prompt": None},
        {"size": 0},
        {"size": "3"},
        {"size": 1.5},
        {"mode": "Huge"},
        {"factor": "x"},
        {"until": "noon"},
        {"until": "2024-13-01T00:00:00Z"},
        {"port": True},
        {"port": 1.5},
        {"labels": {"a": 1}},
        {"labels": []},
        {"env": [{"name": str(n)} for n in range(4)]},
        {"env": [{"name": "a"}, {"name": "a"}]},
        {"env": [{"value": "x"}]},
        {"env": {}},
        {"env": ["x"]},
        {"template": 7},
    )
    seen: list[Any] = []
    for spec in wrong:
        answer = await cluster.ask("POST", cluster.widgets(), cluster.a_widget(**spec))
        seen.append([spec, answer.seen()])
    without = {**cluster.a_widget(), "spec": {}}
    seen.append(["no prompt", (await cluster.ask("POST", cluster.widgets(), without)).seen()])
    del without["spec"]
    seen.append(["no spec", (await cluster.ask("POST", cluster.widgets(), without)).seen()])
    return seen


@case("crd.defaults")
async def test_defaults_are_filled_in_and_null_asks_for_them(cluster: Cluster) -> Any:
    body = cluster.a_widget(size=None, env=[{"name": "a"}, {"name": "b", "value": None}])
    made = await cluster.create(cluster.widgets(), body)
    assert made["spec"]["size"] == 3
    assert made["spec"]["env"][0] == {"name": "a", "value": ""}
    removed = await cluster.merge(cluster.widgets("one"), {"spec": {"mode": None}})
    return [made, removed.seen()]


@case("crd.pruning")
async def test_what_the_schema_does_not_know_is_dropped_unless_it_is_told_to_stay(
    cluster: Cluster,
) -> Any:
    body = cluster.a_widget(unknown={"a": 1}, template={"any": ["thing"]}, env=[{"name": "a"}])
    body["spec"]["env"][0]["unknown"] = 1
    made = await cluster.create(cluster.widgets(), {**body, "more": 1})
    assert made["spec"]["template"] == {"any": ["thing"]}
    assert "unknown" not in made["spec"]
    return made


@case("crd.cel")
async def test_a_broken_rule_says_its_message(cluster: Cluster) -> Any:
    seen = [
        (await cluster.ask("POST", cluster.widgets(), cluster.a_widget(**spec))).seen()
        for spec in ({"size": 100}, {"factor": 0.5}, {"size": 100, "factor": 0.1}, {"factor": 0})
    ]
    made = await cluster.create(cluster.widgets(), cluster.a_widget(env=[{"name": "a"}]))
    changed = {"spec": {"env": [{"name": "a", "value": "new"}]}}
    seen.append((await cluster.merge(cluster.widgets("one"), changed)).seen())
    await cluster.merge(cluster.widgets("one", "status"), {"status": {"phase": "X"}})
    seen.append((await cluster.merge(cluster.widgets("one"), {"spec": {"mode": "Big"}})).seen())
    assert [answer["code"] for answer in seen] == [422] * 6
    assert made["spec"]["env"] == [{"name": "a", "value": ""}]
    return seen


@case("crd.ratcheting")
async def test_an_old_mistake_that_is_not_touched_does_not_stop_a_write(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget(size=100, mode="Big"))
    answer = await cluster.merge(cluster.widgets("one"), {"metadata": {"labels": {"a": "b"}}})
    assert answer.code == 200
    return answer.seen()


@case("crd.definition")
async def test_a_definition_is_established_and_says_so(cluster: Cluster) -> Any:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    found = await cluster.get(f"{path}/claudeexecutions.{cluster.place.executions}")
    found["status"]["conditions"].sort(key=lambda condition: condition["type"])
    wrong = {**found, "metadata": {"name": "other.example.dev"}}
    refused = await cluster.ask("POST", path, {k: wrong[k] for k in wrong if k != "status"})
    assert refused.code == 422
    same = await cluster.ask("POST", path, {**wrong, "metadata": found["metadata"]})
    kept = {key: found[key] for key in ("apiVersion", "kind", "status")}
    return [kept, found["spec"]["names"], refused.body["message"], same.code]


@case("execution.defaults")
async def test_an_execution_gets_the_defaults_of_the_model(cluster: Cluster) -> Any:
    made = await cluster.create(cluster.executions(), cluster.an_execution(prompt="hi"))
    model = ExecutionSpec(prompt="hi").model_dump(mode="json", exclude_none=True)
    assert made["spec"] == model
    return [made["metadata"]["generation"], "status" in made]


@case("execution.frozen")
async def test_the_spec_is_frozen_but_for_run_control(cluster: Cluster) -> Any:
    await cluster.create(cluster.executions(), cluster.an_execution(prompt="hi"))
    one = cluster.executions("one")
    wishes: tuple[dict[str, Any], ...] = (
        {"prompt": "other"},
        {"maxTurns": 7},
        {"command": ["sh"]},
        {"podTemplate": {"metadata": {"labels": {"a": "b"}}}},
        {"desiredState": "Paused"},
        {"activeDeadlineSeconds": 60},
        {"suspend": True},
        {"desiredState": "Cancelled"},
        {"desiredState": "Running"},
        {"desiredState": "Elsewhere"},
    )
    seen: list[list[Any]] = [
        [wish, told(await cluster.merge(one, {"spec": wish}))] for wish in wishes
    ]
    codes = [answer[0] for _, answer in seen]
    assert codes[:4] == [422] * 4
    assert codes[4] == codes[7] == 200
    assert codes[8:] == [422] * 2
    return seen


@case("execution.suspended")
async def test_a_suspended_execution_may_be_edited_until_it_starts(cluster: Cluster) -> Any:
    body = cluster.an_execution(prompt="hi", suspend=True)
    await cluster.create(cluster.executions(), body)
    one = cluster.executions("one")
    edited = await cluster.merge(one, {"spec": {"prompt": "other"}})
    assert edited.code == 200
    let_go = await cluster.merge(one, {"spec": {"suspend": False}})
    time = "2024-01-01T00:00:00Z"
    started = {"status": {"phase": "Running", "startTime": time, "podName": "p"}}
    begun = await cluster.merge(f"{one}/status", started)
    held = await cluster.merge(one, {"spec": {"suspend": True}})
    assert held.code == 422
    return [told(answer) for answer in (edited, let_go, begun, held)]


@case("execution.terminal")
async def test_a_terminal_phase_is_never_left(cluster: Cluster) -> Any:
    await cluster.create(cluster.executions(), cluster.an_execution(prompt="hi"))
    path = cluster.executions("one", "status")
    seen = [
        told(await cluster.merge(path, {"status": {"phase": phase}}))
        for phase in ("Running", "Failed", "Running", "Failed", None, "Unheard")
    ]
    assert [answer[0] for answer in seen] == [200, 200, 422, 200, 422, 422]
    removed = await cluster.merge(path, {"status": None})
    return [seen, told(removed)]


@case("execution.observed-generation")
async def test_a_status_may_tell_the_generation_that_it_is_of(cluster: Cluster) -> Any:
    await cluster.create(cluster.executions(), cluster.an_execution(prompt="hi"))
    one = cluster.executions("one")
    spec = await cluster.merge(one, {"spec": {"desiredState": "Paused"}})
    observed = spec.body["metadata"]["generation"]
    status = {"observedGeneration": observed, "phase": "Paused", "reason": "PausedByUser"}
    answer = await cluster.merge(f"{one}/status", {"status": status})
    assert answer.body["metadata"]["generation"] == observed == 2
    return told(answer)


@case("execution.conditions")
async def test_conditions_are_a_list_by_type(cluster: Cluster) -> Any:
    await cluster.create(cluster.executions(), cluster.an_execution(prompt="hi"))
    path = cluster.executions("one", "status")
    common = {"reason": "X", "message": "", "lastTransitionTime": "2024-01-01T00:00:00Z"}
    good = {"type": "Running", "status": "True", **common}
    seen = [
        told(await cluster.merge(path, {"status": {"conditions": conditions}}))
        for conditions in (
            [good],
            [good, good],
            [{**good, "status": "Perhaps"}],
            [{"type": "Running"}],
            [{**good, "lastTransitionTime": None}],
        )
    ]
    assert [answer[0] for answer in seen[:2]] == [200, 422]
    return seen
