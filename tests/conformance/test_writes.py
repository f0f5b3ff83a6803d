"""Create, update, patch and what they do to version, generation and status."""

from typing import Any

from conformance.case import case
from conformance.cluster import JSON_PATCH, STRATEGIC, Answer, Cluster


@case("write.create")
async def test_a_created_object_is_201_with_the_servers_metadata(cluster: Cluster) -> Any:
    answers = [
        await cluster.ask("POST", cluster.widgets(), cluster.a_widget()),
        await cluster.ask("POST", cluster.core("configmaps"), {"metadata": {"name": "one"}}),
        await cluster.ask("POST", cluster.core("secrets"), {"metadata": {"name": "one"}}),
        await cluster.ask("GET", cluster.widgets("one")),
        await cluster.ask("GET", cluster.core("configmaps", "one")),
    ]
    assert answers[0].body["metadata"]["generation"] == 1
    return [answer.seen() for answer in answers]


@case("write.generate-name")
async def test_a_name_is_made_from_a_prefix(cluster: Cluster) -> Any:
    body = cluster.a_widget(metadata={"name": "", "generateName": "run-"})
    names = [(await cluster.create(cluster.widgets(), body))["metadata"]["name"] for _ in "ab"]
    assert names[0] != names[1]
    return [[name[:4], len(name)] for name in names]


