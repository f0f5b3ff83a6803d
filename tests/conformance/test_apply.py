"""Server-side apply: who owns which field, and what a second owner is told."""

import json
from typing import Any

from conformance.case import case
from conformance.cluster import Cluster


def a_configmap(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


@case("apply.create")
async def test_apply_creates_and_says_what_its_manager_owns(cluster: Cluster) -> Any:
    one, env = cluster.widgets("one"), [{"name": "a", "value": "1"}]
    wanted = cluster.a_widget(env=env, labels={"x": "1"}, template={"deep": {"er": 1}})
    wanted["metadata"]["labels"] = {"app": "x"}
    made = await cluster.apply(one, wanted, "me")
    again = await cluster.apply(one, wanted, "me")
    assert (made.code, again.code) == (201, 200)
    assert again.body["metadata"]["resourceVersion"] == made.body["metadata"]["resourceVersion"]
    (entry,) = made.body["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("me", "Apply")
    return [made.seen(), again.seen()]


@case("apply.own")
async def test_a_manager_changes_and_removes_what_is_its_own(cluster: Cluster) -> Any:
    one = cluster.widgets("one")
    env = [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    await cluster.apply(one, cluster.a_widget(size=4, env=env, labels={"x": "1"}), "me")
    changed = await cluster.apply(one, cluster.a_widget(prompt="new", env=env[1:]), "me")
    assert changed.body["spec"] == {
        "prompt": "new",
        "size": 3,
        "mode": "Small",
        "env": [{"name": "b", "value": "2"}],
    }
    return changed.seen()


@case("apply.conflict")
async def test_a_field_of_another_manager_is_409_and_names_it(cluster: Cluster) -> Any:
    one = cluster.widgets("one")
    await cluster.apply(one, cluster.a_widget(size=4, mode="Small"), "me")
    answer = await cluster.apply(one, cluster.a_widget(size=5, mode="Big"), "you")
    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    causes = answer.body["details"]["causes"]
    assert [cause["field"] for cause in causes] == [".spec.mode", ".spec.size"]
    single = await cluster.apply(one, cluster.a_widget(size=6), "you")
    shared = await cluster.apply(one, cluster.a_widget(size=4), "you")
    assert shared.code == 200
    return [answer.seen(), single.seen(), shared.seen()]


@case("apply.force")
async def test_force_takes_the_field_over(cluster: Cluster) -> Any:
    one = cluster.widgets("one")
    await cluster.apply(one, cluster.a_widget(size=4), "me")
    taken = await cluster.apply(one, cluster.a_widget(size=5), "you", force="true")
    assert taken.body["spec"]["size"] == 5
    back = await cluster.apply(one, cluster.a_widget(size=4), "me")
    assert back.code == 409
    left = await cluster.apply(one, {**cluster.a_widget(), "spec": {"prompt": "hello"}}, "me")
    assert left.body["spec"]["size"] == 5
    return [taken.seen(), back.seen(), left.seen()]


@case("apply.shared")
async def test_a_field_stays_until_its_last_manager_lets_it_go(cluster: Cluster) -> Any:
    one, bare = cluster.widgets("one"), cluster.a_widget()
    await cluster.apply(one, cluster.a_widget(factor=1.5), "me")
    await cluster.apply(one, cluster.a_widget(factor=1.5), "you")
    first = await cluster.apply(one, bare, "me")
    assert first.body["spec"]["factor"] == 1.5
    second = await cluster.apply(one, bare, "you")
    assert "factor" not in second.body["spec"]
    return [first.seen(), second.seen()]


@case("apply.lists")
async def test_items_of_a_keyed_list_have_managers_of_their_own(cluster: Cluster) -> Any:
    one = cluster.widgets("one")
    await cluster.apply(one, cluster.a_widget(env=[{"name": "a", "value": "1"}]), "me")
    both = await cluster.apply(one, cluster.a_widget(env=[{"name": "b", "value": "2"}]), "you")
    assert [item["name"] for item in both.body["spec"]["env"]] == ["a", "b"]
    less = await cluster.apply(one, cluster.a_widget(), "me")
    assert [item["name"] for item in less.body["spec"]["env"]] == ["b"]
    return [both.seen(), less.seen()]


@case("apply.order")
async def test_the_items_of_a_keyed_list_come_in_the_order_of_the_newest_apply(
    cluster: Cluster,
) -> Any:
    async def order(manager: str, names: str) -> list[str]:
        wanted = cluster.a_widget(env=[{"name": name} for name in names])
        answer = await cluster.apply(cluster.widgets("one"), wanted, manager)
        return [item["name"] for item in answer.body["spec"]["env"]]

    seen = [
        await order("me", "ab"),
        await order("me", "ba"),
        await order("you", "ca"),
        await order("me", "b"),
        await order("you", "ac"),
        await order("me", "cab"),
    ]
    assert seen[1] == ["b", "a"]
    return seen


@case("apply.status")
async def test_status_is_applied_apart(cluster: Cluster) -> Any:
    one = cluster.widgets("one")
    await cluster.apply(one, {**cluster.a_widget(), "status": {"phase": "No"}}, "me")
    ready = {"type": "Ready", "status": "True", "reason": "Is", "message": ""}
    body = {key: cluster.a_widget()[key] for key in ("apiVersion", "kind", "metadata")}
    status = {**body, "status": {"phase": "Running", "conditions": [ready]}}
    applied = await cluster.apply(f"{one}/status", status, "operator")
    assert applied.body["status"]["phase"] == "Running"
    other = {**body, "status": {"conditions": [{**ready, "type": "Seen"}]}}
    return [applied.seen(), (await cluster.apply(f"{one}/status", other, "you")).seen()]


@case("apply.updates")
async def test_other_writes_are_managers_too(cluster: Cluster) -> Any:
    one = cluster.widgets("one")
    await cluster.create(cluster.widgets(), cluster.a_widget(), fieldManager="maker")
    await cluster.merge(one, {"spec": {"size": 7}}, fieldManager="patcher")
    await cluster.merge(f"{one}/status", {"status": {"phase": "Up"}}, fieldManager="operator")
    refused = await cluster.apply(one, cluster.a_widget(size=8), "me")
    assert refused.code == 409
    assert "patcher" in refused.body["message"]
    forced = await cluster.apply(one, cluster.a_widget(size=8), "me", force="true")
    updated = await cluster.merge(one, {"spec": {"size": 9}}, fieldManager="patcher")
    return [refused.seen(), forced.seen(), updated.seen()]


@case("apply.built-in")
async def test_built_in_objects_are_applied_too(cluster: Cluster) -> Any:
    path = cluster.core("configmaps", "c")
    made = await cluster.apply(path, a_configmap(a="1", b="2"), "me")
    conflict = await cluster.apply(path, a_configmap(a="3"), "you")
    less = await cluster.apply(path, a_configmap(a="1"), "me")
    assert less.body["data"] == {"a": "1"}
    return [made.seen(), conflict.seen(), less.seen()]


@case("apply.refusals")
async def test_an_apply_that_says_too_little_or_too_much_is_refused(cluster: Cluster) -> Any:
    one, body = cluster.widgets("one"), cluster.a_widget()
    nameless = await cluster.ask("PATCH", one, body, content_type="application/apply-patch+yaml")
    assert nameless.code == 422
    managed = {**body, "metadata": {**body["metadata"], "managedFields": [{"manager": "x"}]}}
    merge_forced = await cluster.merge(one, {"spec": {}}, force="true")
    return [
        nameless.seen(),
        (await cluster.apply(one, managed, "me")).seen(),
        merge_forced.seen(),
        (await cluster.apply(one, cluster.a_widget("two"), "me")).seen(),
        (await cluster.apply(one, {"spec": {}}, "me")).seen(),
        (await cluster.apply(one, cluster.a_widget(size=0), "me")).seen(),
        (await cluster.apply(one, b": no yaml: {", "me")).code,
        (
            await cluster.apply(one, cluster.a_widget(metadata={"resourceVersion": "7"}), "me")
        ).seen(),
        (
            await cluster.apply(cluster.widgets("none", "status"), cluster.a_widget("none"), "m")
        ).code,
    ]


@case("apply.unknown-field")
async def test_an_unknown_field_of_an_apply_is_refused_or_dropped(cluster: Cluster) -> Any:
    one, wrong = cluster.widgets("one"), cluster.a_widget(promt="x")
    strict = await cluster.apply(one, wrong, "me", fieldValidation="Strict")
    dropped = await cluster.apply(one, wrong, "me")
    return [strict.seen(), dropped.seen(), dropped.headers.get("Warning")]


@case("apply.yaml")
async def test_the_body_may_be_yaml(cluster: Cluster) -> Any:
    text = f"apiVersion: {cluster.place.widgets}/v1alpha1\nkind: Widget\n"
    text += "metadata:\n  name: one\nspec:\n  prompt: hello # words\n  size: 4\n"
    return (await cluster.apply(cluster.widgets("one"), text.encode(), "me")).seen()


@case("apply.dry-run")
async def test_a_dry_run_of_an_apply_stores_nothing(cluster: Cluster) -> Any:
    tried = await cluster.apply(cluster.widgets("one"), cluster.a_widget(), "me", dryRun="All")
    assert tried.code == 201
    assert (await cluster.ask("GET", cluster.widgets("one"))).code == 404
    return tried.seen()


@case("apply.kubectl")
async def test_kubectl_applies_on_the_server_side(cluster: Cluster) -> Any:
    def apply(body: Any, *more: str) -> list[Any]:
        argv = ("apply", "--server-side", "-n", cluster.namespace, *more, "-f", "-")
        done = cluster.kubectl.run(*argv, stdin=json.dumps(body))
        return [done.returncode, done.stdout, done.stderr]

    seen = [
        apply(cluster.a_widget(size=4)),
        apply(cluster.a_widget(size=4)),
        apply(cluster.a_widget(size=5), "--field-manager=you"),
        apply(cluster.a_widget(size=5), "--field-manager=you", "--force-conflicts"),
        apply(cluster.a_widget(promt="x")),
        apply(cluster.a_widget(size=6), "--dry-run=server", "--force-conflicts"),
        apply(a_configmap(a="1")),
    ]
    assert [code for code, _, _ in seen] == [0, 0, 1, 0, 1, 0, 0]
    return seen


@case("apply.kubectl-migration")
async def test_kubectl_moves_from_client_side_to_server_side_apply(cluster: Cluster) -> Any:
    def apply(body: Any, *more: str) -> list[Any]:
        done = cluster.kubectl.run(
            "apply", "-n", cluster.namespace, *more, "-f", "-", stdin=json.dumps(body)
        )
        return [done.returncode, done.stdout, done.stderr]

    seen = [
        apply(cluster.a_widget(size=4)),
        apply(cluster.a_widget(size=5)),
        apply(cluster.a_widget(size=6), "--server-side"),
        apply(cluster.a_widget(size=7), "--server-side"),
    ]
    assert [code for code, _, _ in seen] == [0, 0, 0, 0]
    found = await cluster.get(cluster.widgets("one"))
    return [seen, found]
