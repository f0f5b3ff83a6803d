"""Two operators against a model of the rest: any order, late news, lost answers, wrong clocks."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_operator.controller import Controller
from ccx_operator.facts import AgentFacts, PodFacts
from ccx_operator.store import Store
from ccx_operator.work_queue import WorkQueue
from support.reconciling import UID
from support.recording_cluster import NoMeter
from support.simulated_cluster import Event, World

OOM = AgentFacts(exit_code=137, reason="OOMKilled")


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
        self.controller = Controller(self.store, WorkQueue(), world, NoMeter(), now=self.now)
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
    "lose patch": lambda w: w.faults.append(("before", "patch_status")),
    "1 s": later(1),
    "20 s": later(20),
    "700 s": later(700),
}
OPERATOR = (
    "gateway gone",
    "gateway back",
    "reconcile",
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
    *(f"the other: {step}" for step in ("reconcile", "hear", "hear all", "restart")),
)
CLOCKS = {"ahead": timedelta(hours=1), "behind": timedelta(hours=-1), "right": timedelta()}
LATE_START = ["hear all", "reconcile", "start", "settle", "hear all"]
"""The kubelet was quicker than the deletion."""

RUNS = ["reconcile", "start", "probe", "hear all", "reconcile"]
SEEN_TO_END = ["hear all", "reconcile", "reconcile", "1 s", "reconcile"]
"""The operator has looked, and waited for the container in vain."""

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
        play([*steps, "20 s"], [operator], runner)


def is_alive(world: World) -> bool:
    return world.runner is not None and world.runner.state in ("Running", "Paused")


@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, max_size=40))
@example(["lose creation", "reconcile", "vanish", "reconcile"])
@example(["reconcile", "start", "suspend", "reconcile", "reap", "let go", "hear all", "reconcile"])
@example(["fail after", "reconcile", "restart", "reconcile", "start", "cancel"])
@example(["reconcile", "suspend", *LATE_START, "reconcile"])
@example(["lose creation", "reconcile", "hear all", "vanish", "hear all", "reconcile"])
@example(["reconcile", "start", "probe", "gateway gone", "hear all", "reconcile", "gateway back"])
@example(["reconcile", "start", "link down", "gateway gone", "hear all", "reconcile", "restart"])
@example(["reconcile", "link down", "start", "probe", "cancel", "hear all", "reconcile"])
@example(
    [*RUNS, "exit 0, read on", "probe", *SEEN_TO_END, "cancel", "reconcile", "20 s", "reconcile"]
)
@example(STALE)
def test_terminal_phases_stay_no_pod_is_made_twice_and_no_wish_is_lost(steps: list[str]) -> None:
    world = World()
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
            assert world.execution is not None
            assert world.execution.status.phase == "Succeeded"
        else:
            assert execution.spec.suspend or execution.status.phase.is_terminal
        assert world.broken == []