@case("write.servers-fields")
async def test_what_is_the_servers_to_say_is_not_taken_from_a_client(cluster: Cluster) -> Any:
    theirs = {
        "uid": "2f0f2f5c-0000-4000-8000-000000000000",
        "creationTimestamp": "2001-01-01T00:00:00Z",
        "deletionTimestamp": "2001-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 5,
        "generation": 9,
    }
    body = cluster.a_widget(metadata={**theirs, "selfLink": "/here"})
    made = await cluster.create(cluster.widgets(), {**body, "status": {"phase": "Mine"}})
    assert "status" not in made
    assert made["metadata"]["uid"] != theirs["uid"]
    changed = await cluster.merge(cluster.widgets("one"), {"metadata": {"generation": 9}})
    assert changed.body["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    return [made, changed.seen()]


@case("write.dry-run")
async def test_a_dry_run_answers_as_if_and_stores_nothing(cluster: Cluster) -> Any:
    tried = await cluster.ask("POST", cluster.widgets(), cluster.a_widget(), dryRun="All")
    assert tried.code == 201
    assert (await cluster.ask("GET", cluster.widgets("one"))).code == 404
    await cluster.create(cluster.widgets(), cluster.a_widget())
    patched = await cluster.merge(cluster.widgets("one"), {"spec": {"size": 9}}, dryRun="All")
    assert (await cluster.get(cluster.widgets("one")))["spec"]["size"] == 3
    return [tried.seen(), patched.seen()]


@case("write.unknown-field")
async def test_an_unknown_field_is_refused_warned_of_or_dropped_as_asked(cluster: Cluster) -> Any:
    wrong = cluster.a_widget(promt="x", env=[{"name": "a", "valeu": "b"}])
    strict = await cluster.ask("POST", cluster.widgets(), wrong, fieldValidation="Strict")
    assert strict.code == 400
    warned = await cluster.ask("POST", cluster.widgets(), wrong)
    assert "promt" not in warned.body["spec"]
    patch = {"spec": {"promt": "y"}}
    return [
        strict.seen(),
        [warned.code, warned.headers.get("Warning")],
        (await cluster.merge(cluster.widgets("one"), patch, fieldValidation="Strict")).seen(),
        (await cluster.merge(cluster.widgets("one"), patch)).headers.get("Warning"),
        (await cluster.merge(cluster.widgets("one"), patch, fieldValidation="Ignore")).headers.get(
            "Warning"
        ),
    ]


@case("write.update")
async def test_an_update_replaces_the_whole_and_needs_its_version(cluster: Cluster) -> Any:
    made = await cluster.create(cluster.widgets(), cluster.a_widget(size=7))
    one, metadata = cluster.widgets("one"), made["metadata"]
    blind = await cluster.ask("PUT", one, cluster.a_widget())
    assert blind.code == 422
    version = {"resourceVersion": metadata["resourceVersion"]}
    replaced = await cluster.ask("PUT", one, cluster.a_widget(metadata=version))
    assert replaced.body["spec"]["size"] == 3
    await cluster.create(cluster.core("configmaps"), {"metadata": {"name": "one"}})
    free = {"metadata": {"name": "one"}, "data": {"a": "b"}}
    return [
        blind.seen(),
        replaced.seen(),
        (await cluster.ask("PUT", cluster.widgets("none"), cluster.a_widget("none"))).seen(),
        (await cluster.ask("PUT", one, cluster.a_widget("two"))).seen(),
        (await cluster.ask("PUT", cluster.core("configmaps", "one"), free)).seen(),
    ]


@case("write.generation")
async def test_only_a_change_of_the_spec_is_a_new_generation(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget())
    one = cluster.widgets("one")

    async def after(path: str, patch: dict[str, Any]) -> int:
        return int((await cluster.merge(path, patch)).body["metadata"]["generation"])

    seen = [
        await after(one, {"metadata": {"labels": {"a": "b"}}}),
        await after(f"{one}/status", {"status": {"phase": "Running"}}),
        await after(one, {"spec": {"size": 4}}),
        await after(one, {"spec": {"size": 4}}),
        await after(one, {"spec": {"size": None}}),
    ]
    assert seen == [1, 1, 2, 2, 3]
    return seen


@case("write.no-change")
async def test_a_write_that_changes_nothing_spends_no_version(cluster: Cluster) -> Any:
    made = await cluster.create(cluster.widgets(), cluster.a_widget())
    same = await cluster.merge(cluster.widgets("one"), {"spec": {"size": 3}})
    assert same.body["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    put = await cluster.ask("PUT", cluster.widgets("one"), made)
    assert put.body["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    return [same.seen(), put.seen()]


@case("write.status-apart")
async def test_spec_and_status_are_written_apart(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget())
    one = cluster.widgets("one")
    both = {
        "metadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}, "finalizers": ["a.dev/b"]},
        "spec": {"size": 9},
        "status": {"phase": "Running", "unknown": 1},
    }
    of_status = await cluster.merge(f"{one}/status", both)
    assert of_status.body["spec"]["size"] == 3
    assert of_status.body["status"] == {"phase": "Running"}
    of_spec = await cluster.merge(one, {"spec": {"size": 9}, "status": {"phase": "X"}})
    assert of_spec.body["status"] == {"phase": "Running"}
    read = await cluster.get(f"{one}/status")
    assert read == of_spec.body
    for answer in (of_status, of_spec):
        del answer.body["metadata"]["managedFields"]  # it owns labels that it could not set
    return [of_status.seen(), of_spec.seen()]


@case("patch.merge")
async def test_a_merge_patch_removes_by_null_and_replaces_lists(cluster: Cluster) -> Any:
    env = [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    body = cluster.a_widget(env=env, labels={"x": "1", "y": "2"}, template={"a": {"b": 1}})
    await cluster.create(cluster.widgets(), body)
    one = cluster.widgets("one")
    patch = {"spec": {"env": env[1:], "labels": {"x": None, "z": "3"}, "template": None}}
    changed = await cluster.merge(one, patch)
    assert changed.body["spec"]["labels"] == {"y": "2", "z": "3"}
    assert changed.body["spec"]["env"] == env[1:]
    assert "template" not in changed.body["spec"]
    return [
        changed.seen(),
        (await cluster.merge(one, {"metadata": {"name": "two"}})).seen(),
        (await cluster.merge(one, ["no", "object"])).code,
    ]


@case("patch.json")
async def test_a_json_patch_tests_before_it_changes(cluster: Cluster) -> Any:
    made = await cluster.create(cluster.widgets(), cluster.a_widget(labels={"a/b": "1"}))
    version = made["metadata"]["resourceVersion"]

    async def patch(*operations: Any) -> Answer:
        return await cluster.ask(
            "PATCH", cluster.widgets("one"), list(operations), content_type=JSON_PATCH
        )

    replace = {"op": "replace", "path": "/spec/size", "value": 7}
    wrong = [
        await patch({"op": "test", "path": "/metadata/resourceVersion", "value": "0"}, replace),
        await patch({"op": "remove", "path": "/spec/none"}),
        await patch({"op": "replace", "path": "/spec/none/deep", "value": 1}),
        await patch({"op": "unheard-of", "path": "/spec/size"}),
    ]
    done = await patch(
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        replace,
        {"op": "remove", "path": "/spec/labels/a~1b"},
        {"op": "add", "path": "/spec/env", "value": [{"name": "x"}]},
        {"op": "add", "path": "/spec/env/-", "value": {"name": "y"}},
    )
    assert [answer.code for answer in wrong[:2]] == [422, 422]
    assert done.code == 200
    return [answer.seen() for answer in (*wrong, done)]


@case("patch.strategic")
async def test_a_strategic_patch_merges_known_lists_by_key(cluster: Cluster) -> Any:
    container = {"name": "main", "image": "a", "env": [{"name": "x", "value": "1"}]}
    safe = {"seccompProfile": {"type": "RuntimeDefault"}, "runAsNonRoot": True, "runAsUser": 10001}
    locked = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = {
        "metadata": {"name": "p", "labels": {"a": "1", "b": "2"}, "finalizers": ["a.dev/b"]},
        "spec": {
            "schedulerName": "nobody",
            "securityContext": safe,
            "containers": [{**container, "securityContext": locked}],
        },
    }
    path = cluster.core("serviceaccounts", "default")
    await cluster.until(path, lambda answer: answer.code == 200)
    await cluster.create(cluster.core("pods"), pod)
    patch = {
        "metadata": {"labels": {"a": None, "c": "3"}, "finalizers": ["a.dev/c"]},
        "spec": {"containers": [{"name": "main", "image": "b"}]},
    }
    path = cluster.core("pods", "p")
    changed = (await cluster.ask("PATCH", path, patch, content_type=STRATEGIC)).body
    await cluster.merge(path, {"metadata": {"finalizers": None}})
    return [
        changed["metadata"]["labels"],
        sorted(changed["metadata"]["finalizers"]),
        [(c["name"], c["image"], c["env"]) for c in changed["spec"]["containers"]],
    ]
