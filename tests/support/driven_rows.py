"""The phase table, driven: for every outcome, ways to bring an execution of devcluster to it.

ROWS: outcome -> ways; each makes one execution on a Theatre, and does what happens to it there
"""

import json
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ccx_api.names import ANNOTATION_STARTED_AS
from support.operated import Gate, Object, Stage

FOREVER: Final = ["sleep", "600"]
SESSION: Final = {"id": "s1", "gateway": "nobody"}
AGAIN: Final = "AGAIN"
"""The variable with the script of a second run, one with --resume: its prompt is not ours."""

BREAKS_ITS_RUNNER: Final = """
import os, resource, sys, time
resource.prlimit(os.getppid(), resource.RLIMIT_FSIZE, (0, 0))
while True:
    print("x", flush=True)
    time.sleep(0.05)
"""

Way = Callable[["Theatre", str], Awaitable[None]]
ROWS: dict[str, list[Way]] = {}


class Theatre:
    """A stage whose every status is written down, and a second namespace whose quota is used up."""

    def __init__(self, stage: Stage, full: Stage) -> None:
        self.stage, self.full = stage, full

    def stage_of(self, name: str) -> Stage:
        return self.full if self.full.get(name) else self.stage

    async def create(
        self, name: str, *, annotations: dict[str, str] | None = None, **spec: Any
    ) -> Object:
        spec = {"terminationGracePeriodSeconds": 1, **spec}
        if "prompt" not in spec:
            spec = {"command": FOREVER, **spec}
        return await self.stage.create(name, annotations, **spec)

    async def running(self, name: str, **spec: Any) -> None:
        await self.create(name, **spec)
        await self.stage.phase(name, "Running")

    async def paused(self, name: str, **spec: Any) -> None:
        await self.create(name, desiredState="Paused", **spec)
        await self.stage.phase(name, "Paused")

    async def fault(self, name: str, fault: str) -> None:
        """Of the node, to its pod."""
        patch = {"metadata": {"annotations": {"devcluster/fault": fault}}}
        code, told = await self.stage.ground.client.merge(self.pod_path(name), patch)
        assert code == 200, told

    async def delete_pod(self, name: str, **options: Any) -> None:
        code, told = await self.stage.ground.client.ask("DELETE", self.pod_path(name), options)
        assert code == 200, told

    def pod_path(self, name: str) -> str:
        pod = self.stage.status(name)["podName"]
        return f"/api/v1/namespaces/{self.stage.namespace}/pods/{pod}"

    def condition(self, name: str, kind: str) -> str:
        """Of its pod."""
        pods = {pod["metadata"]["name"]: pod for pod in self.stage.pods()}
        pod = pods.get(self.stage.status(name).get("podName", ""), {})
        conditions = pod.get("status", {}).get("conditions", ())
        return next((str(c["status"]) for c in conditions if c["type"] == kind), "")

    async def is_ready(self, name: str) -> None:
        await self.stage.ground.until(
            lambda: self.condition(name, "ContainersReady") == "True", f"{name} is ready"
        )

    async def signal(self, name: str, number: int) -> None:
        """To the process, not to its runner."""
        os.kill((await self.stage.process(name))["pid"], number)


def row(outcome: str) -> Callable[[Way], Way]:
    def add(way: Way) -> Way:
        ROWS.setdefault(outcome, []).append(way)
        return way

    return add


def faulty(fault: str) -> Object:
    return {"metadata": {"annotations": {"devcluster/fault": fault}}}


# Refused, held, or not to be had


@row("Failed NotAllowed")
async def asks_for_host_pid(on: Theatre, name: str) -> None:
    await on.create(name, podTemplate={"spec": {"hostPID": True}})


@row("Queued Suspended")
async def suspended(on: Theatre, name: str) -> None:
    await on.create(name, suspend=True)


@row("Queued Restored")
async def copied_from_a_backup(on: Theatre, name: str) -> None:
    annotations = {ANNOTATION_STARTED_AS: "0f1e2d3c-0000-4000-8000-000000000001"}
    await on.create(name, annotations=annotations)


