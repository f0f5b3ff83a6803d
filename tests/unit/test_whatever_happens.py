"""Two operators against a model of the rest: any order, late news, lost answers, wrong clocks."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_kube.errors import ApiError
from ccx_operator.actions import Action, CreatePod
from ccx_operator.controller import Controller
from ccx_operator.expiring import Expiring
from ccx_operator.facts import AgentFacts, PodFacts
from ccx_operator.outcomes import Outcome, UsageAsked
from ccx_operator.recorder import Ports, Recorder
from ccx_operator.store import Store
from ccx_operator.work_queue import WorkQueue
from support.reconciling import UID
from support.recording_cluster import NoMeter
from support.simulated_cluster import Event, World, some_work

OOM = AgentFacts(exit_code=137, reason="OOMKilled")


@dataclass(frozen=True, slots=True)
class Maps:
    world: World

    async def get(self, namespace: str, name: str) -> dict[str, Any] | None:
        return await self.world.get_map(namespace, name)

    async def create(self, namespace: str, body: dict[str, Any]) -> None:
        await self.world.create(namespace, body)

    async def replace(self, namespace: str, body: dict[str, Any]) -> None:
        await self.world.replace(namespace, body)


@dataclass(frozen=True, slots=True)
class ReadExecutions:
    world: World

    async def get(self, namespace: str, name: str) -> ClaudeExecution:
        if self.world.execution is None:
            raise ApiError(404, "NotFound", "")
        return self.world.execution


class Lost(NoMeter):
    def __init__(self, world: World) -> None:
        self.world = world

    def usage_lost(self, executions: int) -> None:
        self.world.lost += executions


class Seat:
    """The world as one operator calls it: what it asks for, it asks its own recorder."""

    def __init__(self, world: World, record_usage: Callable[[ClaudeExecution], None]) -> None:
        self._record_usage = record_usage
        self.patch_status, self.read, self.tell = world.patch_status, world.read, world.tell
        self._world = world

    async def carry_out(self, action: Action, execution: ClaudeExecution) -> Outcome:
        if isinstance(action, CreatePod):
            return await self._world.create_pod(action, execution)
        outcome = await self._world.carry_out(action, execution)
        if isinstance(outcome, UsageAsked):
            self._record_usage(execution)
        return outcome


class Operator:
    """One of two that each take themselves for the leader."""

    def __init__(self, world: World) -> None:
        self.world, self.news = world, deque[Event]()
        self.skew = timedelta()
        world.watches.append(self.news)
        self.restart()

    def restart(self) -> None:
        """SIGKILL: the memory is lost, and the lists come anew."""
        self.store, world = Store(), self.world
        world.forget()
        self.expiring = Expiring(self.store, WorkQueue(), world, NoMeter(), now=lambda: world.now)
        self.recorder = Recorder(
            self.store,
            WorkQueue(),
            Ports(Maps(world), ReadExecutions(world), world.tell),
            Lost(world),
            wake=lambda _: None,
            now=lambda: world.now,
            clock=lambda: world.now.timestamp(),
        )
        seat = Seat(world, self.recorder.add)
        self.controller = Controller(self.store, WorkQueue(), seat, NoMeter(), now=self.now)
        self.news.clear()
        if world.execution is not None:
            self.see(world.execution)
        if world.pod is not None:
            self.see(world.pod)

    def now(self) -> datetime:
        """By its own clock, which may jump."""
        return self.world.now + self.skew

    def reconcile(self, runner: asyncio.Runner) -> None:
        runner.run(self.try_to_reconcile())

    async def try_to_reconcile(self) -> None:
        with suppress(ConnectionError):
            await self.controller.reconcile(UID)

    def expire(self, runner: asyncio.Runner) -> None:
        """Its timer is up, or it is retried."""
        with suppress(ConnectionError, ApiError):
            runner.run(self.expiring.expire(UID))

    def record(self, runner: asyncio.Runner) -> None:
        runner.run(self.recorder.step("ns"))

    def hear(self, *, again: bool = False) -> None:
        if self.news:
            self.see(self.news[0] if again else self.news.popleft())

    def list_leases(self, *, gone: bool) -> None:
        self.store.gateway_is_silent(UID, "g" if gone else None)

    def see(self, event: Event) -> None:
        match event:
            case ("deleted", ClaudeExecution()):
                self.store.execution_deleted(UID)
            case ("deleted", PodFacts() as pod):
                self.store.pod_deleted(pod, self.now())
            case ClaudeExecution():
                self.store.saw_execution(event)
            case PodFacts():
                self.store.saw_pod(event, self.now())


def later(seconds: float) -> Callable[[World], None]:
    def pass_time(world: World) -> None:
        world.now += timedelta(seconds=seconds)

    return pass_time


WORLD: dict[str, Callable[[World], None]] = {
    "pause": lambda w: w.wish(desired_state=DesiredState.PAUSED),
    "resume": lambda w: w.wish(desired_state=DesiredState.RUNNING),
    "cancel": lambda w: w.wish(desired_state=DesiredState.CANCELLED),
    "suspend": lambda w: w.wish(suspend=True),
    "let go": lambda w: w.wish(suspend=False),
    "delete": lambda w: w.wish(deleted=True),
    "ttl 0": lambda w: w.wish(ttl_seconds_after_finished=0),
    "ttl 60": lambda w: w.wish(ttl_seconds_after_finished=60),
    "no ttl": lambda w: w.wish(ttl_seconds_after_finished=None),
    "start": World.start,
    "probe": World.probe,
    "exit 0": lambda w: w.end(0),
    "exit 3": lambda w: w.end(3),
    "exit 0, read on": lambda w: w.end(0, drains=True),
    "exit 3, read on": lambda w: w.end(3, drains=True),
    "settle": World.settle,
    "oom": lambda w: w.die(agent=OOM),
    "evict": lambda w: w.die(evicted=True, agent=AgentFacts(exit_code=143)),
    "unreachable": World.unreachable,
    "delete pod": World.delete_pod,
    "reap": World.reap,
    "vanish": World.vanish,
    "link up": lambda w: setattr(w, "link_is_up", True),
    "link down": lambda w: setattr(w, "link_is_up", False),
    "fail before": lambda w: w.faults.append(("before", "")),
    "fail after": lambda w: w.faults.append(("after", "")),
    "lose creation": lambda w: w.faults.append(("after", "CreatePod")),
    "lose record": lambda w: w.faults.append(("after", "record")),
    "lose patch": lambda w: w.faults.append(("before", "patch_status")),
    "1 s": later(1),
    "20 s": later(20),
    "700 s": later(700),
}
OPERATOR = (
    "gateway gone",
    "gateway back",
    "reconcile",
    "expire",
    "record",
    "restart",
    "hear",
    "hear again",
    "hear old",
    "hear all",
    "clock ahead",
    "clock behind",
    "clock right",
    "another leads",
    "both at once",
    *(f"the other: {step}" for step in ("reconcile", "hear", "hear all", "record", "restart")),
)
CLOCKS = {"ahead": timedelta(hours=1), "behind": timedelta(hours=-1), "right": timedelta()}
LATE_START = ["hear all", "reconcile", "start", "settle", "hear all"]
"""The kubelet was quicker than the deletion."""

BEGINS = ["reconcile", "start"]
RUNS = ["reconcile", "start", "probe", "hear all", "reconcile"]
SEEN_TO_END = ["hear all", "reconcile", "reconcile", "1 s", "reconcile"]
"""The operator has looked, and waited for the container in vain."""

TAKEN_AWAY = ["hear all", "reconcile", "reconcile", "reap", "hear all", "reconcile"]
STALE = [
    *("reconcile", "suspend", "hear all", "reconcile", "reap", "hear all", "let go", "hear all"),
    *("the other: hear all", "reconcile", "start", "oom", "hear all", "reconcile", "vanish"),
    *("hear all", "reconcile", "the other: reconcile"),
]
"""One that does not lead any more has not heard that the pod, let go again, has run and gone."""

LOSSES = {"oom", "evict", "unreachable", "delete pod", "vanish"}
# What moves things on comes more often than what only disturbs.
STEPS = st.sampled_from([*WORLD, *OPERATOR, *(("reconcile", "hear all", "start", "probe") * 3)])


def play(steps: list[str], operators: list[Operator], runner: asyncio.Runner) -> None:
    """The first of the operators leads; the other has not noticed that it does not."""
    world = operators[0].world
    for step in steps:
        if step in WORLD:
            WORLD[step](world)
        elif step == "another leads":
            operators.reverse()
        elif step == "both at once":
            world.interruption = operators[-1].try_to_reconcile
        else:
            other, what = step.startswith("the other: "), step.removeprefix("the other: ")
            act(what, operators[-1 if other else 0], runner)


def act(step: str, operator: Operator, runner: asyncio.Runner) -> None:
    if step == "reconcile":
        operator.reconcile(runner)
    elif step == "expire":
        operator.expire(runner)
    elif step == "record":
        operator.record(runner)
    elif step == "restart":
        operator.restart()
    elif step.startswith("clock "):
        operator.skew = CLOCKS[step.removeprefix("clock ")]
    elif step in ("gateway gone", "gateway back"):
        operator.list_leases(gone=step == "gateway gone")
    elif step == "hear all":
        while operator.news:
            operator.hear()
    elif step == "hear old" and operator.world.told:
        operator.see(operator.world.told[len(operator.world.told) // 2])
    else:
        operator.hear(again=step == "hear again")


def calm_down(operator: Operator, runner: asyncio.Runner) -> None:
    """One leads, all works again, all news arrive, and an unhindered process comes to its end."""
    world = operator.world
    world.interruption, operator.skew = None, timedelta()
    world.link_is_up = world.link_is_up or not world.wants_cancel  # a cancel needs no link
    world.faults.clear()
    operator.list_leases(gone=False)  # a session that is closed already stays so
    for _ in range(40):
        steps = ["start", "probe", "settle", "reap", "hear all", "reconcile", "reconcile"]
        play([*steps, "record", "reconcile", "hear all", "expire", "20 s"], [operator], runner)


def is_alive(world: World) -> bool:
    return world.runner is not None and world.runner.state in ("Running", "Paused")


def is_overdue(world: World) -> bool:
    """By the clock that wrote completionTime, which may have been an hour ahead of the world's."""
    execution = world.execution
    if execution is None or not execution.status.phase.is_terminal:
        return False
    ttl, completed = execution.spec.ttl_seconds_after_finished, execution.status.completion_time
    return ttl is not None and (
        completed is None or completed + timedelta(seconds=ttl) <= world.now
    )


