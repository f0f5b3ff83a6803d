from datetime import timedelta

import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import Unreachable
from ccx_kube.leases import Lease
from ccx_operator.session_watch import SELECTOR, SessionWatch
from ccx_operator.store import Store
from ccx_operator.work_queue import WorkQueue
from support.reconciling import NOW, UID, a_pod, an_execution, was

SESSION = {"id": "s", "gateway": "g"}


class RecordedLeases:
    def __init__(self, *leases: Lease) -> None:
        self.leases = leases
        self.fails = False
        self.asked: list[str] = []
        self.deleted: list[str] = []

    async def list(self, label_selector: str) -> tuple[Lease, ...]:
        self.asked.append(label_selector)
        if self.fails:
            raise Unreachable("reset")
        return self.leases

    async def delete(self, lease: Lease) -> None:
        self.deleted.append(lease.name)


class Watching:
    """A watch of one execution, by a clock that is a value."""

    def __init__(self, leases: RecordedLeases, execution: ClaudeExecution) -> None:
        self.store, self.queue, self.time = Store(), WorkQueue(), 0.0
        self.store.saw_execution(execution)
        takeover = timedelta(seconds=60)
        self.watch = SessionWatch(
            self.store, self.queue, leases, takeover=takeover, clock=lambda: self.time
        )

    async def look(self, *, after: float = 10, times: int = 1) -> None:
        for _ in range(times):
            self.time += after
            await self.watch.look()

    @property
    def silent(self) -> str | None:
        return self.store.observe(UID).silent_gateway


def a_lease(name: str = "g", renewed: str = "t0") -> Lease:
    return Lease(name, renewed, timedelta(seconds=15), "1")


async def test_an_execution_whose_gateway_has_gone_is_decided_on_again() -> None:
    leases = RecordedLeases(a_lease())
    watching = Watching(leases, an_execution(session=SESSION))
    await watching.look(times=8)
    assert (watching.silent, watching.queue.depth) == (None, 0)
    await watching.look()
    assert (watching.silent, watching.queue.depth) == ("g", 1)
    assert leases.asked == [SELECTOR] * 9
    leases.leases = (a_lease(renewed="t1"),)
    await watching.look()
    assert watching.silent is None


async def test_what_is_known_of_the_gateway_outlives_a_new_pod() -> None:
    watching = Watching(RecordedLeases(), an_execution(session=SESSION))
    await watching.look(times=7)
    watching.store.saw_pod(a_pod(), NOW)
    assert watching.silent == "g"


async def test_the_silence_of_the_api_server_is_not_the_gateways() -> None:
    leases = RecordedLeases(a_lease())
    watching = Watching(leases, an_execution(session=SESSION))
    await watching.look()
    leases.fails = True
    for _ in range(100):
        with pytest.raises(Unreachable):
            await watching.look()
    leases.fails = False
    await watching.look()  # before the gateway could renew
    assert watching.silent is None
    leases.leases = (a_lease(renewed="t1"),)
    await watching.look(times=7)
    assert watching.silent is None


@pytest.mark.parametrize(
    "execution",
    [
        an_execution(session=SESSION, onDisconnect="Detach"),
        an_execution(session=SESSION, status=was("Succeeded", "Completed")),
        an_execution(session={"id": "s"}),
        an_execution(),
    ],
)
async def test_what_does_not_depend_on_a_gateway_is_left_alone(execution: ClaudeExecution) -> None:
    leases = RecordedLeases(a_lease())
    watching = Watching(leases, execution)
    await watching.look(times=8)
    assert leases.deleted == []
    await watching.look()
    assert (watching.silent, watching.queue.depth) == (None, 0)
    assert leases.deleted == ["g"]  # of a crashed gateway that nobody names


async def test_the_lease_of_a_gateway_that_is_named_stays() -> None:
    leases = RecordedLeases(a_lease())
    await Watching(leases, an_execution(session=SESSION)).look(times=20)
    assert leases.deleted == []
