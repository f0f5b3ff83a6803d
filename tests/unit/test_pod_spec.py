from pathlib import Path
from typing import Any

import pytest
import yaml

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.pod_spec import Images, pod_body
from ccx_operator.workspace import claim_body, claim_name, is_claimed, keeps_conversation
from support.reconciling import UID, an_execution

GOLDEN = Path(__file__).parent / "golden"
IMAGES = Images(runtime="runtime:1", runner="runner:1")

FULL: dict[str, Any] = {
    "metadata": {
        "name": "review-the-change",
        "namespace": "team-a",
        "uid": "0f1e2d3c-0000-4000-8000-000000000001",
        "generation": 2,
    },
    "spec": {
        "prompt": "costs $5, not $(HOME)",
        "model": "claude-opus-5-5",
        "maxTurns": 12,
        "allowedTools": ["Read", "Bash(git log:*)"],
        "disallowedTools": ["WebFetch"],
        "permissionMode": "acceptEdits",
        "image": "agent:7",
        "desiredState": "Paused",
        "activeDeadlineSeconds": 900,
        "terminationGracePeriodSeconds": 25,
        "credentials": {"secretRef": {"name": "anthropic"}},
        "env": [
            {"name": "TMPDIR", "value": "/workspace/tmp"},
            {"name": "WHO", "value": "$(HOME)"},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "k1"}}},
        ],
        "envFrom": [{"prefix": "TEAM_", "configMapRef": {"name": "team"}}],
        "resources": {"requests": {"cpu": 1}, "limits": {"memory": "1Gi"}},
        "podTemplate": {
            "metadata": {
                "labels": {"kueue.x-k8s.io/queue-name": "agents", "app.kubernetes.io/name": "mine"},
                "annotations": {"team": "a"},
            },
            "spec": {
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "agents", "operator": "Exists"}],
                "securityContext": {"supplementalGroups": [7]},
                "volumes": [{"name": "work", "persistentVolumeClaim": {"claimName": "work"}}],
                "initContainers": [{"name": "clone", "image": "git:1"}],
                "containers": [
                    {"name": "proxy", "image": "proxy:1"},
                    {
                        "name": "agent",
                        "env": [{"name": "WHO", "value": "template"}],
                        "resources": {"limits": {"memory": "9Gi", "nvidia.com/gpu": 1}},
                        "volumeMounts": [{"name": "work", "mountPath": "/workspace"}],
                    },
                ],
            },
        },
    },
}


def a_pod_of(**spec: Any) -> dict[str, Any]:
    return pod_body(an_execution(**spec), IMAGES)


def agent(pod: dict[str, Any]) -> dict[str, Any]:
    return next(c for c in pod["spec"]["containers"] if c["name"] == "agent")


def test_the_pod_of_a_full_example_is_the_golden_file() -> None:
    """Read a difference as a change of what runs; then write the file anew."""
    pod = pod_body(ClaudeExecution.model_validate(FULL), IMAGES)
    assert pod == yaml.safe_load((GOLDEN / "pod.yaml").read_text(encoding="utf-8"))


def test_the_runner_starts_with_the_wish_that_stands_on_the_pod_by_then() -> None:
    pod = a_pod_of(desired="Paused", generation=4, activeDeadlineSeconds=9)
    annotations = pod["metadata"]["annotations"]
    wish = '{"generation":4,"desiredState":"Paused","activeDeadlineSeconds":9,'
    wish += '"stallTimeoutSeconds":300,"onStall":"Report"}'
    assert annotations["cc-executor.dev/wish"] == wish
    assert annotations["cc-executor.dev/generation"] == "4"
    command = agent(pod)["command"]
    assert command[command.index("--wish") + 1] == "$(CCX_WISH)"
    field = {"fieldPath": "metadata.annotations['cc-executor.dev/wish']"}
    assert {"name": "CCX_WISH", "valueFrom": {"fieldRef": field}} in agent(pod)["env"]


