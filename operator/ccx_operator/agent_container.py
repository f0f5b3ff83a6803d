"""The container `agent`: the runner's command line, its environment, and its mounts. Pure.

The kubelet expands `$(NAME)` in commands and in values, and `$$` is a literal `$`: what comes
from people as text (prompt, arguments) has every `$` doubled. Variables of spec.env keep the
meaning that they have in every pod.
"""

from posixpath import normpath
from typing import Any, Final
from uuid import UUID, uuid5

from ccx_api.names import (
    AGENT_CONTAINER,
    ANNOTATION_WISH,
    ARCHIVE_DIR,
    CCX_DIR,
    HOME_DIR,
    READINESS_PORT,
    RUN_DIR,
    RUNNER_PYZ,
    TERMINATION_LOG,
    TMP_DIR,
    WORKSPACE_DIR,
)
from ccx_api.output import MIB, SPOOL_BYTES
from ccx_api.v1alpha1 import ClaudeExecution, ExecutionSpec
from ccx_operator.archive import archive_claim, archive_folder, archive_volume
from ccx_operator.pod_name import attempt, pod_name

Body = dict[str, Any]

_OUR_MOUNTS: Final = (
    ("ccx-runner", CCX_DIR),
    ("ccx-run", RUN_DIR),
    ("ccx-home", HOME_DIR),
    ("ccx-workspace", WORKSPACE_DIR),
    ("ccx-tmp", TMP_DIR),
)
CLAIM_VOLUME: Final = "ccx-claim"
_ON_CLAIM: Final = {HOME_DIR: "home", WORKSPACE_DIR: "workspace"}
"""Folders of the claim, where there is one."""

_CONTINUE: Final = (
    "Your run was interrupted and now goes on. Continue with the task where you left off. What was "
    "under way at the interruption may have had its effect or not: look before you repeat it."
)
_FIRST_WISH: Final = "CCX_WISH"
_READINESS: Final = {
    "httpGet": {"path": "/ready", "port": READINESS_PORT},
    "periodSeconds": 5,  # to ask costs a kubelet 2.5 ms: each second, of 200 pods, half a core
    "failureThreshold": 1,
    "timeoutSeconds": 3,  # a busy node is no reason to look at every execution
}
_WISH_PATH: Final = f"metadata.annotations['{ANNOTATION_WISH}']"
_RUNNER: Final = ("python3", "-I", "-S", RUNNER_PYZ, "run", "--wish", f"$({_FIRST_WISH})")
"""The kubelet puts the wish in, as it stands on the pod when the container starts."""

_CLAUDE_ENV: Final = {
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "IS_SANDBOX": "1",
}


def agent_container(
    execution: ClaudeExecution, base: Body, default_image: str, snapshot_bytes: int
) -> Body:
    """`base` is what spec.podTemplate says of this container."""
    spec = execution.spec
    port = {"name": "readiness", "containerPort": READINESS_PORT}
    container: Body = {
        **base,
        "name": AGENT_CONTAINER,
        "image": spec.image or default_image,
        "command": [*_RUNNER, *map(_literal, _arguments(execution, snapshot_bytes))],
        "workingDir": WORKSPACE_DIR,
        "env": _env(execution, base.get("env") or []),
        "envFrom": _env_from(spec, base.get("envFrom") or []),
        "ports": [port, *(base.get("ports") or [])],
        "readinessProbe": dict(_READINESS),
        "resources": _resources(spec, base.get("resources") or {}),
        "terminationMessagePath": TERMINATION_LOG,
        "volumeMounts": [*our_mounts(execution, base), *(base.get("volumeMounts") or [])],
    }
    return {key: value for key, value in container.items() if value != []}


def our_mounts(execution: ClaudeExecution, base: Body) -> list[Body]:
    """Ours, without the home, workspace or tmp that the template mounts a volume of its own on."""
    spec = execution.spec
    theirs = {normpath(mount.get("mountPath", "")) for mount in base.get("volumeMounts") or []}
    claimed = spec.workspace is not None and spec.workspace.is_claimed
    ours = [_mount(name, path, claimed) for name, path in _OUR_MOUNTS if path not in theirs]
    return [*ours, *_archive(execution)]


def _archive(execution: ClaudeExecution) -> list[Body]:
    if archive_claim(execution) is None:
        return []
    volume = archive_volume(execution, CLAIM_VOLUME)
    folder = archive_folder(execution, pod_name(execution))
    return [{"name": volume, "mountPath": ARCHIVE_DIR, "subPath": folder}]


def _mount(name: str, path: str, claimed: bool) -> Body:
    if claimed and path in _ON_CLAIM:
        return {"name": CLAIM_VOLUME, "mountPath": path, "subPath": _ON_CLAIM[path]}
    return {"name": name, "mountPath": path, **({"readOnly": True} if path == CCX_DIR else {})}