@row("Failed PodRejected")
async def wrong_template(on: Theatre, name: str) -> None:
    await on.create(name, podTemplate={"spec": {"nodeSelector": 5}})


@row("Queued QuotaExceeded")
async def quota_is_used_up(on: Theatre, name: str) -> None:
    await on.full.create(name, command=FOREVER)


@row("Queued QuotaExceeded")
async def server_error(on: Theatre, name: str) -> None:
    where = {"namespace": on.full.namespace, "verb": "create", "resource": "pods"}
    on.stage.ground.cluster.faults.add({"fault": "server-error", **where})
    await on.full.create(name, command=FOREVER)


@row("Failed PodNameTaken")
async def name_is_taken(on: Theatre, name: str) -> None:
    created = await on.create(name, suspend=True)
    await on.stage.reason(name, "Suspended")
    pod = f"cx-{name[:40]}-{created['metadata']['uid'][:8]}-1"
    container = {"name": "agent", "image": "x", "command": FOREVER}
    body = {"metadata": {"name": pod}, "spec": {"containers": [container]}}
    await on.stage.ground.client.create(f"/api/v1/namespaces/{on.stage.namespace}/pods", body)
    await on.stage.change(name, suspend=False)


# Asked for, not started


@row("Starting PodCreated")
async def is_made(on: Theatre, name: str) -> None:
    await on.create(name, podTemplate=faulty("no-start"))


@row("Starting Unschedulable")
async def fits_no_node(on: Theatre, name: str) -> None:
    await on.create(name, podTemplate={"spec": {"nodeSelector": {"no": "such"}}})


@row("Queued SchedulingGated")
async def a_queue_holds_it(on: Theatre, name: str) -> None:
    gates = [{"name": "example.dev/queue"}]
    await on.create(name, podTemplate={"spec": {"schedulingGates": gates}})


@row("Starting ImagePullError")
async def no_such_image(on: Theatre, name: str) -> None:
    await on.create(name, image="registry.invalid/a:1")


@row("Starting ConfigError")
async def no_such_secret(on: Theatre, name: str) -> None:
    await on.create(name, envFrom=[{"secretRef": {"name": "none"}}])


@row("Failed StartDeadlineExceeded")
async def starts_too_late(on: Theatre, name: str) -> None:
    await on.create(name, podTemplate=faulty("no-start"), startDeadlineSeconds=1)


@row("Failed ConfigError")
async def image_without_python(on: Theatre, name: str) -> None:
    await on.create(name, podTemplate=faulty("start-error"))


@row("Failed ExitCode")
async def init_container_fails(on: Theatre, name: str) -> None:
    init = {"name": "first", "image": "x", "command": ["false"]}
    await on.create(name, podTemplate={"spec": {"initContainers": [init]}})


# Runs


@row("Running Started")
async def runs(on: Theatre, name: str) -> None:
    await on.create(name)


@row("Paused PausedByUser")
async def paused_from_the_start(on: Theatre, name: str) -> None:
    await on.create(name, desiredState="Paused")


@row("Paused PausedByUser")
async def paused_while_it_runs(on: Theatre, name: str) -> None:
    await on.running(name)
    await on.stage.wish(name, "Paused")


@row("Running Resumed")
async def resumed(on: Theatre, name: str) -> None:
    await on.paused(name)
    await on.stage.wish(name, "Running")


@row("Running NodeUnreachable")
async def node_is_lost(on: Theatre, name: str) -> None:
    """A pod that was never ready says nothing by not being so."""
    await on.running(name)
    await on.is_ready(name)
    await on.fault(name, "node-lost")