def test_the_prompt_is_in_the_environment_and_nowhere_else() -> None:
    pod = a_pod_of(prompt="tell me a s3cret")
    (prompt,) = [v for v in agent(pod)["env"] if v["name"] == "CCX_PROMPT"]
    assert prompt == {"name": "CCX_PROMPT", "value": "tell me a s3cret"}
    assert str(pod).count("s3cret") == 1


def test_a_prompt_from_a_secret_is_left_to_the_kubelet() -> None:
    source = {"secretKeyRef": {"name": "s", "key": "k"}}
    pod = a_pod_of(prompt=None, promptFrom=source)
    (prompt,) = [v for v in agent(pod)["env"] if v["name"] == "CCX_PROMPT"]
    assert prompt["valueFrom"] == {"secretKeyRef": {"name": "s", "key": "k", "optional": False}}


def test_a_command_is_passed_on_literally_and_claude_is_not_mentioned() -> None:
    container = agent(a_pod_of(command=["sh", "-c", "echo $(HOME) $$", "--"]))
    assert container["command"][-5:] == ["--", "sh", "-c", "echo $$(HOME) $$$$", "--"]
    assert "--claude" not in container["command"]
    assert not [v for v in container["env"] if v["name"] in ("CCX_PROMPT", "IS_SANDBOX")]


@pytest.mark.parametrize(("sidecars", "size"), [(0, 2048), (4, 2048), (8, 1228)])
def test_the_snapshot_fits_its_share_of_the_termination_messages(sidecars: int, size: int) -> None:
    names = [{"name": f"s{n}", "image": "x"} for n in range(sidecars)]
    command = agent(a_pod_of(podTemplate={"spec": {"containers": names}}))["command"]
    assert command[command.index("--snapshot-bytes") + 1] == str(size)


def test_the_spool_is_as_large_and_holds_back_as_the_spec_says_and_the_volume_has_room() -> None:
    pod = a_pod_of(output={"spoolBytes": 512 * 1024 * 1024, "overflow": "Block"})
    command = agent(pod)["command"]
    assert command[command.index("--spool-bytes") + 1] == "536870912"
    assert command[command.index("--overflow") + 1] == "Block"
    assert {"name": "ccx-run", "emptyDir": {"sizeLimit": "528Mi"}} in pod["spec"]["volumes"]
    assert agent(pod)["resources"] == {"requests": {"ephemeral-storage": "704Mi"}}


def test_without_a_word_on_output_the_runner_decides() -> None:
    pod = a_pod_of()
    assert "--spool-bytes" not in agent(pod)["command"]
    assert {"name": "ccx-run", "emptyDir": {"sizeLimit": "80Mi"}} in pod["spec"]["volumes"]


def test_the_agents_container_comes_first_for_kubectl_logs() -> None:
    pod = a_pod_of(podTemplate={"spec": {"containers": [{"name": "s", "image": "x"}]}})
    assert [c["name"] for c in pod["spec"]["containers"]] == ["agent", "s"]


def test_no_container_of_ours_limits_what_the_pod_may_store() -> None:
    """The kubelet evicts a pod by the sum of the limits that there are."""
    spec = a_pod_of()["spec"]
    limits = [c["resources"].get("limits", {}) for c in spec["initContainers"] + spec["containers"]]
    assert not any("ephemeral-storage" in limit for limit in limits)


def test_a_limit_of_ephemeral_storage_is_the_request_too() -> None:
    limits = {"limits": {"ephemeral-storage": "100Mi"}}
    assert agent(a_pod_of(resources=limits))["resources"] == limits
    assert agent(a_pod_of())["resources"] == {"requests": {"ephemeral-storage": "256Mi"}}