CLAIMED: dict[str, Any] = {"workspace": {"volumeClaimTemplate": {"storage": "1Gi"}}}
ONCE: dict[str, Any] = {"backoffLimit": 1}
THRICE: dict[str, Any] = {"backoffLimit": 3}
SPECS: list[dict[str, Any]] = [{}, ONCE, THRICE, CLAIMED, {**CLAIMED, **THRICE}]


@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, max_size=40), st.sampled_from(SPECS))
@example(["lose creation", "reconcile", "vanish", "reconcile"], {})
@example(["lose creation", "reconcile", "vanish", "pause", "reconcile"], {})
@example(["lose creation", "reconcile", "start", "exit 0", "vanish", "restart", "reconcile"], {})
@example([*RUNS, "exit 0", "hear all", "reconcile", "lose record", "record", "restart"], {})
@example([*RUNS, "exit 0", "hear all", "reconcile", "record", "restart", "reconcile", "record"], {})
@example([*RUNS, "exit 0", *SEEN_TO_END, "ttl 60", "hear all", "ttl 0", "expire"], {})
@example([*RUNS, "ttl 0", "exit 0", *SEEN_TO_END, "no ttl", "expire", "hear old", "expire"], {})
@example(
    ["reconcile", "start", "suspend", "reconcile", "reap", "let go", "hear all", "reconcile"], {}
)
@example(["fail after", "reconcile", "restart", "reconcile", "start", "cancel"], {})
@example(["reconcile", "suspend", *LATE_START, "reconcile"], {})
@example(["lose creation", "reconcile", "hear all", "vanish", "hear all", "reconcile"], {})
@example(
    ["reconcile", "start", "probe", "gateway gone", "hear all", "reconcile", "gateway back"], {}
)
@example([*BEGINS, "link down", "gateway gone", "hear all", "reconcile", "restart"], {})
@example(["reconcile", "link down", "start", "probe", "cancel", "hear all", "reconcile"], {})
@example(
    [*RUNS, "exit 0, read on", "probe", *SEEN_TO_END, "cancel", "reconcile", "20 s", "reconcile"],
    {},
)
@example(STALE, {})
@example(["ttl 0", "clock ahead", "reconcile"], {})
@example([*RUNS, "oom", *TAKEN_AWAY, "restart", "20 s", *RUNS, "vanish", *TAKEN_AWAY], THRICE)
@example([*RUNS, "unreachable", "700 s", "hear all", "reconcile", "restart", "reconcile"], ONCE)
@example([*RUNS, "oom", *TAKEN_AWAY, "pause", "cancel", "hear all", "reconcile"], ONCE)
@example([*RUNS, "oom", *TAKEN_AWAY, "suspend", "hear all", "reconcile", "let go"], ONCE)
@example([*RUNS, "suspend", *TAKEN_AWAY, "restart", "let go", *RUNS, "exit 0"], CLAIMED)
@example([*RUNS, "suspend", "hear all", "fail after", "reconcile", "restart", "cancel"], CLAIMED)
@example([*RUNS, "pause", "suspend", *TAKEN_AWAY, "let go", *RUNS, *RUNS], CLAIMED)
def test_terminal_phases_stay_no_pod_is_made_twice_and_no_wish_is_lost(
    steps: list[str], spec: dict[str, Any]
) -> None:
    world = World(some_work(**spec))
    operators = [Operator(world), Operator(world)]
    with asyncio.Runner() as runner:
        play(steps, operators, runner)
        operator = operators[0]
        was_over = world.execution is not None and world.execution.status.phase.is_terminal
        cancelled_before = world.wants_cancel
        calm_down(operator, runner)
        assert world.broken == []

        execution = world.execution
        if execution is None:
            assert not is_alive(world)
            return
        if execution.status.reason == "PodLost":
            assert LOSSES.intersection(steps)
        if world.wants_cancel:
            assert execution.status.phase.is_terminal
            assert not is_overdue(world)
            assert not is_alive(world)
            assert was_over or execution.status.phase == "Cancelled"
            assert cancelled_before
            return
        if is_alive(world):
            assert world.runner is not None
            wanted = execution.spec.desired_state
            assert world.runner.state == wanted
            assert execution.status.phase.value == wanted.value
            world.runner.state = "Running"
            WORLD["exit 0"](world)
            calm_down(operator, runner)
            execution = world.execution or world.last
            assert execution is not None
            assert execution.status.phase == "Succeeded"
            stays = execution.spec.ttl_seconds_after_finished is None
            assert world.execution is not None if stays else not is_overdue(world)
        else:
            assert execution.spec.suspend or execution.status.phase.is_terminal
            assert not is_overdue(world)
        assert world.broken == []