@row("Paused NodeUnreachable")
async def node_is_lost_in_pause(on: Theatre, name: str) -> None:
    """Before its probe tells of the pause."""
    await on.running(name)
    while True:
        await on.is_ready(name)
        await on.stage.wish(name, "Paused")
        await on.stage.phase(name, "Paused")
        await on.fault(name, "node-lost")
        if on.condition(name, "ContainersReady") == "True":
            return
        await on.fault(name, "")
        await on.stage.wish(name, "Running")
        await on.stage.phase(name, "Running")


# Over, by itself


@row("Succeeded Completed")
async def exits_with_0(on: Theatre, name: str) -> None:
    await on.create(name, command=["true"])


@row("Failed ExitCode")
async def exits_with_3(on: Theatre, name: str) -> None:
    await on.create(name, command=["sh", "-c", "exit 3"])


@row("Failed Signal")
async def killed_from_inside(on: Theatre, name: str) -> None:
    await on.running(name)
    await on.signal(name, signal.SIGSEGV)


def claude_says(*, exit_code: int = 0, then: str = "", **result: Any) -> str:
    """A prompt: the agent of these tests is a shell that takes it for its script."""
    told = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, **result}
    return f"echo '{json.dumps(told)}'; {then} exit {exit_code}"


@row("Succeeded Completed")
async def claude_completes(on: Theatre, name: str) -> None:
    await on.create(name, prompt=claude_says(result="hi"))


@row("Succeeded Completed")
async def claude_lingers(on: Theatre, name: str) -> None:
    await on.create(name, prompt=claude_says(result="hi", then="sleep 600;"))


@row("Failed NoResult")
async def claude_has_no_result(on: Theatre, name: str) -> None:
    await on.create(name, prompt="exit 0")


def claude_fails(word: str) -> Way:
    async def fails(on: Theatre, name: str) -> None:
        prompt = claude_says(is_error=True, terminal_reason=word, exit_code=1)
        await on.create(name, prompt=prompt)

    return fails


for _word, _reason in {
    "api_error": "ApiError",
    "max_turns": "MaxTurns",
    "budget_exhausted": "BudgetExhausted",
    "aborted_tools": "Interrupted",
    "something_new": "ClaudeError",
}.items():
    row(f"Failed {_reason}")(claude_fails(_word))


# Begun anew: its turn, or all of it


@row("Running TurnRestarted")
async def a_pause_costs_claude_the_api(on: Theatre, name: str) -> None:
    """Whoever is told of the second pause is told of the second run."""
    first, second = (Gate(on.stage.directory, f"{name}-{word}") for word in ("first", "second"))
    gives_up = claude_says(is_error=True, terminal_reason="api_error", exit_code=1)
    begins = f"echo '{json.dumps({'type': 'system', 'subtype': 'init', 'session_id': name})}'"
    prompt = f"{begins}; {first.waits()}; {gives_up}"
    again = f"{begins}; {second.waits()}; sleep 600"
    await on.running(name, prompt=prompt, env=[{"name": AGAIN, "value": again}])
    await on.stage.wish(name, "Paused")
    await on.stage.phase(name, "Paused")
    await on.stage.wish(name, "Running")
    await on.stage.reason(name, "Resumed")
    await first.open()
    await second.open()
    await on.stage.wish(name, "Paused")
    await on.stage.phase(name, "Paused")
    await on.stage.wish(name, "Running")


@row("Starting Retrying")
async def evicted_with_an_attempt_left(on: Theatre, name: str) -> None:
    await on.running(name, backoffLimit=1)
    await on.fault(name, "evict")


@row("Starting Retrying")
async def pod_deleted_with_an_attempt_left(on: Theatre, name: str) -> None:
    await on.running(name, backoffLimit=1)
    await on.delete_pod(name)


# Over, by the runner's deed, and by the node's


@row("Failed DeadlineExceeded")
async def runs_too_long(on: Theatre, name: str) -> None:
    await on.create(name, activeDeadlineSeconds=1)


@row("Failed Stalled")
async def says_nothing(on: Theatre, name: str) -> None:
    await on.create(name, stallTimeoutSeconds=1, onStall="Fail")