def test_a_long_name_gives_valid_names() -> None:
    execution = an_execution()
    metadata = execution.metadata.model_copy(update={"name": "a" * 39 + ".-" + "b" * 200})
    pod = pod_body(execution.model_copy(update={"metadata": metadata}), IMAGES)
    assert pod["metadata"]["name"] == f"cx-{'a' * 39}-0f1e2d3c-1"
    assert len(pod["metadata"]["labels"]["cc-executor.dev/execution"]) <= 63


CLAIMED = {"volumeClaimTemplate": {"storage": "1Gi"}}


def volumes(pod: dict[str, Any]) -> dict[str, Any]:
    return {volume.pop("name"): volume for volume in pod["spec"]["volumes"]}


def test_home_and_workspace_are_folders_of_the_claim_and_nothing_else_is() -> None:
    pod = a_pod_of(workspace=CLAIMED)
    mounts = {m["mountPath"]: (m["name"], m.get("subPath")) for m in agent(pod)["volumeMounts"]}
    assert mounts["/workspace"] == ("ccx-claim", "workspace")
    assert mounts["/home/agent"] == ("ccx-claim", "home")
    assert mounts["/tmp"] == ("ccx-tmp", None)
    made = volumes(pod)
    assert made["ccx-claim"] == {"persistentVolumeClaim": {"claimName": "cx-e1-0f1e2d3c"}}
    assert not {"ccx-home", "ccx-workspace"} & made.keys()
    assert pod["spec"]["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


def test_a_claim_that_exists_is_taken_by_its_name_and_none_is_made() -> None:
    execution = an_execution(workspace={"volumeClaimName": "mine"})
    made = volumes(pod_body(execution, IMAGES))
    assert made["ccx-claim"] == {"persistentVolumeClaim": {"claimName": "mine"}}
    assert claim_body(execution) is None


def test_a_claim_is_made_as_the_template_says_and_goes_with_the_execution() -> None:
    template = {"storage": "5Gi", "storageClassName": "fast", "accessModes": ["ReadWriteMany"]}
    body = claim_body(an_execution(workspace={"volumeClaimTemplate": template}))
    assert body is not None
    assert body["metadata"]["name"] == "cx-e1-0f1e2d3c"
    assert [owner["uid"] for owner in body["metadata"]["ownerReferences"]] == [UID]
    assert body["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "5Gi"}},
    }


def test_a_workspace_on_no_claim_may_have_a_limit() -> None:
    made = volumes(a_pod_of(workspace={"sizeLimit": "2Gi"}))
    assert made["ccx-workspace"] == {"emptyDir": {"sizeLimit": "2Gi"}}
    assert made["ccx-home"] == {"emptyDir": {}}


def words(**status: Any) -> tuple[list[str], str]:
    pod = a_pod_of(workspace=CLAIMED, status=status)
    (prompt,) = [v for v in agent(pod)["env"] if v["name"] == "CCX_PROMPT"]
    return agent(pod)["command"], prompt["value"]


def test_an_attempt_that_goes_on_resumes_the_conversation_with_another_prompt() -> None:
    argv, prompt = words(attempts=2, endedAttempts={"resume": "s1"})
    assert argv[argv.index("--resume") + 1] == "s1"
    assert "--session-id" not in argv
    assert "Continue" in prompt


def test_an_attempt_that_begins_anew_has_the_prompt_and_a_session_of_its_own() -> None:
    seen = set()
    for number in (1, 2, 3):
        argv, prompt = words(attempts=number, endedAttempts={})
        assert ("--resume" in argv, prompt) == (False, "hi")
        seen.add(argv[argv.index("--session-id") + 1])
    assert len(seen) == 3
    assert UID in seen


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"env": [{"name": "HOME", "value": "/x"}]},
        {"env": [{"name": "CLAUDE_CONFIG_DIR", "value": "/x"}]},
        {"command": ["true"]},
        {
            "podTemplate": {
                "spec": {
                    "containers": [
                        {"name": "agent", "volumeMounts": [{"mountPath": "/home/agent/"}]}
                    ]
                }
            }
        },
    ],
)
def test_a_conversation_is_kept_where_claudes_home_is_on_the_claim(spec: dict[str, Any]) -> None:
    execution = an_execution(workspace=CLAIMED, **spec)
    assert keeps_conversation(execution) == (spec == {})


