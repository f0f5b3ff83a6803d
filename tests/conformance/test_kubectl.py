"""What people see by kubectl: columns, explain, and the words of its verbs."""

import json
import re
from typing import Any

from ccx_api.crd import COLUMNS
from ccx_api.v1alpha1 import ExecutionSpec
from conformance.case import case
from conformance.cluster import Cluster

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_DURATION = re.compile(r"\b(\d+d)?(\d+h)?(\d+m)?\d+[smhd]\b")
_NEWER_WORDS = re.compile(r" deleted from \S+ namespace$")
"""Since 1.34 kubectl names the namespace."""

_UID = re.compile(r"(?<=UID:)\s+[-0-9a-f]{36}")
"""Of its five parts one may read like a duration."""

_VARIES = re.compile(rf"{_DURATION.pattern}|(?<=Resource Version:)\s+\d+")


async def said(cluster: Cluster, *args: str, body: Any = None) -> list[Any]:
    argv = (*args, "-n", cluster.namespace)
    done = cluster.kubectl.run(*argv, stdin=None if body is None else json.dumps(body))
    return [done.returncode, _lines(done.stdout), _lines(done.stderr)]


def _lines(text: str) -> list[str]:
    """Of columns only the order counts: their width follows from names that differ."""
    lines = (_NEWER_WORDS.sub(" deleted", line) for line in text.splitlines())
    lines = (_UID.sub(" UID", line) for line in lines)
    return [" ".join(_VARIES.sub("AGE", line).split()) for line in lines]