def _arguments(execution: ClaudeExecution, snapshot_bytes: int) -> list[str]:
    spec = execution.spec
    options = ["--grace", str(spec.termination_grace_period_seconds)]
    options += ["--snapshot-bytes", str(snapshot_bytes)]
    if spec.output is not None:
        options += ["--spool-bytes", str(spec.output.spool_bytes)]
        options += ["--overflow", spec.output.overflow]
    if spec.session is not None:
        options.append("--await-reader")  # its gateway: a quick command is over before it comes
    if spec.command is not None:
        return [*options, "--", *spec.command]
    return [*options, "--claude", "--", *_claude(execution)]


def _claude(execution: ClaudeExecution) -> list[str]:
    """The prompt is not here: argv is readable to every process of the pod and of the node."""
    spec, resume = execution.spec, resumed(execution)
    words = ["claude", "-p", "--output-format", "stream-json", "--verbose"]
    words += ["--resume", resume] if resume else ["--session-id", session_id(execution)]
    if spec.model is not None:
        words += ["--model", spec.model]
    if spec.max_turns is not None:
        words += ["--max-turns", str(spec.max_turns)]
    if spec.permission_mode is not None:
        words += ["--permission-mode", spec.permission_mode]
    if spec.allowed_tools:
        words += ["--allowedTools", *spec.allowed_tools]
    if spec.disallowed_tools:
        words += ["--disallowedTools", *spec.disallowed_tools]
    return words


def resumed(execution: ClaudeExecution) -> str | None:
    """The conversation that this attempt continues."""
    ended = execution.status.ended_attempts
    return ended.resume if ended is not None else None


def session_id(execution: ClaudeExecution) -> str:
    """Of the conversation that this attempt begins. No two may have the same in one home."""
    uid, number = execution.metadata.uid, attempt(execution)
    return uid if number == 1 else str(uuid5(UUID(uid), str(number)))


def _env(execution: ClaudeExecution, template: list[Body]) -> list[Body]:
    """The later of two variables of one name counts; nobody but us has CCX_ names."""
    spec = execution.spec
    ours: list[Body] = [
        {"name": "CCX_RUN_DIR", "value": RUN_DIR},
        {"name": "CCX_TERMINATION_LOG", "value": TERMINATION_LOG},
        {"name": "CCX_POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "CCX_READINESS_PORT", "value": str(READINESS_PORT)},
        {"name": _FIRST_WISH, "valueFrom": {"fieldRef": {"fieldPath": _WISH_PATH}}},
        *_prompt(execution),
        *([{"name": "CCX_ARCHIVE_DIR", "value": ARCHIVE_DIR}] if _archive(execution) else []),
        {"name": "HOME", "value": HOME_DIR},
        {"name": "TMPDIR", "value": TMP_DIR},
    ]
    if spec.command is None:
        ours += [{"name": name, "value": value} for name, value in _CLAUDE_ENV.items()]
    theirs = [v.model_dump(by_alias=True, exclude_none=True) for v in spec.env or ()]
    by_name: dict[str, Body] = {}
    for variable in (*ours, *template, *theirs):
        by_name.pop(variable["name"], None)  # it may refer to what stands before its new place
        by_name[variable["name"]] = variable
    return list(by_name.values())


def _prompt(execution: ClaudeExecution) -> list[Body]:
    spec = execution.spec
    if resumed(execution) is not None:
        return [{"name": "CCX_PROMPT", "value": _CONTINUE}]
    if spec.prompt is not None:
        return [{"name": "CCX_PROMPT", "value": _literal(spec.prompt)}]
    if spec.prompt_from is not None:
        source = spec.prompt_from.model_dump(by_alias=True, exclude_none=True)
        return [{"name": "CCX_PROMPT", "valueFrom": source}]
    return []


def _env_from(spec: ExecutionSpec, template: list[Body]) -> list[Body]:
    """Of two that have the same variable, the later counts."""
    credentials: list[Body] = []
    if spec.credentials is not None:
        credentials = [{"secretRef": {"name": spec.credentials.secret_ref.name}}]
    theirs = [s.model_dump(by_alias=True, exclude_none=True) for s in spec.env_from or ()]
    return [*template, *credentials, *theirs]


def _resources(spec: ExecutionSpec, template: Body) -> Body:
    wanted: Body = {}
    if spec.resources is not None:
        wanted = spec.resources.model_dump(by_alias=True, exclude_none=True)
    requests = {**(template.get("requests") or {}), **wanted.get("requests", {})}
    limits = {**(template.get("limits") or {}), **wanted.get("limits", {})}
    if "ephemeral-storage" not in limits:  # else the limit is the request
        requests.setdefault("ephemeral-storage", f"{176 + run_mib(spec)}Mi")
    merged = {**template, "requests": requests, "limits": limits}
    return {key: value for key, value in merged.items() if value != {}}


def run_mib(spec: ExecutionSpec) -> int:
    """What the run volume may hold: spool, socket, slack for a segment in the making."""
    spool = SPOOL_BYTES if spec.output is None else spec.output.spool_bytes
    return -(-spool // MIB) + 16


def _literal(text: str) -> str:
    return text.replace("$", "$$")