def archive_mount(pod: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where the archive is, and what volume that is."""
    (mount,) = [m for m in agent(pod)["volumeMounts"] if m["mountPath"] == "/run/ccx/archive"]
    (volume,) = [v for v in pod["spec"]["volumes"] if v["name"] == mount["name"]]
    return mount, volume["persistentVolumeClaim"]


def test_an_archive_is_a_folder_of_its_claim_for_each_attempt() -> None:
    archive = {"volumeClaimName": "kept", "path": "team/runs"}
    pod = a_pod_of(output={"archive": archive})
    mount, claim = archive_mount(pod)
    assert mount["subPath"] == f"team/runs/{pod['metadata']['name']}"
    assert claim == {"claimName": "kept"}
    assert {"name": "CCX_ARCHIVE_DIR", "value": "/run/ccx/archive"} in agent(pod)["env"]
    assert pod["spec"]["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


@pytest.mark.parametrize(
    ("archive", "workspace", "claim"),
    [
        ({}, {"volumeClaimTemplate": {"storage": "1Gi"}}, "cx-e1-0f1e2d3c"),
        ({}, {"volumeClaimName": "work"}, "work"),
        ({"volumeClaimName": "work"}, {"volumeClaimName": "work"}, "work"),
    ],
)
def test_an_archive_on_the_workspaces_claim_has_no_second_volume_of_it(
    archive: dict[str, Any], workspace: dict[str, Any], claim: str
) -> None:
    pod = a_pod_of(output={"archive": archive}, workspace=workspace)
    assert archive_mount(pod) == (
        {
            "name": "ccx-claim",
            "mountPath": "/run/ccx/archive",
            "subPath": f"archive/{pod['metadata']['name']}",
        },
        {"claimName": claim},
    )
    claims = [v for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v]
    assert len(claims) == 1


def test_without_an_archive_nothing_speaks_of_one() -> None:
    assert "archive" not in repr(a_pod_of(workspace={"volumeClaimName": "work"}))


@pytest.mark.parametrize(
    ("workspace", "name"),
    [(None, None), ({"sizeLimit": "1Gi"}, None), ({"volumeClaimName": "mine"}, "mine")],
)
def test_only_a_claim_has_a_name(workspace: dict[str, Any] | None, name: str | None) -> None:
    spec: dict[str, Any] = {} if workspace is None else {"workspace": workspace}
    execution = an_execution(**spec)
    assert (claim_name(execution), is_claimed(execution)) == (name, name is not None)
    assert claim_body(execution) is None


def test_a_claim_is_for_one_node_unless_it_says_otherwise() -> None:
    def modes(**template: Any) -> object:
        claim = claim_body(an_execution(workspace={"volumeClaimTemplate": template}))
        assert claim is not None
        return claim["spec"]["accessModes"]

    assert modes(storage="1Gi") == ["ReadWriteOnce"]
    assert modes(storage="1Gi", accessModes=["ReadWriteMany"]) == ["ReadWriteMany"]


def test_the_home_of_another_container_is_not_claudes() -> None:
    def keeps(name: str, **fields: Any) -> bool:
        containers = [{"name": name, **fields}]
        workspace = {"volumeClaimTemplate": {"storage": "1Gi"}}
        template = {"spec": {"containers": containers}}
        return keeps_conversation(an_execution(workspace=workspace, podTemplate=template))

    assert keeps("side", env=[{"name": "HOME", "value": "/x"}])
    assert not keeps("agent", env=[{"name": "HOME", "value": "/x"}])
    assert keeps("agent", env=[{"name": "A", "value": "/x"}])