async def an_execution_that_runs(cluster: Cluster) -> None:
    await cluster.create(cluster.executions(), cluster.an_execution(prompt="hi"))
    status = {
        "phase": "Running",
        "reason": "Started",
        "message": "it runs",
        "podName": "cx-one",
        "nodeName": "n",
        "session": {"id": "s", "model": "m", "turns": 3},
        "usage": {"costUSD": "0.25"},
        "conditions": [
            {
                "type": "Running",
                "status": "True",
                "reason": "Started",
                "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    }
    await cluster.merge(cluster.executions("one", "status"), {"status": status})


async def a_widget_that_is_ready(cluster: Cluster) -> None:
    await cluster.create(cluster.widgets(), cluster.a_widget())
    ready = {"type": "Ready", "status": "True", "reason": "Is", "message": "it is ready"}
    status = {"phase": "Running", "conditions": [ready]}
    await cluster.merge(cluster.widgets("one", "status"), {"status": status})


@case("table.columns")
async def test_the_server_decides_on_columns_and_cells(cluster: Cluster) -> Any:
    await an_execution_that_runs(cluster)
    ours = (await cluster.ask("GET", cluster.executions(), accept=TABLE)).body
    columns = ["Name", *(name for name, *_ in COLUMNS)]
    assert [column["name"] for column in ours["columnDefinitions"]] == columns
    cells = dict(zip(columns, ours["rows"][0]["cells"], strict=True))
    assert (cells["Phase"], cells["Turns"], cells["Node"]) == ("Running", 3, "n")

    await a_widget_that_is_ready(cluster)
    await cluster.create(cluster.widgets(), cluster.a_widget("two"))
    paths = (cluster.widgets(), cluster.widgets("one"))
    tables = [(await cluster.ask("GET", path, accept=TABLE)).body for path in paths]
    for table in tables:
        age = [column["name"] for column in table["columnDefinitions"]].index("Age")
        for row in table["rows"]:
            assert _DURATION.fullmatch(row["cells"][age])
            row["cells"][age] = "AGE"
    return tables


@case("table.include")
async def test_a_row_carries_what_was_asked_for(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget())
    path = cluster.widgets()
    rows = [
        (await cluster.ask("GET", path, accept=TABLE, includeObject=what)).body["rows"][0]
        for what in ("None", "Metadata", "Object")
    ]
    return [row.get("object") for row in rows]


@case("table.watch")
async def test_only_the_first_table_of_a_watch_has_headers(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget("a"))
    await cluster.create(cluster.widgets(), cluster.a_widget("b"))
    done = cluster.kubectl.run(
        "get",
        "-n",
        cluster.namespace,
        f"widgets.{cluster.place.widgets}",
        "-w",
        "--request-timeout=5s",
    )
    return _lines(done.stdout)


@case("kubectl.get")
async def test_kubectl_get_prints_what_there_is(cluster: Cluster) -> Any:
    await a_widget_that_is_ready(cluster)
    kind = f"widgets.{cluster.place.widgets}"
    return [
        await said(cluster, "get", kind),
        await said(cluster, "get", kind, "-o", "wide"),
        await said(cluster, "get", kind, "one", "-o", "name"),
        await said(cluster, "get", kind, "none"),
        await said(cluster, "get", kind, "-l", "no=where"),
        await said(cluster, "get", kind, "-o", "jsonpath={.items[*].status.phase}"),
    ]


@case("kubectl.describe")
async def test_kubectl_describe_tells_the_whole_object(cluster: Cluster) -> Any:
    await a_widget_that_is_ready(cluster)
    return await said(cluster, "describe", f"widgets.{cluster.place.widgets}", "one")


@case("kubectl.explain")
async def test_kubectl_explain_tells_every_field(cluster: Cluster) -> Any:
    """By its version: the cluster may have the real thing installed as well."""
    ours = f"{cluster.place.executions}/v1alpha1"
    found = await said(cluster, "explain", "--api-version", ours, "claudeexecutions.spec.prompt")
    words = ExecutionSpec.model_fields["prompt"].description or ""
    assert words[:40] in " ".join(found[1])
    argv = ("explain", "--api-version", f"{cluster.place.widgets}/v1alpha1")
    return [
        await said(cluster, *argv, f"widgets{path}")
        for path in ("", ".spec", ".spec.prompt", ".spec.env", ".status", ".metadata.name")
    ] + [await said(cluster, *argv, "widgets.spec", "--recursive")]


@case("kubectl.apply")
async def test_kubectl_apply_creates_leaves_changes_and_refuses(cluster: Cluster) -> Any:
    def apply(body: Any, *more: str) -> Any:
        return said(cluster, "apply", *more, "-f", "-", body=body)

    return [
        await apply(cluster.a_widget()),
        await apply(cluster.a_widget()),
        await apply(cluster.a_widget(size=7)),
        await apply(cluster.a_widget(promt="x")),
        await apply(cluster.a_widget(size=0)),
        await apply(cluster.a_widget(size=100)),
        await apply(cluster.a_widget("two"), "--dry-run=server"),
        await apply(cluster.a_widget(size=8), "--dry-run=client"),
        await apply({**cluster.a_widget(), "kind": "Gadget"}),
    ]


@case("kubectl.patch")
async def test_kubectl_patches_as_the_readme_says(cluster: Cluster) -> Any:
    await cluster.create(cluster.executions(), cluster.an_execution(prompt="hi"))
    kind = f"claudeexecutions.{cluster.place.executions}"

    async def wish(spec: str) -> Any:
        return await said(cluster, "patch", kind, "one", "--type", "merge", "-p", spec)

    return [
        await wish('{"spec":{"desiredState":"Paused"}}'),
        await wish('{"spec":{"desiredState":"Paused"}}'),
        await wish('{"spec":{"desiredState":"Nowhere"}}'),
        await wish('{"spec":{"prompt":"other"}}'),
        await wish('{"spec":{"desiredStat":"Running"}}'),
        await said(cluster, "patch", kind, "one", "-p", "{}"),
    ]


@case("kubectl.wait")
async def test_kubectl_waits_for_a_condition(cluster: Cluster) -> Any:
    await an_execution_that_runs(cluster)
    kind = f"claudeexecutions.{cluster.place.executions}/one"
    return [
        await said(cluster, "wait", kind, "--for", "condition=Running", "--timeout=60s"),
        await said(cluster, "wait", kind, "--for", "condition=Finished", "--timeout=1s"),
        await said(
            cluster, "wait", kind, "--for=jsonpath={.status.phase}=Running", "--timeout=60s"
        ),
    ]


@case("kubectl.delete")
async def test_kubectl_deletes_by_each_policy(cluster: Cluster) -> Any:
    kind, seen = f"widgets.{cluster.place.widgets}", []
    for policy in ("background", "foreground", "orphan"):
        owner = await cluster.create(cluster.widgets(), cluster.a_widget(policy))
        reference = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": policy,
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": True,
        }
        owned = {"metadata": {"name": policy, "ownerReferences": [reference]}}
        await cluster.create(cluster.core("configmaps"), owned)
        seen.append(
            await said(cluster, "delete", kind, policy, f"--cascade={policy}", "--timeout=60s")
        )
    seen.append(await said(cluster, "delete", kind, "none"))
    seen.append(await said(cluster, "delete", kind, "none", "--ignore-not-found"))
    left = await cluster.until(
        cluster.core("configmaps", "background"), lambda answer: answer.code == 404
    )
    assert left.code == 404
    found = await cluster.ask("GET", cluster.core("configmaps", "foreground"))
    assert found.code == 404
    orphan = await cluster.get(cluster.core("configmaps", "orphan"))
    assert not orphan["metadata"].get("ownerReferences")
    return seen


@case("kubectl.discovery")
async def test_discovery_tells_names_and_verbs_of_a_definition(cluster: Cluster) -> Any:
    group = cluster.place.executions
    found = await cluster.get(f"/apis/{group}/v1alpha1")
    for resource in found["resources"]:
        resource.pop("storageVersionHash", None)
        resource["verbs"].sort()
    return [found, (await cluster.get(f"/apis/{group}"))]


@case("kubectl.edit")
async def test_kubectl_labels_annotates_and_replaces(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget())
    kind = f"widgets.{cluster.place.widgets}"
    return [
        await said(cluster, "label", kind, "one", "app=x"),
        await said(cluster, "annotate", kind, "one", "note=y"),
        await said(cluster, "replace", "-f", "-", body=cluster.a_widget(size=9)),
        await said(cluster, "get", kind, "one", "--show-labels", "--no-headers"),
        await said(cluster, "create", "-f", "-", body=cluster.a_widget()),
    ]