@row("Failed RunnerFault")
async def breaks_its_runner(on: Theatre, name: str) -> None:
    await on.create(name, command=["python3", "-c", BREAKS_ITS_RUNNER])


@row("Failed OOMKilled")
async def out_of_memory(on: Theatre, name: str) -> None:
    await on.running(name)
    await on.fault(name, "oom")


@row("Failed Evicted")
async def evicted(on: Theatre, name: str) -> None:
    await on.running(name)
    await on.fault(name, "evict")


@row("Failed PodLost")
async def pod_deleted(on: Theatre, name: str) -> None:
    await on.running(name)
    await on.delete_pod(name)


@row("Failed PodLost")
async def pod_deleted_in_pause(on: Theatre, name: str) -> None:
    await on.paused(name)
    await on.delete_pod(name)


@row("Failed PodLost")
async def pod_deleted_without_grace(on: Theatre, name: str) -> None:
    await on.running(name)
    await on.delete_pod(name, gracePeriodSeconds=0)


@row("Failed PodLost")
async def node_stays_lost(on: Theatre, name: str) -> None:
    await node_is_lost(on, name)


# Cancelled


@row("Cancelled CancelledByUser")
async def cancelled_while_suspended(on: Theatre, name: str) -> None:
    await on.create(name, suspend=True)
    await on.stage.reason(name, "Suspended")
    await on.stage.wish(name, "Cancelled")


@row("Cancelled CancelledByUser")
async def cancelled_while_the_quota_is_used_up(on: Theatre, name: str) -> None:
    await on.full.create(name, command=FOREVER)
    await on.full.reason(name, "QuotaExceeded")
    await on.full.wish(name, "Cancelled")


@row("Cancelled CancelledByUser")
async def cancelled_while_it_starts(on: Theatre, name: str) -> None:
    await on.create(name, podTemplate=faulty("no-start"))
    await on.stage.phase(name, "Starting")
    await on.stage.wish(name, "Cancelled")


@row("Cancelled CancelledByUser")
async def cancelled_while_it_runs(on: Theatre, name: str) -> None:
    await on.running(name)
    await on.stage.wish(name, "Cancelled")


@row("Cancelled CancelledByUser")
async def cancelled_while_paused(on: Theatre, name: str) -> None:
    await on.paused(name)
    await on.stage.wish(name, "Cancelled")


@row("Cancelled CancelledByUser")
async def cancelled_on_a_lost_node(on: Theatre, name: str) -> None:
    await node_is_lost(on, name)
    await on.stage.reason(name, "NodeUnreachable", "PodLost")
    if on.stage.status(name)["reason"] == "PodLost":
        raise AssertionError("the node was lost for good before a cancel could be asked for")
    await on.stage.wish(name, "Cancelled")


@row("Cancelled CancelledByUser")
async def cancelled_and_deaf_to_term(on: Theatre, name: str) -> None:
    await on.running(name, command=["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
    await on.stage.wish(name, "Cancelled")


# Its session is closed


@row("Starting SessionClosed")
async def its_gateway_dies_while_it_starts(on: Theatre, name: str) -> None:
    await on.create(name, podTemplate=faulty("no-start"))
    await on.stage.phase(name, "Starting")
    await on.stage.change(name, session=SESSION)


@row("Running SessionClosed")
async def its_gateway_dies(on: Theatre, name: str) -> None:
    await on.running(name)
    await on.stage.change(name, session=SESSION)


@row("Paused SessionClosed")
async def its_gateway_dies_while_it_is_paused(on: Theatre, name: str) -> None:
    await on.paused(name)
    await on.stage.change(name, session=SESSION)


@row("Cancelled SessionClosed")
async def its_gateway_stays_dead(on: Theatre, name: str) -> None:
    await on.create(name, session=SESSION)


@row("Cancelled SessionClosed")
async def its_client_leaves(on: Theatre, name: str) -> None:
    await on.running(name, session={"id": "s1"})
    await on.stage.wish(name, "Cancelled")
